"""Latencies, log entries, and the counts of what writes them."""

from datetime import datetime
from typing import Any, NamedTuple


class WriterStats(NamedTuple):
    """What became of the rows that were recorded: each is in one of the four counts.

    written are in the database, queued wait for it, dropped found the buffer full, failed were
    refused by the database or left at the end. error is why nothing can be written at present.
    """

    written: int
    dropped: int
    failed: int
    queued: int
    error: str | None = None


class LogEntry(NamedTuple):
    """One line of the application's log; extra_data holds the fields that came with it."""

    id: int
    timestamp: datetime
    level: str
    logger: str
    message: str
    module: str | None
    function: str | None
    line_number: int | None
    exception: str | None
    extra_data: Any


class LogPage(NamedTuple):
    """Entries, the newest first; next_cursor brings the older ones and is None at the end."""

    entries: list[LogEntry]
    next_cursor: str | None


class LatencyStats(NamedTuple):
    """The calls of one broker and operation in one bucket, which begins at bucket (UTC).

    success_rate is between 0 and 1; the times are milliseconds, percentiles interpolated.
    bucket is None where one bucket was asked for.
    """

    broker: str | None
    operation: str
    bucket: datetime | None
    count: int  # type: ignore[assignment]  # tuple.count is not missed
    success_rate: float
    mean: float
    p50: float
    p95: float
    p99: float
    max: float
