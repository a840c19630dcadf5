"""Single flight: of many threads that want the same thing at once one loads it, for all of them."""

from collections.abc import Callable, Hashable
from functools import partial
from typing import Generic, NoReturn, TypeVar

from ..threads import Lock, get_ident

V = TypeVar("V")


class SingleFlight(Generic[V]):
    """The loads under way, by key. What comes of one is shared: a value, None, or an error.

    The only lock is the one that others wait at, and no interrupt leaves it locked.
    """

    def __init__(self) -> None:
        self._loads: dict[Hashable, _Load[V]] = {}

    def share(self, key: Hashable, function: Callable[[], V]) -> V:
        """What `function` gives, or what it gives in a thread that is loading this key already.

        An error is raised in every thread, a copy of it in those that waited. If the thread that
        loads is interrupted one of the others loads anew.
        """
        while True:
            mine: _Load[V] = _Load()
            try:
                load = self._loads.setdefault(key, mine)
                if load is mine:
                    return mine.run(function)
            finally:
                mine.running.release()  # at once: an interrupt may come after any call
                self._remove(key, mine)
            if not load.running.locked():  # it has just ended: what it saw may be old
                self._remove(key, load)
            elif load.thread == get_ident():  # a load that asks for its own key
                return function()
            elif (outcome := load.wait()) is not None:
                return outcome()

    def _remove(self, key: Hashable, load: "_Load[V]") -> None:
        if self._loads.get(key) is load:
            self._loads.pop(key, None)


class _Load(Generic[V]):
    """One load, by the thread that made this object; `running` is locked until it has ended."""

    def __init__(self) -> None:
        self.thread = get_ident()
        self.running = Lock()
        self.running.acquire()
        self._outcome: Callable[[], V] | None = None

    def run(self, function: Callable[[], V]) -> V:
        """Load, and note what comes of it, unless that is an interrupt."""
        try:
            value = function()
        except Exception as error:
            self._outcome = partial(_raise, _copied(error))
            raise
        self._outcome = lambda: value
        return value

    def wait(self) -> Callable[[], V] | None:
        """What came of it, to be called, when it has ended; None if it was interrupted."""
        with self.running:
            return self._outcome


def _raise(error: Exception) -> NoReturn:
    raise _copied(error)


def _copied(error: Exception) -> Exception:
    """The same error without its traceback, which belongs to the thread that raised it."""
    kind = type(error)
    copied = kind.__new__(kind, *error.args)
    copied.__dict__.update(error.__dict__)
    copied.__cause__, copied.__context__ = error.__cause__, error.__context__
    copied.__suppress_context__ = error.__suppress_context__
    return copied
