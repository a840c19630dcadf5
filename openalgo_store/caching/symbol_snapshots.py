"""The cache of whole masters, one immutable snapshot for each broker."""

import logging
import time
from collections.abc import Callable
from math import inf
from time import monotonic

from ..threads import Lock
from .background_tasks import BackgroundTasks
from .epochs import Epochs
from .single_flight import SingleFlight
from .snapshots import MasterChange, Snapshot
from .statistics import CacheStats

Load = Callable[[str, float, Snapshot | None], Snapshot]
"""Reads the master of a broker into a snapshot that expires at a POSIX time; a snapshot that is
given comes back if it is still what is stored."""

_log = logging.getLogger("openalgo_store")
_NOTHING = Snapshot((), 0, 0.0)
_RETRY = 5.0
"""Seconds for which the old snapshot serves when the database could not be asked, and after which
a reload that failed is tried again."""


class SymbolCache:
    """Whole masters by broker. Absence is not cached: what a snapshot lacks is asked for again.

    `can_ask` says whether the database can be asked without waiting for a connection.
    """

    def __init__(
        self,
        next_expiry: Callable[[], float],
        can_ask: Callable[[], bool],
        epochs: Epochs,
        tasks: BackgroundTasks,
    ) -> None:
        self._next_expiry = next_expiry
        self._can_ask = can_ask
        self._epochs = epochs
        self._tasks = tasks
        self._fresh: dict[str, Snapshot] = {}
        self._last: dict[str, Snapshot] = {}
        self._changes: dict[str, int] = {}
        self._outdated: dict[str, float] = {}
        """What another process has changed, and the monotonic time from which to reload it. It is
        the last one that was in memory, and no longer fresh."""
        self._asks_from = -inf
        self._loads: SingleFlight[Snapshot] = SingleFlight()
        self._mutex = Lock()
        self.hits = 0
        self.misses = 0

    def snapshot(self, broker: str, load: Load) -> Snapshot:
        """The broker's master: from the cache, else loaded by one thread while others wait.

        While one that another process has changed is reloaded in the background it is told to hold
        nothing, so that the database is asked; where that cannot be at once, the old one serves,
        and so it does when a load fails. A load that began before a change answers only who asked
        before it, and is not kept. Raises what `load` raises where there is no old one, and what
        the database raises if it cannot be asked for what others have changed.
        """
        found = self._fresh.get(broker)
        if found is not None and monotonic() < self._epochs.serving_until:
            self.hits += 1
            return found
        self._epochs.renew_or_serve()
        found = self._unexpired(broker)
        if found is not None:
            self.hits += 1
            return found
        if (reload_from := self._outdated.get(broker)) is not None:
            return self._while_outdated(broker, load, reload_from)
        return self._load_once(broker, load)

    def warm(self, broker: str, load: Load) -> Snapshot:
        """The same, but one that another process has changed is waited for."""
        found = self.snapshot(broker, load)
        return self._load_once(broker, load) if found is _NOTHING else found

    def whole(self, broker: str, load: Load) -> Snapshot:
        """The same, but while one that another process has changed is reloaded the old one serves:
        to who needs all symbols the database cannot tell them one by one."""
        found = self.snapshot(broker, load)
        if found is not _NOTHING:
            return found
        return self._last.get(broker) or self._load_once(broker, load)

    def _load_once(self, broker: str, load: Load) -> Snapshot:
        self.misses += 1
        change = self._changes.get(broker, 0)
        return self._loads.share((broker, change), lambda: self._load(broker, load, change))

    def outdated(self, broker: str) -> Snapshot:
        """For who could not ask the database: the old master, if this one is known to be old.

        For some seconds it serves everybody, so that not every lookup waits in vain.
        """
        if broker not in self._outdated:
            return _NOTHING
        self._asks_from = monotonic() + _RETRY
        return self._last.get(broker, _NOTHING)

    def _while_outdated(self, broker: str, load: Load, reload_from: float) -> Snapshot:
        now = monotonic()
        if now >= reload_from:
            name = f"the reload of the symbols of {broker}"
            self._tasks.start(name, lambda: self._reload(broker, load))
        if self._epochs.failure is None and now >= self._asks_from and self._can_ask():
            self.misses += 1
            return _NOTHING
        self.hits += 1
        return self._last.get(broker, _NOTHING)

    def _unexpired(self, broker: str) -> Snapshot | None:
        found = self._fresh.get(broker)
        return found if found is not None and found.expires_at > time.time() else None

    def _load(self, broker: str, load: Load, change: int) -> Snapshot:
        if (found := self._unexpired(broker)) is not None:  # kept since it was missed
            return found
        try:
            loaded = load(broker, self._next_expiry(), None)
        except Exception as error:
            loaded = self._kept(broker, error)
            if broker in self._outdated:  # what was kept does not serve but for who cannot ask
                return loaded
        with self._mutex:
            if self._changes.get(broker, 0) == change:
                self._outdated.pop(broker, None)
                self._set(broker, loaded)
        return loaded

    def _set(self, broker: str, loaded: Snapshot) -> None:
        if loaded.size:
            self._fresh[broker] = self._last[broker] = loaded
        else:  # an unknown name must not take room
            self._fresh.pop(broker, None)
            self._last.pop(broker, None)

    def _reload(self, broker: str, load: Load) -> None:
        """Read it anew until nobody has changed it meanwhile."""
        while broker in self._outdated:
            change, held = self._changes.get(broker, 0), self._last.get(broker)
            try:
                loaded = load(broker, self._next_expiry(), held)
            except Exception:
                with self._mutex:
                    if broker in self._outdated:
                        self._outdated[broker] = monotonic() + _RETRY
                raise
            with self._mutex:
                if broker in self._outdated and self._changes.get(broker, 0) == change:
                    del self._outdated[broker]
                    self._set(broker, loaded)
            del held, loaded  # no room for them beside what is read next

    def _kept(self, broker: str, error: Exception) -> Snapshot:
        last = self._last.get(broker)
        if last is None:
            raise error
        _log.warning("the symbols of %s were not reloaded, the old ones serve: %s", broker, error)
        last.expires_at = time.time() + _RETRY
        return last

    def outdate(self, broker: str) -> None:
        """Another process has changed the broker's master: the next reader has it reloaded."""
        with self._mutex:
            self._advance(broker)
            if broker in self._fresh:
                self._outdated[broker] = -inf
                del self._fresh[broker]

    def invalidate(self, broker: str) -> None:
        """The broker's master has changed: the next reader loads it."""
        with self._mutex:
            self._advance(broker)
            self._fresh.pop(broker, None)

    def version(self, broker: str) -> int | None:
        """The version of the broker's master that is in memory, None if there is none."""
        found = self._held(broker)
        return None if found is None or found.expires_at <= time.time() else found.version

    def _held(self, broker: str) -> Snapshot | None:
        """The master in memory, though a look may have seen that another one is stored."""
        fresh = self._fresh.get(broker)
        return self._last.get(broker) if fresh is None and broker in self._outdated else fresh

    def apply(self, broker: str, change: MasterChange) -> None:
        """The broker's master has changed in this way, and readers see it from now on.

        One that is not in memory as the change found it is dropped, and loaded by the next
        reader. So it is when callbacks of two loads come in another order than their commits.
        """
        held = self._held(broker)
        if held is None or held.version != change.before:
            self._invalidate_before(broker, change.version)
            return
        try:
            later = held.after(change)
        except BaseException:
            self.invalidate(broker)
            raise
        with self._mutex:
            is_next = later.size > 0 and self._held(broker) is held
            if is_next:
                self._advance(broker)
                self._last[broker] = later
                if broker not in self._outdated:
                    self._fresh[broker] = later
        if not is_next:
            self._invalidate_before(broker, change.version)

    def confirm(self, broker: str, version: int) -> None:
        """What a look saw was the change to this version, and nothing else."""
        with self._mutex:
            last = self._last.get(broker)
            if broker in self._outdated and last is not None and last.version == version:
                del self._outdated[broker]
                self._fresh[broker] = last

    def _invalidate_before(self, broker: str, version: int) -> None:
        """Drop the master unless a reader has loaded it since the change to this version."""
        with self._mutex:
            found = self._fresh.get(broker)
            self._advance(broker)
            if found is not None and found.version < version:
                del self._fresh[broker]

    def _advance(self, broker: str) -> None:
        """What is being read now is not kept."""
        self._changes[broker] = self._changes.get(broker, 0) + 1

    def stats(self) -> CacheStats:
        """Size, hits, misses, and when the first snapshot expires."""
        with self._mutex:
            outdated = {each: self._last[each] for each in self._outdated if each in self._last}
            held = list((outdated | self._fresh).values())
        return CacheStats(
            sum(each.size for each in held),
            self.hits,
            self.misses,
            min((each.expires_at for each in held), default=None),
            self._epochs.failure is None and not self._outdated,
        )
