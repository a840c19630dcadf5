"""BufferedWriter: rows that a thread of its own writes in batches; putting one waits for nothing.

A producer, and whoever waits for a flush, takes no lock that could be held by the code a signal
interrupted: deque and SimpleQueue are whole in one step.
"""

import logging
import traceback
from collections import deque
from collections.abc import Callable, Sequence
from time import monotonic
from typing import Literal, get_args
from uuid import uuid4

from ..engine.forks import register_fork_hooks
from ..errors import ConfigurationError, Conflict, InvalidInput, StoreError, Unavailable
from ..records import Row
from ..records.telemetry import WriterStats
from ..threads import Empty, Lock, SimpleQueue, Thread, refuse_late_patch
from ..values.arguments import one_of, one_or_more
from ..values.numbers import check_finite
from .counter import Counter
from .marks import Mark
from .quiet import quietly

FLUSH_WAIT = 10.0
"""Seconds that a flush waits for the database by default."""

_RETRY, _LONGEST_RETRY = 0.1, 5.0
"""Seconds before the first new attempt, doubled each time, and at most."""

_LONGEST_INTERVAL = 86_400.0
"""Seconds that a row may wait by what a caller asks for."""

_MOMENT = 0.5
"""Seconds for the thread to end when it need not write."""

_log = logging.getLogger("openalgo_store")


Write = Callable[[Sequence[Row], Mark], object]
"""Writes a batch in one transaction, unless its mark says that this was done before."""

Drop = Literal["oldest", "newest"]


class BufferedWriter:
    """Rows on their way to the database: `capacity` that wait, and the batch that is written.

    A batch is written when `batch_size` rows wait or the oldest has waited `interval` seconds.
    A full buffer drops the oldest row or the newest. While the database is away the buffer is
    kept and tried again; a row that the database refuses is left out alone. After a fork the
    child's buffer is empty: the parent's rows stay the parent's.
    """

    def __init__(
        self,
        name: str,
        write: Write,
        *,
        batch_size: int = 20_000,
        interval: float = 1.0,
        capacity: int = 100_000,
        drop: Drop = "oldest",
    ) -> None:
        self.name = name
        self.batch_size = one_or_more("batch_size", batch_size)
        self.interval = check_finite(interval)
        self.drop = one_of("drop", drop, get_args(Drop))
        self._write = write
        self._capacity = self._room = one_or_more("capacity", capacity)
        if self.batch_size > self._capacity or not 0 < self.interval <= _LONGEST_INTERVAL:
            raise InvalidInput(
                "a writer needs batch_size <= capacity and an interval above 0 seconds, of a day "
                "at most"
            )
        self._begin()
        register_fork_hooks(self)

    def _begin(self) -> None:
        self._writer = uuid4().hex
        self._sequence = 1  # of the batch that is written next
        self._rows: deque[Row] = deque()
        self._batches: deque[Sequence[Row]] = deque()  # taken from the buffer, not yet written
        self._wake: SimpleQueue[SimpleQueue[bool] | None] = SimpleQueue()
        self._asleep = True
        self._ended = False
        self._retired = False
        self._thread: Thread | None = None
        self._choosing = Lock()  # for new threads alone: no signal comes there
        self._writing = Lock()
        self._dropped = Counter()
        self._reported_dropped = self._written = self._failed = 0
        self._delay = 0.0  # before the next attempt; 0 while all is well
        self._error: StoreError | None = None
        self._is_reported = False  # that the database is away
        self._refused: list[Exception] = []  # rows since the last line in the log, by their errors

    def put(self, row: Row) -> None:
        """Have this row written soon; the caller has checked it."""
        rows = self._rows
        if len(rows) >= self._room and self._drop_one():
            return
        rows.append(row)
        if self._asleep and (self._thread is None or len(rows) >= self.batch_size):
            self._start()
            if len(rows) >= self.batch_size:
                self._asleep = False
                self._wake.put(None)

    def flush(self, timeout: float = FLUSH_WAIT) -> bool:
        """Wait until what was put before is written or refused; whether it is in time."""
        if self._ended or (self._thread is None and not self._waiting()):
            return not self._waiting()
        if not self._start():
            return self._drain(timeout)
        done: SimpleQueue[bool] = SimpleQueue()
        self._wake.put(done)
        if self._ended:  # just now: nobody may answer
            return not self._waiting()
        try:
            return done.get(timeout=timeout)
        except Empty:
            return False

    def close(self, timeout: float = FLUSH_WAIT) -> bool:
        """Write the rest, take no more, end the thread; whether all was written or refused.

        What could not be written within `timeout` seconds is counted as failed, and logged.
        """
        self._room, self.drop = 0, "newest"  # what is put from now on is dropped
        written = self.flush(timeout)
        self._ended = True
        self._wake.put(None)
        if self._thread is not None:
            self._thread.join(timeout if written else _MOMENT)
        if self._thread is None or not self._thread.is_alive():
            self._give_up()
            self._log_losses()
        _open.pop(self, None)
        return written

    def retire(self) -> None:
        """Take no more and wait for nothing: the thread writes the rest and ends by itself."""
        self._room, self.drop = 0, "newest"
        self._retired = True
        self._wake.put(None)

    def stats(self) -> WriterStats:
        """What became of the rows put so far."""
        error = None if self._error is None else str(self._error)
        waiting, dropped = self._waiting(), self._dropped.value()
        return WriterStats(self._written, dropped, self._failed, waiting, error)

    def _waiting(self) -> int:
        return len(self._rows) + sum(map(len, list(self._batches)))

    # Forks

    def before_fork(self) -> None:
        """Nothing to do: the store waits for what must end."""

    def after_fork_in_parent(self) -> None:
        """Nothing to do."""

    def after_fork_in_child(self) -> None:
        """A writer of its own."""
        _open.pop(self, None)
        self._begin()

    # The producers' side

    def _drop_one(self) -> bool:
        """Drop a row as configured; whether it is the new one."""
        if self.drop == "newest":
            self._dropped.add()
            return True
        try:
            self._rows.popleft()
        except IndexError:  # the thread has just taken them all
            return False
        self._dropped.add()
        return False

    def _start(self) -> bool:
        """Whether the thread runs, or is about to: the interpreter starts none while it ends."""
        if self._thread is None:
            refuse_late_patch()
            _open[self] = None
            try:
                thread = Thread(
                    target=lambda: self._run(thread), name=f"{self.name} writer", daemon=True
                )
                thread.start()
            except RuntimeError:
                return False
        return True

    # The thread's side

    def _run(self, thread: Thread) -> None:
        """The first thread to come is the writer's; producers that met have started more."""
        with self._choosing:
            if self._thread is not None:
                return
            self._thread = thread
        flushes: list[SimpleQueue[bool]] = []
        with quietly():
            while not self._ended:
                flushes += self._sleep()
                written = self._drain()
                if written or not isinstance(self._error, Unavailable):  # waiting would not help
                    for done in flushes:
                        done.put(written)
                    flushes.clear()
                self._ended = self._ended or (self._retired and not self._waiting())
        self._give_up()
        _open.pop(self, None)
        while not self._wake.empty():  # who asked just now
            if (late := self._wake.get()) is not None:
                late.put(not self._waiting())

    def _give_up(self) -> None:
        if lost := self._waiting():
            self._failed += lost
            self._rows.clear()
            self._batches.clear()
            self._log(logging.ERROR, "%d rows are lost: %s", lost, self._error or "no answer")

    def _sleep(self) -> list[SimpleQueue[bool]]:
        """Until there is something to do: for a flush, which is returned, at once."""
        deadline = monotonic() + (self._delay or self.interval)
        self._asleep = True
        try:
            while not self._ended:
                is_many = len(self._rows) >= self.batch_size or self._retired
                is_due = is_many and not self._delay
                wait = 0.0 if is_due else max(0.0, deadline - monotonic())
                if (done := self._wake.get(timeout=wait)) is not None:
                    return [done]
        except Empty:
            pass
        finally:
            self._asleep = False
        return []

    def _drain(self, wait: float = -1) -> bool:
        """Write what is buffered now, unless somebody else does so for `wait` seconds; whether."""
        if not self._writing.acquire(timeout=wait):
            return False
        try:
            with quietly():
                left = len(self._rows)
                while self._batches or left > 0:
                    if not self._batches:
                        rows = self._take(min(left, self.batch_size))
                        left -= self.batch_size
                        if not rows:
                            break
                    self._write_batch()
        except StoreError as error:
            self._fail(error)
            return False
        finally:
            self._writing.release()
        self._succeed()
        return True

    def _take(self, most: int) -> Sequence[Row]:
        """A batch from the buffer."""
        rows: list[Row] = []
        self._batches.append(rows)
        popleft = self._rows.popleft
        try:
            for _ in range(most):
                rows.append(popleft())
        except IndexError:  # dropped meanwhile
            pass
        if not rows:
            self._batches.clear()
        return rows

    def _write_batch(self) -> None:
        """Write the first batch; one that is refused is halved until the bad row stands alone.

        Any other error leaves it where it is, under the same mark.
        """
        rows = self._batches[0]
        try:
            self._write(rows, Mark(self._writer, self._sequence))
        except Exception as error:
            if isinstance(error, StoreError) and not isinstance(error, (InvalidInput, Conflict)):
                raise
            self._batches.popleft()
            if half := len(rows) // 2:
                self._batches.extendleft((rows[half:], rows[:half]))
            else:
                self._refused.append(error)
        else:
            self._batches.popleft()
            self._written += len(rows)
        self._sequence += 1

    def _fail(self, error: StoreError) -> None:
        self._log_losses()
        if not self._is_reported and not isinstance(
            error, ConfigurationError
        ):  # no store is open yet
            self._is_reported = True
            self._log(logging.WARNING, "%d rows wait for the database: %s", self._waiting(), error)
        self._error = error
        self._delay = min(self._delay * 2 or _RETRY, _LONGEST_RETRY)

    def _succeed(self) -> None:
        if self._is_reported:
            self._is_reported = False
            self._log(logging.WARNING, "the database is back, what waited is written")
        self._delay, self._error = 0.0, None
        self._log_losses()

    def _log_losses(self) -> None:
        """One line for all rows that were refused, and one for those that found no room."""
        if self._refused:
            self._failed += len(self._refused)
            number, first = len(self._refused), self._refused[0]
            self._log(logging.ERROR, "%d rows were refused: %s", number, first)
            self._refused.clear()
        if (dropped := self._dropped.value()) > self._reported_dropped:
            new, self._reported_dropped = dropped - self._reported_dropped, dropped
            closed = "" if self._room else ", or the writer is closed"
            self._log(
                logging.WARNING, "%d rows dropped: %d waited before%s", new, self._capacity, closed
            )

    def _log(self, level: int, text: str, *arguments: object) -> None:
        """Log; an application's filter or handler with a bug must not end the thread."""
        try:
            _log.log(level, f"%s: {text}", self.name, *arguments, stacklevel=2)
        except Exception:
            if logging.raiseExceptions:
                traceback.print_exc()


_open: dict[BufferedWriter, None] = {}
"""The writers of this process that have a thread."""


def open_writers() -> list[BufferedWriter]:
    """The writers of this process that have something to write, or may soon."""
    return list(_open)
