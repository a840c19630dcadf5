"""Two ways to wait in one process: a fair turn for writers, and a gate that a fork closes."""

import threading
from collections import Counter, deque
from collections.abc import Callable
from functools import partial


class WriterLock:
    """A lock that is handed over in the order in which it was asked for."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._waiting: deque[threading.Lock] = deque()
        self._held = False

    def acquire(self, timeout: float) -> bool:
        """Wait for the turn at most `timeout` seconds; whether it came."""
        with self._mutex:
            if not self._held:
                self._held = True
                return True
            turn = threading.Lock()
            turn.acquire()
            self._waiting.append(turn)
        try:
            return turn.acquire(timeout=timeout) or self._came_after_all(turn)
        except BaseException:  # Ctrl-C: the turn may just have come, and must go on
            if self._came_after_all(turn):
                self.release()
            raise

    def release(self) -> None:
        """Hand the turn to whoever has waited longest."""
        with self._mutex:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._held = False

    def _came_after_all(self, turn: threading.Lock) -> bool:
        """Leave the queue; true if the turn came at the last moment."""
        with self._mutex:
            if turn in self._waiting:
                self._waiting.remove(turn)
                return False
        return True


class ForkGate:
    """Counts the open connections of a file, so that a fork can wait until there are none."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._open: Counter[int] = Counter()
        self._closed = 0  # how many threads are forking

    def enter(self) -> Callable[[], None]:
        """Count one connection of this thread, after any fork under way; call the result to end."""
        thread = threading.get_ident()
        with self._changed:
            while self._closed and not self._open[thread]:
                self._changed.wait()
            self._open[thread] += 1
        return partial(self._leave, thread)

    def _leave(self, thread: int) -> None:
        with self._changed:
            self._open[thread] -= 1
            if not self._open[thread]:
                del self._open[thread]
            self._changed.notify_all()

    def close(self, wait: float) -> bool:
        """Let no connection open, and wait at most so many seconds for the open ones to close.

        Those of the calling thread cannot close meanwhile and are not waited for.
        True if none is left.
        """
        mine = threading.get_ident()
        with self._changed:
            self._closed += 1
            self._changed.wait_for(lambda: not set(self._open) - {mine}, wait)
            return not self._open

    def reopen(self) -> None:
        """The fork is over."""
        with self._changed:
            self._closed -= 1
            self._changed.notify_all()
