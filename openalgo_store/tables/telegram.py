"""The telegram database: the bot's chats and the messages for them."""

from sqlalchemy import Column, ForeignKey, Table

from ..types import PlainText, UTCDateTime, Whole
from .columns import flag_column, id_column, new_metadata, text_column

metadata = new_metadata()

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

telegram_messages = Table(
    "telegram_messages",
    metadata,
    id_column(),
    Column("chat_id", Whole, ForeignKey("telegram_chats.chat_id"), nullable=False, index=True),
    text_column("message_type", 50, nullable=False),
    Column("content", PlainText, nullable=False),
    Column("sent_at", UTCDateTime),
    flag_column("delivered", default=False),
)
