"""Writers of one file queue, and a fork waits until no connection is in use.

Nothing here depends on code that runs after a wait, since a signal handler may raise between any
two steps: who holds a lock gives it back when its block ends, however it ends, and who is lost
with its block is found by the next one. Nothing waits on a Condition, whose own lock such an
interrupt can leave held.
"""

from collections import deque
from collections.abc import Callable
from contextlib import suppress
from time import monotonic

from ...threads import Lock, RLock, get_ident, refuse_late_patch, sleep
from ..dialect import Holder
from ..living import Living

_LOOK = 0.2
"""Seconds after which a writer that waits looks whether the holder is lost."""
_PATIENCE = 0.004
"""Seconds, times the writers that wait, after which the first of them is not overtaken again."""
_POLL = 0.001
"""Seconds between two looks of a fork that waits, and of what waits for its end."""


class _Waiting:
    """A writer in the queue; its `woken` is unlocked to let it look whether the lock is free."""

    def __init__(self, holder: Holder) -> None:
        self.holder = holder
        self.since = monotonic()
        self.woken = Lock()
        self.woken.acquire()


class WriterLock:
    """One writer of a file at a time, in the end in the order in which they asked.

    Who runs takes a lock that is free, though others wait: to hand it to one that has to be woken
    takes longer than an order. The first of them is handed it once it has waited for long.
    """

    def __init__(self) -> None:
        self._mutex = RLock()  # reentrant: the collector may close a lost transaction in here
        self._holder: Holder | None = None
        self._waiting: deque[_Waiting] = deque()

    def acquire(self, holder: Holder, timeout: float) -> bool:
        """Wait at most `timeout` seconds for the lock; whether it is held. Again does no harm."""
        with self._mutex:
            if self._holder in (None, holder):
                self._holder = holder
                return True
            waiting = _Waiting(holder)
            self._waiting.append(waiting)
        refuse_late_patch()  # who holds the lock could be a green thread, for which none would wait
        deadline = monotonic() + timeout
        self._take_back()
        while True:
            with self._mutex:
                if self._holder is None:
                    self._holder = holder
                if self._holder is holder or monotonic() >= deadline:
                    self._leave_queue(holder)
                    return self._holder is holder
            if not waiting.woken.acquire(timeout=max(0.0, min(_LOOK, deadline - monotonic()))):
                self._take_back()

    def release(self, holder: Holder) -> None:
        """Let the lock go, or stop to wait for it; again does no harm."""
        with self._mutex:
            self._leave_queue(holder)
            if self._holder is holder:
                self._holder = None
            if self._holder is None and self._waiting:  # or it was woken and did not take it
                first = self._waiting[0]
                if monotonic() - first.since >= _PATIENCE * len(self._waiting):
                    self._holder = first.holder
                with suppress(RuntimeError):  # woken before, and it has not run since
                    first.woken.release()

    def _leave_queue(self, holder: Holder) -> None:
        if self._waiting:
            self._waiting = deque(each for each in self._waiting if each.holder is not holder)

    def _take_back(self) -> None:
        """End a holder that is lost, which releases the lock."""
        with self._mutex:
            if self._holder is not None and self._holder.is_lost():
                self._holder.close()


class InUse:
    """A connection in use, or one that is being opened: counted as long as somebody holds this."""

    is_let_in = False

    def __init__(self, file: str) -> None:
        self.file = file
        self.thread = get_ident()


class ForkGate:
    """Every SQLite connection in use in this process, so that a fork can wait until there is none.

    One gate for all files: a thread that uses one file may open another while a fork waits for it.
    """

    def __init__(self) -> None:
        self.open_at_fork: set[str] = set()
        """The files that were in use when this process was forked."""
        self._in_use: Living[InUse] = Living()
        self._forking: set[int] = set()

    def enter(self, connection: InUse) -> None:
        """Count a connection, after any fork under way; `leave` whatever comes of it."""
        self._in_use.add(connection)  # before the look: a fork looks the other way round
        while self._forking and not self._is_inside(connection):
            self._in_use.discard(connection)
            sleep(_POLL)
            self._in_use.add(connection)
        connection.is_let_in = True

    def _is_inside(self, connection: InUse) -> bool:
        """Whether its thread has another one, which the fork waits for."""
        others = (each for each in self._in_use.all() if each is not connection)
        return any(each.thread == connection.thread for each in others)

    def leave(self, connection: InUse) -> None:
        """The connection is closed; again does no harm."""
        self._in_use.discard(connection)

    def is_closed(self) -> bool:
        """Whether a fork is under way."""
        return bool(self._forking)

    def in_use(self) -> list[str]:
        """The file of each connection in use."""
        return [each.file for each in self._in_use.all()]

    def before_fork(self) -> None:
        """Let no connection open, and wait at most FORK_WAIT seconds for those in use.

        Those of the forking thread cannot close meanwhile and are not waited for.
        """
        mine = get_ident()
        self._forking.add(mine)
        wait_until(lambda: all(each.thread == mine for each in self._in_use.all()))

    def after_fork_in_parent(self) -> None:
        """The fork is over."""
        self._forking.discard(get_ident())

    def after_fork_in_child(self) -> None:
        """Nothing is in use here; what was in use at the fork is lost to this process."""
        self.open_at_fork.update(each.file for each in self._in_use.all() if each.is_let_in)
        self._in_use, self._forking = Living(), set()


def wait_until(is_over: Callable[[], bool]) -> None:
    """Look again and again, for at most FORK_WAIT seconds."""
    deadline = monotonic() + FORK_WAIT
    while not is_over() and monotonic() < deadline:
        sleep(_POLL)


FORK_WAIT = 5.0
"""Seconds that a fork waits at most for the running transactions of all files together."""
