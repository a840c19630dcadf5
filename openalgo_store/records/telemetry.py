"""Latencies, log entries, the counts of a writer, and the state of the Telegram bot."""

from datetime import datetime
from typing import Any, NamedTuple


class TelegramChat(NamedTuple):
    """A chat of the bot. chat_id is Telegram's id of it, user_id whose it is."""

    id: int
    chat_id: int
    user_id: int | None
    username: str | None
    is_authorized: bool
    notification_enabled: bool
    created_at: datetime


class TelegramMessage(NamedTuple):
    """A message for a chat: it waits, and then it is delivered (sent_at) or parked (parked_at).

    claim is the token of the worker that has it; before held_until nobody else can claim it.
    """

    id: int
    chat_id: int
    message_type: str
    content: str
    sent_at: datetime | None
    delivered: bool
    created_at: datetime
    attempts: int
    max_attempts: int
    last_error: str | None
    claim: str | None
    held_until: datetime | None
    parked_at: datetime | None


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
