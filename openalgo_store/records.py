"""The typed records that callers get: plain, immutable, without anything of SQLAlchemy."""

from datetime import date, datetime
from typing import Any, NamedTuple


class Instrument(NamedTuple):
    """One row of a broker's instrument file under its canonical names, not yet stored.

    strike, tick_size in rupees; lot_size in units; expiry the Indian calendar day.
    broker_exchange is the exchange as the broker spells it. series is the series of a share
    (EQ, BE …), not stored: it decides who keeps the bare name when two shares meet. line is where
    the row stood in its file (the header is 1), not stored either.
    """

    symbol: str
    exchange: str
    token: str
    broker_symbol: str
    name: str | None = None
    broker_exchange: str | None = None
    instrument_type: str | None = None
    lot_size: int | None = None
    tick_size: float | None = None
    expiry: date | None = None
    strike: float | None = None
    option_type: str | None = None
    series: str | None = None
    line: int | None = None


class RejectedRow(NamedTuple):
    """A row that was left out: its line, the rule it breaks, its text.

    The line counts in the row's own file, where the header is 1; for a mapping it is its place
    among what was given, from 1.
    """

    line: int
    reason: str
    raw: str


class RenamedSymbol(NamedTuple):
    """A share that met another of the same name on its exchange and kept its series."""

    symbol: str
    exchange: str
    renamed: str


class User(NamedTuple):
    """Who may log in. The password's hash is in no record."""

    id: int
    username: str
    email: str
    created_at: datetime
    is_active: bool


class ApiKey(NamedTuple):
    """An API key without the key: hint is its last characters, to tell keys apart."""

    id: int
    user_id: int
    name: str | None
    hint: str | None
    created_at: datetime
    last_used: datetime | None
    is_active: bool


class CachedKey(NamedTuple):
    """What a valid key stands for, as the cache keeps it."""

    key_id: int
    user: User


class IssuedApiKey(NamedTuple):
    """A new API key. api_key is shown this once: the database holds only its digest."""

    id: int
    user_id: int
    name: str | None
    hint: str
    api_key: str

    def __repr__(self) -> str:
        return f"IssuedApiKey(id={self.id}, user_id={self.user_id}, hint={self.hint!r})"


class AuthToken(NamedTuple):
    """The opened tokens of a user at a broker; repr shows none of them."""

    id: int
    user_id: int
    broker: str
    access_token: str | None
    refresh_token: str | None
    feed_token: str | None
    token_expiry: datetime | None
    auth_data: Any
    created_at: datetime
    updated_at: datetime | None

    def __repr__(self) -> str:
        return f"AuthToken(id={self.id}, user_id={self.user_id}, broker={self.broker!r})"


class SealedToken(NamedTuple):
    """A row of auth_tokens as it is stored and cached: nothing in it can be read without a key."""

    id: int
    user_id: int
    broker: str
    access_token: str | None
    refresh_token: str | None
    feed_token: str | None
    token_expiry: datetime | None
    auth_data: Any
    created_at: datetime
    updated_at: datetime | None
    key_id: str | None


class Symbol(NamedTuple):
    """One instrument of a broker's stored master."""

    id: int
    broker: str
    symbol: str
    broker_symbol: str
    token: str
    exchange: str
    broker_exchange: str | None
    name: str | None
    instrument_type: str | None
    lot_size: int | None
    tick_size: float | None
    expiry: date | None
    strike: float | None
    option_type: str | None
    last_updated: datetime


class SymbolLoad(NamedTuple):
    """What one load of a master did: total = inserted + updated + unchanged + rejected.

    status is loaded or refused; for a refused load error says why and nothing was changed.
    rejected_by_reason counts all rejected rows, rejected_rows holds the first 100. The three
    durations are seconds.
    """

    id: int
    broker: str
    status: str
    started_at: datetime
    total: int
    inserted: int
    updated: int
    deleted: int
    unchanged: int
    rejected: int
    rejected_by_reason: dict[str, int]
    rejected_rows: list[RejectedRow]
    renamed: list[RenamedSymbol]
    read_seconds: float
    validate_seconds: float
    write_seconds: float
    error: str | None

    @property
    def loaded(self) -> bool:
        """Whether the master was stored."""
        return self.status == "loaded"


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


Row = tuple[Any, ...]
"""A row on its way to the database, in the order of its columns."""
