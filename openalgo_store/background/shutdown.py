"""All writers of the process: flushed on demand, at the end of the interpreter, on SIGTERM."""

import atexit
import os
import signal
from functools import partial
from threading import TIMEOUT_MAX
from time import monotonic
from types import FrameType
from typing import Any

from ..records.telemetry import WriterStats
from ..threads import IS_GREEN, Thread, wait_until_logged
from ..values.numbers import check_finite
from .buffered_writer import FLUSH_WAIT, open_writers

_SIGTERM_WAIT = _EXIT_WAIT = 5.0
"""Seconds in which the database must take what is left."""


def flush_writers(timeout: float = FLUSH_WAIT) -> bool:
    """Write what is buffered: latencies, log lines, uses of API keys; whether nothing waits now.

    Waits at most `timeout` seconds. What is not written stays buffered, and `writer_stats` says
    why. A row that the database refused does not wait: it is counted as failed.
    """
    writers, deadline = open_writers(), monotonic() + min(check_finite(timeout), TIMEOUT_MAX)
    for writer in writers:
        writer.flush(0)  # asks all before it waits for one, which may take the whole time
    done = [writer.flush(max(0.0, deadline - monotonic())) for writer in writers]
    return all(done)


def writer_stats() -> dict[str, WriterStats]:
    """What became of the rows of this process, by kind: `latency`, `logs` and `api_key_uses`.

    Of its running writers; one that is closed logs what it could not write.
    """
    found = {name: WriterStats(0, 0, 0, 0) for name in ("latency", "logs", "api_key_uses")}
    for writer in open_writers():
        one, other = found[writer.name], writer.stats()
        found[writer.name] = WriterStats(
            one.written + other.written,
            one.dropped + other.dropped,
            one.failed + other.failed,
            one.queued + other.queued,
            one.error or other.error,
        )
    return found


def flush_on_sigterm(timeout: float = _SIGTERM_WAIT) -> None:
    """From now on write what is buffered when SIGTERM comes, and then do what was done before.

    That is to call the handler that was set, or to end. The main thread waits for the writers at
    most `timeout` seconds; what it holds meanwhile, the signal having interrupted it, they cannot
    have. For the main thread only, as signal.signal.
    """
    timeout = check_finite(timeout)
    before = signal.getsignal(signal.SIGTERM)
    if isinstance(before, _FlushingHandler):
        before.timeout = timeout
    else:
        handler = _HandlerBeside if IS_GREEN else _FlushingHandler
        signal.signal(signal.SIGTERM, handler(timeout, before))


class _FlushingHandler:
    """A handler of SIGTERM in front of the one before."""

    def __init__(self, timeout: float, before: Any) -> None:
        self.timeout = timeout
        self.before = before
        self._flushing: int | None = None  # the process that does so; not a child of it

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if self._flushing == os.getpid():  # this signal is the second one
            return
        self._flushing = os.getpid()
        try:
            flush_writers(self.timeout)
        finally:
            self._flushing = None
        self._go_on(number, frame)

    def _go_on(self, number: int, frame: FrameType | None) -> None:
        """What would have been done."""
        if callable(self.before):
            self.before(number, frame)
        elif self.before is not signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)


class _HandlerBeside(_FlushingHandler):
    """Where green threads run: they go on while a real thread flushes and then sends it again.

    The signal may have interrupted the hub, in which nothing can be waited for.
    """

    _is_flushed = False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if self._is_flushed:
            self._is_flushed, self._flushing = False, None
            self._go_on(number, frame)
        elif self._flushing != os.getpid():
            self._flushing = os.getpid()
            flush = partial(self._flush, number)
            Thread(target=flush, name="flush on SIGTERM", daemon=True).start()

    def _flush(self, number: int) -> None:
        try:
            flush_writers(self.timeout)
            wait_until_logged()
        finally:
            self._is_flushed = True
            os.kill(os.getpid(), number)


@atexit.register
def _flush_at_exit() -> None:
    if not flush_writers(_EXIT_WAIT):
        for writer in open_writers():
            writer.close(timeout=0)
