"""Under a patch: locks, queues and threads that green threads and real ones use side by side.

The library's own serve the green threads of one real thread alone: between two real threads they
fail or hang. These are Python's own from before the patch. A real thread waits at them as ever; a
green one tries, lets others run, and tries again.
"""

import os
from _queue import Empty
from _queue import SimpleQueue as OriginalQueue
from collections.abc import Callable
from contextvars import copy_context
from functools import partial
from math import inf
from threading import get_ident
from time import monotonic
from typing import Any, Generic, NoReturn, TypeVar

from greenlet import getcurrent

from .libraries import LIBRARY, Library
from .log_lines import OWN_THREADS, carry_lines, is_all_logged

__all__ = ["Empty", "Lock", "RLock", "SimpleQueue", "Thread", "get_ident", "poll", "sleep"]

T = TypeVar("T")

_library: Library = LIBRARY  # type: ignore[assignment]
_original = _library.original
_allocate_lock = _original("_thread", "allocate_lock")
_get_real_ident = _original("_thread", "get_ident")
_really_sleep = _original("time", "sleep")
_start_real_thread = _original("_thread", "start_new_thread")
RLock = _original("_thread", "RLock")
"""For what lets no green thread run while it is held: to it those of one real thread are one."""
try:
    poll = _original("select", "poll")
except AttributeError:  # as on Windows
    poll = None

_LEAST_PAUSE = 0.0001
"""Seconds: after none at all gevent would not look at timers and sockets."""
_LONGEST_PAUSE = 0.01
"""Seconds between two tries of a green thread that has waited for a while."""

_MOMENT = 0.5

_home = _get_real_ident()
"""The real thread in which the green ones run."""


def _is_home() -> None:
    global _home
    _home = _get_real_ident()


os.register_at_fork(after_in_child=_is_home)


def may_block() -> bool:
    """Whether this is a real thread without green ones; or the hub, which cannot wait otherwise.

    The hub comes here where a signal handler or the collector interrupts it.
    """
    current = getcurrent()
    if _get_real_ident() == _home or current.parent is not None:
        return bool(current is _library.hub())
    return True


def sleep(seconds: float) -> None:
    """Let others run for so long."""
    if may_block():
        _really_sleep(seconds)
    else:
        _library.sleep(seconds)


def let_others_run() -> None:
    """Between two parts of long work."""
    if not may_block():
        _library.sleep(_LEAST_PAUSE)


def try_until(succeeds: Callable[[], object], timeout: float) -> bool:
    """Try again and again, for at most so many seconds; whether it did succeed."""
    deadline = monotonic() + timeout
    pause = 0.0
    while not succeeds():
        if (left := deadline - monotonic()) <= 0:
            return False
        sleep(min(pause, left))
        pause = min(pause + 0.0005, _LONGEST_PAUSE)
    return True


class Lock:
    """As threading.Lock."""

    def __init__(self) -> None:
        self._lock = _allocate_lock()
        self.release = self._lock.release
        self.locked = self._lock.locked

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        if self._lock.acquire(False):
            return True
        if not blocking:
            return False
        if may_block():
            return bool(self._lock.acquire(True, timeout))
        return try_until(partial(self._lock.acquire, False), inf if timeout < 0 else timeout)

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *raised: object) -> None:
        self.release()


class SimpleQueue(Generic[T]):
    """As queue.SimpleQueue."""

    def __init__(self) -> None:
        self._queue: OriginalQueue[T] = OriginalQueue()
        self.put = self._queue.put
        self.empty = self._queue.empty

    def get(self, block: bool = True, timeout: float | None = None) -> T:
        if not block or may_block():
            return self._queue.get(block, timeout)
        found: list[T] = []
        if not try_until(partial(self._take, found), inf if timeout is None else timeout):
            raise Empty
        return found[0]

    def _take(self, found: list[T]) -> bool:
        try:
            found.append(self._queue.get_nowait())
        except Empty:
            return False
        return True


class Thread:
    """A real thread: what of threading.Thread is needed. The interpreter does not wait for it."""

    def __init__(self, *, target: Callable[[], object], name: str, daemon: bool) -> None:
        self.name = name
        self._target = target
        self._running = Lock()
        self._process = os.getpid()

    def start(self) -> None:
        """Start it; RuntimeError if the system or a dying interpreter refuses."""
        self._running.acquire()
        _start_real_thread(self._run, ())
        if _get_real_ident() == _home:
            _library.spawn(partial(carry_lines, self.is_alive, _library.sleep))

    def _run(self) -> None:
        OWN_THREADS.add(get_ident())
        try:
            self._target()
        finally:
            OWN_THREADS.discard(get_ident())
            self._running.release()

    def is_alive(self) -> bool:
        return bool(self._running.locked()) and self._process == os.getpid()

    def join(self, timeout: float | None = None) -> None:
        if self._running.acquire(timeout=-1 if timeout is None else timeout):
            self._running.release()


def wait_until_logged() -> None:
    """Give the green threads a moment to log what real ones have left them."""
    try_until(is_all_logged, _MOMENT)


def in_real_thread(function: Callable[..., T], *arguments: Any) -> T:
    """What the function gives: it takes long, and green threads run meanwhile.

    Whoever is interrupted, as by a timeout of the library, waits nevertheless until it is done.
    """
    if may_block():
        return function(*arguments)
    outcome: list[Callable[[], T]] = []
    call = partial(_call, partial(copy_context().run, function, *arguments), outcome)
    thread = Thread(target=call, name=function.__name__, daemon=True)
    interrupt: BaseException | None = None
    thread.start()
    while thread.is_alive():
        try:
            thread.join()
        except BaseException as error:
            interrupt = error
    if interrupt is not None:
        raise interrupt
    return outcome[0]()


def _call(function: Callable[[], T], outcome: list[Callable[[], T]]) -> None:
    try:
        value = function()
        outcome.append(lambda: value)
    except BaseException as error:
        outcome.append(partial(_raise, error))


def _raise(error: BaseException) -> NoReturn:
    raise error
