"""The cache of whole masters, one immutable snapshot for each broker."""

import logging
import time
from collections.abc import Callable

from ..threads import Lock
from .single_flight import SingleFlight
from .snapshots import MasterChange, Snapshot
from .statistics import CacheStats

Load = Callable[[str, float], Snapshot]
"""Reads the master of a broker into a snapshot that expires at a POSIX time."""

_log = logging.getLogger("openalgo_store")
_RETRY = 5.0
"""Seconds for which the old snapshot serves after a reload that failed."""


class SymbolCache:
    """Whole masters by broker. Absence is not cached: what a snapshot lacks is asked for again."""

    def __init__(self, next_expiry: Callable[[], float]) -> None:
        self._next_expiry = next_expiry
        self._fresh: dict[str, Snapshot] = {}
        self._last: dict[str, Snapshot] = {}
        self._epochs: dict[str, int] = {}
        self._loads: SingleFlight[Snapshot] = SingleFlight()
        self._mutex = Lock()
        self.hits = 0
        self.misses = 0

    def snapshot(self, broker: str, load: Load) -> Snapshot:
        """The broker's master: from the cache, else loaded by one thread while others wait.

        When a reload fails the snapshot before it goes on serving for a few seconds. A load that
        began before a change answers only who asked before it, and is not kept.
        """
        found = self._fresh.get(broker)
        if found is not None and found.expires_at > time.time():
            self.hits += 1
            return found
        self.misses += 1
        epoch = self._epochs.get(broker, 0)
        return self._loads.share((broker, epoch), lambda: self._load(broker, load, epoch))

    def _load(self, broker: str, load: Load, epoch: int) -> Snapshot:
        found = self._fresh.get(broker)
        if found is not None and found.expires_at > time.time():  # kept since it was missed
            return found
        try:
            loaded = load(broker, self._next_expiry())
        except Exception as error:
            loaded = self._kept(broker, error)
        with self._mutex:
            if self._epochs.get(broker, 0) != epoch:
                return loaded
            if loaded.size:
                self._fresh[broker] = self._last[broker] = loaded
            else:  # an unknown name must not take room
                self._fresh.pop(broker, None)
                self._last.pop(broker, None)
        return loaded

    def _kept(self, broker: str, error: Exception) -> Snapshot:
        last = self._last.get(broker)
        if last is None:
            raise error
        _log.warning("the symbols of %s were not reloaded, the old ones serve: %s", broker, error)
        last.expires_at = time.time() + _RETRY
        return last

    def invalidate(self, broker: str) -> None:
        """The broker's master has changed: the next reader loads it."""
        with self._mutex:
            self._advance(broker)
            self._fresh.pop(broker, None)

    def version(self, broker: str) -> int | None:
        """The version of the broker's master that is in memory, None if there is none."""
        found = self._fresh.get(broker)
        return found.version if found is not None and found.expires_at > time.time() else None

    def apply(self, broker: str, change: MasterChange) -> None:
        """The broker's master has changed in this way, and readers see it from now on.

        One that is not in memory as the change found it is dropped, and loaded by the next
        reader. So it is when callbacks of two loads come in another order than their commits.
        """
        held = self._fresh.get(broker)
        if held is None or held.version != change.before:
            self._invalidate_before(broker, change.version)
            return
        try:
            later = held.after(change)
        except BaseException:
            self.invalidate(broker)
            raise
        with self._mutex:
            is_next = later.size > 0 and self._fresh.get(broker) is held
            if is_next:
                self._advance(broker)
                self._fresh[broker] = self._last[broker] = later
        if not is_next:
            self._invalidate_before(broker, change.version)
        maps = held.maps()
        del held
        while maps:  # freed one by one: all at once would stop every thread for some 10 ms
            maps.pop()

    def _invalidate_before(self, broker: str, version: int) -> None:
        """Drop the master unless a reader has loaded it since the change to this version."""
        with self._mutex:
            found = self._fresh.get(broker)
            self._advance(broker)
            if found is not None and found.version < version:
                del self._fresh[broker]

    def _advance(self, broker: str) -> None:
        """What is being read now is not kept."""
        self._epochs[broker] = self._epochs.get(broker, 0) + 1

    def stats(self) -> CacheStats:
        """Size, hits, misses, and when the first snapshot expires."""
        fresh = list(self._fresh.values())
        return CacheStats(
            sum(each.size for each in fresh),
            self.hits,
            self.misses,
            min((each.expires_at for each in fresh), default=None),
        )
