"""Questions: what is asked of a database that may hang, by threads that nobody has to wait for."""

from collections.abc import Callable
from functools import partial
from time import monotonic
from typing import Generic, TypeVar

from ..threads import Lock, Thread

T = TypeVar("T")

_LONGEST = 60.0
"""Seconds after which a question that hangs no longer stands for those that come after it."""


class Question(Generic[T]):
    """One question that is being asked: `asked_at` is a moment of the monotonic clock."""

    def __init__(self) -> None:
        self.asked_at = monotonic()
        self._answer: T | None = None
        self._running = Lock()
        self._running.acquire()

    def wait(self, seconds: float) -> T | None:
        """The answer, None if there is none within so many seconds; the thread goes on then."""
        if self._running.acquire(timeout=max(0.0, seconds)):
            self._running.release()
        return self._answer

    def run(self, ask: Callable[[], T]) -> None:
        """Ask, and let go on who waits."""
        try:
            self._answer = ask()
        finally:
            self._running.release()


class Questions(Generic[T]):
    """Those under way, by name: one thread for each, however often it is asked meanwhile.

    The thread of a question that hangs ends when the driver gives up, or with the process, which
    waits for none of them. A child process starts with none: make another there.
    """

    def __init__(self) -> None:
        self._under_way: dict[str, Question[T]] = {}

    def ask(self, name: str, ask: Callable[[], T]) -> Question[T]:
        """Begin to ask, unless that is under way; `ask` must not raise."""
        held = self._under_way.get(name)
        if held is not None and monotonic() - held.asked_at >= _LONGEST:
            self._remove(name, held)
        mine: Question[T] = Question()
        try:
            question = self._under_way.setdefault(name, mine)
            if question is mine:
                run = partial(self._run, name, mine, ask)
                Thread(target=run, name=f"look at {name}", daemon=True).start()
        except BaseException:
            self._remove(name, mine)
            raise
        return question

    def _run(self, name: str, question: Question[T], ask: Callable[[], T]) -> None:
        try:
            question.run(ask)
        finally:
            self._remove(name, question)

    def _remove(self, name: str, question: Question[T]) -> None:
        if self._under_way.get(name) is question:
            self._under_way.pop(name, None)
