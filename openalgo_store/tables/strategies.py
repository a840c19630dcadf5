"""Strategies: what places orders for a user; in the main database."""

from sqlalchemy import Column, ForeignKey, Table, UniqueConstraint

from .columns import flag_column, id_column, text_column
from .metadata import METADATA
from .types import PlainText, StrictJson, UTCDateTime, Whole

STRATEGY_TYPES = ("webhook", "python", "chartink")

metadata = METADATA["main"]

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
    sqlite_autoincrement=True,
)
