"""Trades as lots: what get_realized_pnl reads of them."""

from datetime import datetime
from typing import cast

from ...engine.transaction import Transaction
from ...tables.types import Many, UTCDateTime, Whole
from .books import Book, BookSql
from .open_lots import Lot, Place

PLACE = ("broker", "symbol", "exchange", "product")
"""What tells one place from another."""

_get_lots = BookSql("trading/realized_pnl.sql", "trades").rows(
    "get_lots_of_place",
    ("moments", "ids", "units", "amounts"),
    begin=UTCDateTime(),
    end=UTCDateTime(),
    moments=Many(UTCDateTime()),
    ids=Many(Whole()),
    units=Many(Whole()),
    amounts=Many(Whole()),
)


def read_lots(
    place: Place, user_id: int, begin: datetime, end: datetime, book: Book, tx: Transaction
) -> list[Lot]:
    """What was traded there, in the order of time and of ids: as tuples of the values of Lots."""
    asked = dict(zip(PLACE, place, strict=True))
    columns = tx.one(_get_lots[book], **asked, user_id=user_id, begin=begin, end=end)
    return cast(list[Lot], sorted(zip(*columns or (), strict=True)))
