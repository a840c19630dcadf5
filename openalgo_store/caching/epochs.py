"""Epochs: whether what is in memory has been changed by another process.

A cached answer is a lease. Whoever changes what others may have cached adds 1 to its topic, last in
the same transaction; whoever answers from memory has looked at all topics no longer ago than the
lease. So no process tells what was changed longer ago than that, and one that is idle asks nothing.
"""

import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from math import inf
from time import monotonic
from typing import NamedTuple

from ..engine.dialect import Dialect
from ..engine.session import Session
from ..engine.sql_files import SqlFile
from ..engine.transaction import Transaction
from ..engine.transaction_state import TransactionState
from ..errors import StoreError
from ..tables.cache_epochs import cache_epochs
from ..threads import Lock
from .background_tasks import BackgroundTasks
from .single_flight import SingleFlight

ACCOUNTS, TOKENS, SYMBOLS = "accounts", "tokens", "symbols of "
"""The topics; the name of a broker follows the last one."""

_RETRY = 1.0
"""Seconds between two looks while they fail."""

_log = logging.getLogger("openalgo_store")


class _Epoch(NamedTuple):
    topic: str
    epoch: int


_get_epochs = SqlFile("cache_epochs.sql", cache_epochs).query("get_epochs", _Epoch)


class Epochs:
    """What was last seen of every topic, and for how long that will do, `lease` seconds.

    `until` and `serving_until` are moments of the monotonic clock: before the first one answers
    may come from memory, before the second one those that may be old. They differ only while the
    epochs cannot be read; then `failure` says why.
    """

    def __init__(
        self,
        read: Callable[[], Mapping[str, int]],
        lease: float,
        tasks: BackgroundTasks,
        forget: Callable[[str], object],
    ) -> None:
        self.lease = lease
        self._read = read
        self._tasks = tasks
        self._forget = forget
        self.until = self.serving_until = -inf
        self.failure: StoreError | None = None
        self._seen: dict[str, int] = {}
        self._mutex = Lock()
        self._looks: SingleFlight[None] = SingleFlight()

    def renew(self) -> None:
        """Look, unless somebody has within the lease; what was changed since is dropped.

        Raises what the database raises: then nothing may be told from memory.
        """
        asked = monotonic()
        while asked >= self.until:
            self._looks.share("look", self._look)

    def renew_or_serve(self) -> None:
        """The same for answers that may be old where the database cannot be asked."""
        asked = monotonic()
        if asked < self.serving_until:
            return
        if self.failure is None:
            with suppress(StoreError):
                self.renew()
        else:
            self.serving_until = asked + _RETRY
            self._tasks.start("a look at the epochs", self.renew)

    def age(self) -> float | None:
        """Seconds since the last look, None if there was none."""
        return None if self.until == -inf else monotonic() - (self.until - self.lease)

    def follow(self, topic: str, epoch: int) -> None:
        """This process made it this epoch, and has dropped what it had to."""
        with self._mutex:
            if self._seen.get(topic, 0) == epoch - 1:
                self._seen[topic] = epoch

    def _look(self) -> None:
        began = monotonic()
        try:
            found = self._read()
        except StoreError as error:
            self.serving_until = monotonic() + _RETRY
            if self.failure is None:
                _log.warning("the epochs cannot be read, only symbols are served: %s", error)
            self.failure = error
            raise
        self._take(found)
        self.failure = None
        self.until = self.serving_until = began + self.lease

    def _take(self, found: Mapping[str, int]) -> None:
        """Drop each topic that has moved, and only then take its epoch as seen."""
        with self._mutex:
            moved = [each for each in found if self._seen.get(each, 0) != found[each]]
        for topic in moved:
            self._forget(topic)
            with self._mutex:
                self._seen[topic] = found[topic]


def read_epochs(dialect: Dialect) -> dict[str, int]:
    """The epoch of each topic that was ever changed."""
    state = TransactionState(dialect, "main", readonly=True, single=True)
    with Session(state, Transaction(state, None)) as tx:
        return {each.topic: each.epoch for each in tx.all(_get_epochs)}
