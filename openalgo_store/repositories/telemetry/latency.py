"""Latency: how long brokers take. Recording waits for nothing; rows are written behind it."""

import inspect
import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial, wraps
from time import perf_counter
from types import TracebackType
from typing import Any, TypeVar

from ...background.buffered_writer import BufferedWriter
from ...background.marks import Mark
from ...engine.sql_files import SqlFile
from ...engine.transaction import Transaction
from ...errors import InvalidInput
from ...records import Row
from ...records.telemetry import LatencyStats
from ...security.redaction import cut, redacted
from ...sessions import reading, writing
from ...store import Store, current_store
from ...tables.telemetry import latency_metrics, latency_writers
from ...tables.types import UTCDateTime, Whole
from ...values import clock
from ...values.arguments import duration
from ..purging import BATCH, purge_rows
from .batch_marks import BatchMarks

F = TypeVar("F", bound=Callable[..., Any])

_COLUMNS = (
    "order_id", "broker", "operation", "start_time", "end_time", "latency_ms", "success",
    "error_message",
)  # fmt: skip
_MS = timedelta(milliseconds=1)
_IST_OFFSET = 19_800
"""Seconds that India is ahead of UTC, all year."""
_LONGEST_ERROR = 500
"""Characters of an exception that are kept."""

_log = logging.getLogger("openalgo_store")

_marks = BatchMarks(latency_writers)
_get_latency_stats = SqlFile("telemetry/latency.sql", latency_metrics).query(
    "get_latency_stats",
    LatencyStats,
    since=UTCDateTime(),
    until=UTCDateTime(),
    bucket_seconds=Whole(),
    ist_offset=Whole(),
)


def record_latency(
    order_id: str | None,
    broker: str | None,
    operation: str,
    start_time: datetime,
    end_time: datetime,
    success: bool = True,
    error_message: str | None = None,
) -> None:
    """Have one call to a broker recorded; it is written within about a second, see flush_writers.

    Raises InvalidInput for a naive time, an end before the start, and what no column can hold.
    """
    store = current_store()
    _check_texts(order_id, broker, operation, error_message)
    if success is not True and success is not False:
        raise InvalidInput("success: True or False is needed")
    try:
        if start_time.tzinfo is None or end_time.tzinfo is None:
            raise InvalidInput("start_time and end_time: pass aware datetimes, as in now(UTC)")
        start, end = start_time.astimezone(UTC), end_time.astimezone(UTC)
        latency_ms = (end - start) / _MS
    except (AttributeError, TypeError, ValueError, OverflowError) as error:
        raise InvalidInput("start_time and end_time: two aware datetimes are needed") from error
    if latency_ms < 0:
        raise InvalidInput("end_time is before start_time: swap them")
    (store.writers.get("latency") or _open_writer(store)).put(
        (order_id, broker, operation, start, end, latency_ms, success, error_message)
    )


def measure_latency(
    order_id: str | None, broker: str | None, operation: str
) -> "LatencyMeasurement":
    """Record how long a block or a function takes, and whether it raises, which it goes on to do.

    For `with measure_latency(…) as measured:`, where measured.order_id may be set to an id that
    the call has brought, and as a decorator, of coroutine functions too. InvalidInput at once for
    a broker or an operation that no column can hold; for an order's id that is logged at the end.
    """
    return LatencyMeasurement(order_id, broker, operation)


class LatencyMeasurement:
    """One call that is being measured; `order_id` may be set until it ends."""

    def __init__(self, order_id: str | None, broker: str | None, operation: str) -> None:
        _check_texts(None, broker, operation, None)  # a bad id stops no order: __exit__ logs it
        self.order_id = order_id
        self.broker = broker
        self.operation = operation

    def __enter__(self) -> "LatencyMeasurement":
        self._start_time = clock.now()
        self._began = perf_counter()  # the clock may be set meanwhile
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        end_time = self._start_time + timedelta(seconds=perf_counter() - self._began)
        try:
            record_latency(
                self.order_id,
                self.broker,
                self.operation,
                self._start_time,
                end_time,
                success=error is None,
                error_message=None if error is None else _described(error),
            )
        except Exception as failure:  # a measurement must not fail what it measures
            _log.warning("the latency of %s is not recorded: %s", self.operation, failure)

    def __call__(self, function: F) -> F:
        """The function, measured at each call."""
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            raise InvalidInput("a generator takes its time later: measure the loop that reads it")
        fresh = partial(LatencyMeasurement, self.order_id, self.broker, self.operation)
        if inspect.iscoroutinefunction(function):

            @wraps(function)
            async def awaited(*args: Any, **kwargs: Any) -> Any:
                with fresh():
                    return await function(*args, **kwargs)

            return awaited  # type: ignore[return-value]

        @wraps(function)
        def called(*args: Any, **kwargs: Any) -> Any:
            with fresh():
                return function(*args, **kwargs)

        return called  # type: ignore[return-value]


def get_latency_stats(
    since: datetime,
    until: datetime,
    *,
    broker: str | None = None,
    operation: str | None = None,
    bucket: timedelta | None = None,
    tx: Transaction | None = None,
) -> list[LatencyStats]:
    """Count, success rate, mean, exact percentiles and maximum of the calls since, before until.

    By broker, operation and bucket, which is whole seconds long and aligned to midnight in India;
    without one the whole time is one bucket. In the order of bucket, broker, operation.
    """
    seconds = timedelta(0) if bucket is None else bucket
    if bucket is not None:
        duration("bucket: whole seconds", bucket, at_least=timedelta(seconds=1))
    if seconds % timedelta(seconds=1):
        raise InvalidInput("bucket: whole seconds are needed, as in timedelta(minutes=5)")
    with reading("latency", tx) as tx:
        return tx.all(
            _get_latency_stats,
            since=since,
            until=until,
            broker=broker,
            operation=operation,
            bucket_seconds=int(seconds.total_seconds()),
            ist_offset=_IST_OFFSET,
        )


def purge_latency(
    before: datetime,
    *,
    batch_size: int = BATCH,
    dry_run: bool = False,
    tx: Transaction | None = None,
) -> int:
    """Delete the rows of calls that started before that, in small transactions; how many.

    A dry run counts and deletes nothing.
    """
    purged = purge_rows(
        "latency",
        latency_metrics,
        latency_metrics.c.start_time,
        before,
        batch_size=batch_size,
        dry_run=dry_run,
        tx=tx,
    )
    if not dry_run:
        with writing("latency", tx) as session:
            _marks.forget(session, before)
    return purged


def _open_writer(store: Store) -> BufferedWriter:
    return store.open_writer("latency", partial(_write, store))


def _write(store: Store, rows: Sequence[Row], mark: Mark) -> None:
    with store.transaction("latency", readonly=False) as tx:
        if _marks.claim(tx, mark):
            tx.copy(latency_metrics, _COLUMNS, rows)


def _check_texts(
    order_id: str | None, broker: str | None, operation: str, error_message: str | None
) -> None:
    """InvalidInput, with its name, for a text that its column cannot hold."""
    if (
        (order_id is None or _is_plain(order_id))
        and (broker is None or _is_plain(broker))
        and _is_plain(operation)
        and error_message is None
    ):
        return
    if operation is None:
        raise InvalidInput("operation: give one, as in 'place_order'")
    given = {"order_id": order_id, "broker": broker, "operation": operation}
    for name, text in (*given.items(), ("error_message", error_message)):
        try:
            latency_metrics.c[name].type.process_bind_param(text, None)  # type: ignore[attr-defined]
        except InvalidInput as error:
            raise InvalidInput(f"{name}: {error}") from None


def _is_plain(text: str) -> bool:
    """Whether every column holds this text: the common case, told quickly."""
    return type(text) is str and len(text) <= 50 and text.isascii() and "\0" not in text


def _described(error: BaseException) -> str:
    """The exception as it is stored."""
    try:
        said = str(error)
    except Exception:  # of a class with a bug of its own
        said = "(its text cannot be made)"
    return cut(redacted(f"{type(error).__name__}: {said}"), _LONGEST_ERROR)
