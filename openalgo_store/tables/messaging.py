"""The telegram database: the bot's chats and the messages for them."""

from sqlalchemy import Column, ForeignKey, Index, Table, text

from .columns import counter_column, flag_column, id_column, text_column
from .metadata import METADATA
from .types import PlainText, UTCDateTime, Whole

metadata = METADATA["telegram"]

# user_id is an id of the main database, where no foreign key reaches.
telegram_chats = Table(
    "telegram_chats",
    metadata,
    id_column(),
    Column("chat_id", Whole, nullable=False, unique=True),
    Column("user_id", Whole, index=True),
    text_column("username", 100),
    flag_column("is_authorized", default=False),
    flag_column("notification_enabled", default=True),
    Column("created_at", UTCDateTime, nullable=False),
)

# A message waits, and then it is delivered (sent_at) or parked (parked_at): never both. Nobody may
# claim it before held_until, the end of a lease or of a pause; claim is the token of the last one.
telegram_messages = Table(
    "telegram_messages",
    metadata,
    id_column(),
    Column("chat_id", Whole, ForeignKey("telegram_chats.chat_id"), nullable=False, index=True),
    text_column("message_type", 50, nullable=False),
    Column("content", PlainText, nullable=False),
    Column("sent_at", UTCDateTime),
    flag_column("delivered", default=False),
    Column("created_at", UTCDateTime, nullable=False),
    counter_column("attempts"),
    Column("max_attempts", Whole, nullable=False, server_default=text("5")),
    text_column("last_error", 500),
    text_column("claim", 32),
    Column("held_until", UTCDateTime),
    Column("parked_at", UTCDateTime),
    sqlite_autoincrement=True,
)
_WAITING = text("NOT delivered AND parked_at IS NULL")
Index(
    "ix_telegram_messages_waiting",
    telegram_messages.c.chat_id,
    telegram_messages.c.id,
    sqlite_where=_WAITING,
    postgresql_where=_WAITING,
)
for _end in (telegram_messages.c.sent_at, telegram_messages.c.parked_at):
    Index(
        f"ix_telegram_messages_{_end.name}",
        _end,
        sqlite_where=_end.is_not(None),
        postgresql_where=_end.is_not(None),
    )
