"""A cache of single values by key: bounded, each entry with its own expiry, one load for a miss."""

import time
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

from cachetools import FIFOCache

from ..threads import Lock
from .single_flight import SingleFlight
from .statistics import CacheStats

V = TypeVar("V")


class KeyedCache(Generic[V]):
    """Values by key, at most `size` of them; the oldest goes first.

    A hit takes no lock. While one thread loads a key others that miss it wait for the outcome.
    A load that began before an invalidation answers only who asked before it, and is not kept.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._entries: FIFOCache[str, tuple[V, float]] = FIFOCache(size)
        self._loads: SingleFlight[V | None] = SingleFlight()
        self.epoch = 0
        self._mutex = Lock()
        self.hits = 0
        self.misses = 0

    def get(self, key: str) -> V | None:
        """The value, or None when there is none or it has expired."""
        try:
            value, expires_at = self._entries[key]
        except KeyError:
            return None
        if expires_at <= time.time():
            return None
        self.hits += 1
        return value

    def read(self, key: str, load: Callable[[], tuple[V, float] | None]) -> V | None:
        """What `load` gives as (value, POSIX time of expiry), kept; None is not kept.

        Threads that ask for the same key meanwhile are given what comes of it, unless something
        was forgotten in between. An error of `load` is raised in each of them, and nothing kept.
        """
        self.misses += 1
        epoch = self.epoch
        return self._loads.share((key, epoch), lambda: self._load(key, load, epoch))

    def _load(self, key: str, load: Callable[[], tuple[V, float] | None], epoch: int) -> V | None:
        if (found := self.get(key)) is not None:  # kept since it was missed
            return found
        if (loaded := load()) is None:
            return None
        self.keep(key, *loaded, epoch)
        return loaded[0]

    def keep(self, key: str, value: V, expires_at: float, epoch: int) -> None:
        """Keep a value that was read when the cache had this epoch, unless it has moved on."""
        with self._mutex:
            if self.epoch == epoch:
                self._entries[key] = value, expires_at

    def forget(self, keys: Iterable[str]) -> None:
        """Drop these keys, and whatever is being read now."""
        with self._mutex:
            self.epoch += 1
            for key in keys:
                self._entries.pop(key, None)

    def forget_where(self, matches: Callable[[V], bool]) -> None:
        """Drop the values that match, and whatever is being read now."""
        with self._mutex:
            self.epoch += 1
            for key in [k for k, (value, _) in self._entries.items() if matches(value)]:
                del self._entries[key]

    def forget_all(self) -> None:
        """Drop everything, and whatever is being read now."""
        with self._mutex:
            self.epoch += 1
            self._entries.clear()

    def stats(self) -> CacheStats:
        """Size, hits, misses, and when the first entry expires."""
        with self._mutex:
            entries = list(self._entries.values())
        first = min((expires_at for _, expires_at in entries), default=None)
        return CacheStats(len(entries), self.hits, self.misses, first)
