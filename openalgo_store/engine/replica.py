"""Replica: which reads READ_DATABASE_URL may serve now, and why it serves none."""

import logging
from collections import deque
from collections.abc import Callable
from math import inf
from time import monotonic
from typing import Any, NamedTuple
from weakref import ref

from ..errors import ConfigurationError, StoreError
from .dialect import Dialect, Replication

_log = logging.getLogger("openalgo_store")

_LOOK = 1.0
"""Seconds for which what a look found is believed."""
_LOOK_AGAIN = 0.005
"""Seconds between two looks while something has to be replayed first."""
_PAUSE = 10
"""How many times as long as a server took to answer it is not asked again, if need be: who asks
waits for it."""
_MOST_SAMPLES = 1000


class ReplicaStatus(NamedTuple):
    """What there is to tell of a replica."""

    identity: str
    serves: bool
    """Whether a read session that begins now reads it."""
    lag: float | None
    """Seconds by which it is behind, 0 if it shows everything; None if nobody can tell."""
    problem: str | None
    """Why it is left out; None too where it only has to replay what this process has written."""


class _Write:
    """A commit of this process: a new object each time, so that no two are taken for one."""

    def __init__(self, at: float) -> None:
        self.at = at


class _Sample(NamedTuple):
    """How far the primary had written its log when it was asked, after this moment and write."""

    at: float
    write: _Write
    position: int


class _Told(NamedTuple):
    """What the primary answered when it was asked at this moment, after this write."""

    at: float
    write: _Write
    primary: Replication | None
    """None where it did not."""


class _Question:
    """A question that is under way, as long as its call lives."""


class Replica:
    """A copy of main that something else keeps, and what is known of it.

    A standby tells how far it has replayed the log of its primary. Samples of how far that was
    written say when it shows what this process wrote, and how far it is behind. Any other copy is
    believed to show what was written `pin` seconds ago.

    Only reads ask, and each of the two servers one thread at a time: what one takes to answer does
    not keep the other from being asked. Who looks at the replica alone changes what is known;
    others only note what is new.
    """

    def __init__(self, dialect: Dialect, primary: Dialect, *, pin: float, max_lag: float) -> None:
        if dialect.name != primary.name:
            raise ConfigurationError(
                "READ_DATABASE_URL is of another engine than DATABASE_URL: name a copy of that "
                "database, or none"
            )
        self.dialect = dialect
        self.problem: str | None = None
        self.primary = primary
        self._pin = pin
        self._max_lag = max_lag
        self._interval = min(_LOOK, max_lag / 2) if max_lag else _LOOK
        self._questions: dict[Callable[[], None], ref[_Question]] = {}
        self._next_look = self._fit_until = -inf
        self._none = self._write = self._sampled = _Write(-inf)
        # Of the replica
        self._found = Replication()
        self._found_at = -inf
        self._tells = True  # how far it is in the log of the primary; until it is known not to
        self._is_behind = False
        self._replayed = _Sample(-inf, self._none, 0)
        # Of the primary
        self._asked_at = self._ask_again = -inf
        self._asked_after = self._none
        self._told: deque[_Told] = deque(maxlen=1)  # until the next look
        self._origin: str | None = None
        self._is_primary_silent = False
        self._samples: deque[_Sample] = deque()  # those that are not replayed, the oldest first

    def note_write(self) -> None:
        """This process has written: it reads the primary until the replica shows that."""
        self._write = _Write(monotonic())

    def doubt(self) -> None:
        """A session could not have it: look before it serves again."""
        self._fit_until = -inf

    def serves(self) -> bool:
        """Whether a read session that begins now reads it; where that is not known, ask.

        While one thread asks the others read the primary.
        """
        if self._serves_now():
            return True
        if monotonic() < self._next_look:
            return False
        if self._tells and self._is_primary_due():
            self._alone(self._ask_primary)
        return self._alone(self._look) and self._serves_now()

    def is_known(self, driver: Any) -> bool:
        """Whether this connection of it leads to the server that was asked, and that one serves.

        Several may answer to one URL, each at its own place in the log.
        """
        found = self._found.server
        return found is None or (self.dialect.server_of(driver) == found and self._serves_now())

    def status(self) -> ReplicaStatus:
        """What is known of it, and how far it is behind at this moment."""
        serves, lag = self.serves(), None
        try:
            found, primary = self.dialect.replication(), self.primary.replication()
        except StoreError:
            pass
        else:
            if found.is_standby and found.origin == primary.origin:
                lag = 0.0 if (found.position or 0) >= (primary.position or 0) else found.age
        return ReplicaStatus(self.dialect.identity, serves, lag, self.problem)

    def after_fork_in_child(self) -> None:
        """The thread that was looking is not here."""
        self._questions = {}
        self._fit_until = -inf

    def _serves_now(self) -> bool:
        now = monotonic()
        return now < self._fit_until and self._shows(self._write, now)

    def _shows(self, write: _Write, now: float) -> bool:
        """Whether it shows the last write: by the log, and where that does not tell by time."""
        if write is self._replayed.write:
            return True
        if write is self._sampled or (self._tells and not self._is_primary_silent):
            return False
        return now - write.at >= self._pin

    # A look

    def _alone(self, ask: Callable[[], None]) -> bool:
        """Ask, unless another thread does."""
        mine = _Question()
        question = self._questions.setdefault(ask, ref(mine))()
        if question is not mine:
            if question is None:  # a signal handler has ended it
                self._questions.pop(ask, None)
            return False
        try:
            ask()
        finally:
            self._questions.pop(ask, None)
        return True

    def _look(self) -> None:
        """Ask the replica if it is time, or if a sample waits to be replayed; then judge."""
        began = monotonic()
        try:
            if began >= self._fit_until or self._write is self._sampled:
                self._ask_replica()
            while self._told:
                self._take(self._told.popleft())
            if self._origin is not None or self._is_primary_silent:
                self._judge(monotonic())
        except StoreError as error:
            self._leave_out(str(error))
        finally:
            ended = monotonic()
            pause = max(_LOOK if self.problem else _LOOK_AGAIN, _PAUSE * (ended - began))
            self._next_look = ended + pause
            if self._fit_until > ended:  # one that serves is looked at each time
                self._next_look = min(self._next_look, self._fit_until)

    def _ask_replica(self) -> None:
        found, before = self.dialect.replication(), self._found.server
        if before not in (None, found.server):
            self._fit_until = -inf
            self._samples.clear()
            self._sampled, self._replayed = self._none, _Sample(-inf, self._none, 0)
        self._found, self._found_at = found, monotonic()

    def _is_primary_due(self) -> bool:
        """Whether to ask it; one that was silent also when it may have taken a write since."""
        now, is_new = monotonic(), self._write is not self._asked_after
        if now < self._ask_again:
            return is_new and self._is_primary_silent
        return is_new or now - self._asked_at >= self._interval

    def _ask_primary(self) -> None:
        write, began = self._write, monotonic()
        self._asked_after, self._asked_at = write, began
        try:
            primary = self.primary.replication()
        except StoreError:
            primary = None
        self._told.append(_Told(began, write, primary))
        ended = monotonic()
        self._ask_again = ended + _PAUSE * (ended - began)

    def _take(self, told: _Told) -> None:
        """Make a sample of it; close together they replace each other."""
        now, write, primary = told
        self._is_primary_silent = primary is None or primary.position is None
        if primary is None:
            return
        self._origin = primary.origin
        if primary.position is not None and primary.origin == self._found.origin:
            kept = self._samples
            while kept and kept[-1].position > primary.position:  # lost in a crash, or a failover
                kept.pop()
            if len(kept) > 1 and (now - kept[-2].at < self._interval or len(kept) >= _MOST_SAMPLES):
                kept.pop()
            kept.append(_Sample(now, write, primary.position))
            self._sampled = write

    def _judge(self, now: float) -> None:
        """Say from what was found whether it may serve, and until when that is believed."""
        found = self._found
        is_known = found.origin is not None and found.position is not None
        self._tells = is_known and self._origin in (None, found.origin)
        if self._tells and not found.is_standby:
            self._leave_out("it is no standby of DATABASE_URL, or no more: was it promoted?")
        elif self._tells and self._is_late(found.position or 0, now):
            self._fit_until = -inf
            if self._is_behind:
                self._leave_out(f"it is over {self._max_lag:g} s (READ_REPLICA_MAX_LAG) behind")
        else:
            self._fit_until = self._found_at + self._interval
            if self.problem is not None:
                _log.info("the replica %s serves reads again", self.dialect.identity)
                self.problem = None

    def _is_late(self, position: int, now: float) -> bool:
        """Whether it may be further behind than allowed; `_is_behind` says that it is for sure."""
        kept = self._samples
        while kept and kept[0].position <= position:
            self._replayed = kept.popleft()
        if not kept:
            self._is_behind = False
        elif not self._is_primary_silent:  # else this may be lost, and nothing is new
            self._is_behind = 0 < self._max_lag < now - kept[0].at
        unproven = 0 < self._max_lag < now - self._replayed.at and not self._is_primary_silent
        return self._is_behind or unproven

    def _leave_out(self, problem: str) -> None:
        """Say so once, until it is back."""
        self._fit_until = -inf
        if self.problem is None:
            _log.warning(
                "the replica %s is left out, reads go to DATABASE_URL: %s",
                self.dialect.identity,
                problem,
            )
        self.problem = problem
