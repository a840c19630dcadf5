"""The main database: users, their keys and tokens, strategies, the symbol master, trading."""

from sqlalchemy import Column, Date, ForeignKey, Index, Table, UniqueConstraint

from ..types import Finite, PlainText, StrictJson, UTCDateTime, Whole
from .columns import flag_column, id_column, new_metadata, text_column
from .trading import trading_tables

STRATEGY_TYPES = ("webhook", "python", "chartink")
LOAD_STATUSES = ("loaded", "refused")

metadata = new_metadata()

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
)

# What tells at start whether the secrets of the settings are those of this database.
secret_sentinels = Table(
    "secret_sentinels",
    metadata,
    text_column("name", 50, primary_key=True, nullable=False),
    Column("proof", PlainText, nullable=False),
    Column("created_at", UTCDateTime, nullable=False),
)

trading = trading_tables(metadata, prefix="")

strategies = Table(
    "strategies",
    metadata,
    id_column(),
    Column("user_id", Whole, ForeignKey("users.id"), nullable=False),
    text_column("name", 100, nullable=False),
    Column("description", PlainText),
    text_column("strategy_type", 50, one_of=STRATEGY_TYPES),
    Column("config", StrictJson),
    flag_column("is_active", default=False),
    Column("created_at", UTCDateTime, nullable=False),
    Column("updated_at", UTCDateTime),
    UniqueConstraint("user_id", "name"),
)

# Every further index makes the daily load of a master slower by a fifth to two fifths.
symbols = Table(
    "symbols",
    metadata,
    id_column(),
    text_column("broker", 50, nullable=False),
    text_column("symbol", 50, nullable=False),
    text_column("broker_symbol", 100, nullable=False),
    text_column("token", 50, nullable=False),
    text_column("exchange", 20, nullable=False),
    text_column("broker_exchange", 20),
    text_column("name", 100),
    text_column("instrument_type", 20),
    Column("lot_size", Whole),
    Column("tick_size", Finite),
    Column("expiry", Date),
    Column("strike", Finite),
    text_column("option_type", 5),
    Column("last_updated", UTCDateTime, nullable=False),
    UniqueConstraint("broker", "symbol", "exchange", name="uix_symbol"),
)
Index("ix_symbols_token", symbols.c.token)
Index("ix_symbols_broker_symbol", symbols.c.broker_symbol)
Index(
    "ix_symbols_underlying",
    symbols.c.name,
    symbols.c.expiry,
    symbols.c.strike,
    sqlite_where=symbols.c.expiry.is_not(None),
    postgresql_where=symbols.c.expiry.is_not(None),
)

symbol_loads = Table(
    "symbol_loads",
    metadata,
    id_column(),
    text_column("broker", 50, nullable=False),
    text_column("status", 20, one_of=LOAD_STATUSES, nullable=False),
    Column("started_at", UTCDateTime, nullable=False),
    Column("total", Whole, nullable=False),
    Column("inserted", Whole, nullable=False),
    Column("updated", Whole, nullable=False),
    Column("deleted", Whole, nullable=False),
    Column("unchanged", Whole, nullable=False),
    Column("rejected", Whole, nullable=False),
    Column("rejected_by_reason", StrictJson, nullable=False),
    Column("rejected_rows", StrictJson, nullable=False),
    Column("renamed", StrictJson, nullable=False),
    Column("read_seconds", Finite, nullable=False),
    Column("validate_seconds", Finite, nullable=False),
    Column("write_seconds", Finite, nullable=False),
    Column("error", PlainText),
    Index("ix_symbol_loads_broker_id", "broker", "id"),
)
