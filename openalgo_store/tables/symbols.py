"""The symbol masters of the brokers, and how each load of one went; in the main database."""

from sqlalchemy import Column, Date, Index, Table, UniqueConstraint

from .columns import counter_column, id_column, text_column
from .metadata import METADATA
from .types import Finite, PlainText, StrictJson, UTCDateTime, Whole

LOAD_STATUSES = ("loaded", "refused")

metadata = METADATA["main"]

# Every further index makes the daily load of a master slower by a fifth to two fifths.
symbols = Table(
    "symbols",
    metadata,
    id_column(),
    text_column("broker", 50, nullable=False),
    text_column("symbol", 64, nullable=False),
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
    Column("contract_value", Finite),
    UniqueConstraint("broker", "symbol", "exchange", name="uix_symbol"),
    sqlite_autoincrement=True,
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

LONGEST: dict[str, int] = {
    each.name: each.type.length
    for each in symbols.columns
    if isinstance(each.type, PlainText) and each.type.length is not None
}
"""How many characters each text of a symbol may have."""

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
    counter_column("kept"),
    Index("ix_symbol_loads_broker_id", "broker", "id"),
)
