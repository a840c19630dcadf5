"""Users, their API keys and broker tokens, and the proof of their secrets; in the main database."""

from sqlalchemy import Column, ForeignKey, Table, UniqueConstraint

from .columns import flag_column, id_column, text_column
from .metadata import METADATA
from .types import PlainText, StrictJson, UTCDateTime, Whole

metadata = METADATA["main"]

# username_key and email_key are the names folded, which can make them longer.
users = Table(
    "users",
    metadata,
    id_column(),
    text_column("username", 80, nullable=False),
    text_column("username_key", 240, nullable=False, unique=True),
    text_column("email", 120, nullable=False),
    text_column("email_key", 360, nullable=False, unique=True),
    text_column("password_hash", 255, nullable=False),
    Column("created_at", UTCDateTime, nullable=False),
    flag_column("is_active", default=True),
)

api_keys = Table(
    "api_keys",
    metadata,
    id_column(),
    Column("user_id", Whole, ForeignKey("users.id"), nullable=False, index=True),
    text_column("api_key", 64, nullable=False, unique=True),
    text_column("name", 100),
    Column("created_at", UTCDateTime, nullable=False),
    Column("last_used", UTCDateTime),
    flag_column("is_active", default=True),
    text_column("hint", 20),
)

auth_tokens = Table(
    "auth_tokens",
    metadata,
    id_column(),
    Column("user_id", Whole, ForeignKey("users.id"), nullable=False),
    text_column("broker", 50, nullable=False),
    Column("access_token", PlainText),
    Column("refresh_token", PlainText),
    Column("feed_token", PlainText),
    Column("token_expiry", UTCDateTime),
    Column("auth_data", StrictJson),
    Column("created_at", UTCDateTime, nullable=False),
    Column("updated_at", UTCDateTime),
    text_column("key_id", 16),
    UniqueConstraint("user_id", "broker"),
    sqlite_autoincrement=True,
)

# What tells at start whether the secrets of the settings are those of this database.
secret_sentinels = Table(
    "secret_sentinels",
    metadata,
    text_column("name", 50, primary_key=True, nullable=False),
    Column("proof", PlainText, nullable=False),
    Column("created_at", UTCDateTime, nullable=False),
)
