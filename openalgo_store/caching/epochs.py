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
from weakref import WeakMethod

from ..engine.dialect import Dialect
from ..engine.session import Session
from ..engine.sql_files import SqlFile
from ..engine.transaction import Transaction
from ..engine.transaction_state import TransactionState
from ..errors import StoreError
from ..tables.cache_epochs import cache_epochs
from ..threads import Lock, sleep
from .background_tasks import BackgroundTasks
from .single_flight import SingleFlight

ACCOUNTS, TOKENS, SYMBOLS = "accounts", "tokens", "symbols of "
"""The topics; the name of a broker follows the last one."""

_RETRY = 1.0
"""Seconds between two looks while they fail."""
_OLDEST, _MOST_LEASES = 1.0, 100
"""Seconds, and leases, after which a look is waited for by whom an older one would do."""
_LINGER = 2.0
"""Seconds for which a thread that looks waits for somebody to ask again."""

_log = logging.getLogger("openalgo_store")


class _Epoch(NamedTuple):
    topic: str
    epoch: int


class _OwnMove(NamedTuple):
    """An epoch that a transaction of this process makes, and until when looks leave it to that.

    The transaction is not kept by it: one that fails may hold all that it was to write.
    """

    epoch: int
    is_committing: "WeakMethod[Callable[[], bool]]"
    until: float


_get_epochs = SqlFile("cache_epochs.sql", cache_epochs).query("get_epochs", _Epoch)


class Epochs:
    """What was last seen of every topic, and for how long that will do, `lease` seconds.

    `until` and `serving_until` are moments of the monotonic clock: before the first one answers
    may come from memory, before the second one those for which nobody waits. While the epochs
    cannot be read `failure` says why.
    """

    def __init__(
        self,
        read: Callable[[], Mapping[str, int]],
        lease: float,
        tasks: BackgroundTasks,
        forget: Callable[[str], object],
    ) -> None:
        self.lease = lease
        self._oldest = max(0.0, min(_OLDEST, _MOST_LEASES * lease) - lease)
        self._read = read
        self._tasks = tasks
        self._forget = forget
        self.until = self.serving_until = -inf
        self.failure: StoreError | None = None
        self._is_used = False
        self._seen: dict[str, int] = {}
        self._moves: dict[str, tuple[int, int]] = {}
        """Of each topic the last move that a look has found: from which epoch to which."""
        self._own_moves: dict[str, _OwnMove] = {}
        """Of each topic the one that is being committed."""
        self._left_until = inf
        """The moment from which what the last look has left to them may be too old to be told."""
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
        """The same for answers that may be a little old: while they are in use a thread looks.

        Nobody waits for it, unless nobody has asked for a while: a look hands the interpreter
        over, and beside a thread that computes it comes back only after some milliseconds.
        """
        asked = monotonic()
        if asked >= min(self.until + self._oldest, self._left_until) and self.failure is None:
            with suppress(StoreError):
                self.renew()
        elif asked >= self.serving_until:
            self.serving_until = asked + self.lease
            self._is_used = True
            self._tasks.start("looking at the epochs", self._keep_looking)

    def _keep_looking(self) -> None:
        """While somebody asks; again and again, too, where the database is away."""
        used = monotonic()
        while monotonic() - used < _LINGER and not self._tasks.is_closed:
            if self._is_used:
                self._is_used, used = False, monotonic()
                with suppress(StoreError):
                    self.renew()
            sleep(self.lease if self.failure is None else _RETRY)

    def age(self) -> float | None:
        """Seconds since the last look, None if there was none."""
        return None if self.until == -inf else monotonic() - (self.until - self.lease)

    def leave(self, topic: str, epoch: int, is_committing: Callable[[], bool]) -> None:
        """A transaction is about to make it this epoch, and will change what is in memory itself.

        A look that finds just that leaves it to the transaction, for as long as answers that
        nobody waits for may be old: else what memory is about to have would be read anew.
        """
        own = _OwnMove(epoch, WeakMethod(is_committing), monotonic() + self._oldest)
        with self._mutex:
            self._own_moves[topic] = own

    def follow(self, topic: str, epoch: int, confirm: Callable[[], object] | None = None) -> None:
        """This process made it this epoch, and has dropped what it had to.

        `confirm` is called if a look has come before this, and has seen nobody else's change.
        """
        with self._mutex:
            if topic in self._own_moves and self._own_moves[topic].epoch == epoch:
                del self._own_moves[topic]
            if self._seen.get(topic, 0) == epoch - 1:
                self._seen[topic] = epoch
            if confirm and self._moves.get(topic) == (epoch - 1, epoch):
                confirm()

    def _look(self) -> None:
        began, before = monotonic(), self._seen.copy()
        try:
            found = self._read()
        except StoreError as error:
            self.serving_until = monotonic() + _RETRY
            if self.failure is None:
                _log.warning("the epochs cannot be read, only symbols are served: %s", error)
            self.failure = error
            raise
        self._left_until = self._take(found, before) + self.lease
        self.failure = None
        self.until = self.serving_until = began + self.lease

    def _take(self, found: Mapping[str, int], before: Mapping[str, int]) -> float:
        """Drop each topic that has moved, and only then take its epoch as seen.

        One that is there no more has moved too: the database was restored from before its time.
        What was found is no move where it is older than one that this process has followed since
        `before`. Returns the moment until which own moves are left.
        """
        with self._mutex:
            seen = self._seen
            now = dict.fromkeys(seen, 0) | dict(found)
            moved, left_until = [], inf
            for topic, epoch in now.items():
                if epoch in (seen.get(topic, 0), before.get(topic, 0)):
                    continue
                if own := self._left(topic, epoch):
                    left_until = min(left_until, own.until)
                else:
                    moved.append(topic)
            self._moves |= {each: (seen.get(each, 0), now[each]) for each in moved}
        for topic in moved:
            self._forget(topic)
            with self._mutex:
                seen[topic] = now[topic]
        return left_until

    def _left(self, topic: str, epoch: int) -> _OwnMove | None:
        """What a transaction of this process is committing, if it is that and nothing else."""
        own = self._own_moves.get(topic)
        if own is None or monotonic() >= own.until:
            return None
        is_committing = own.is_committing()
        is_next = own.epoch == epoch == self._seen.get(topic, 0) + 1
        return own if is_next and is_committing is not None and is_committing() else None


def read_epochs(dialect: Dialect) -> dict[str, int]:
    """The epoch of each topic that was ever changed; raises what the database raises."""
    state = TransactionState(dialect, "main", readonly=True, single=True)
    with Session(state, Transaction(state, None)) as tx:
        return {each.topic: each.epoch for each in tx.all(_get_epochs)}
