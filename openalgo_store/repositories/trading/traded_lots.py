"""Trades as lots: what get_realized_pnl reads of them."""

from collections.abc import Sequence
from datetime import datetime

from ...engine.transaction import Transaction
from ...records import Row
from ...tables.types import StrictJson, UTCDateTime, Whole
from .books import Book, BookSql
from .open_lots import Lot, Place

_get_lots = BookSql("trading/realized_pnl.sql", "trades").rows(
    "get_lots_of_places",
    ("number", *Lot._fields),
    places=StrictJson(),
    begin=UTCDateTime(),
    end=UTCDateTime(),
    number=Whole(),
    units=Whole(),
    value=Whole(),
)


def read_lots(
    places: Sequence[Place],
    user_id: int,
    begin: datetime,
    end: datetime,
    book: Book,
    tx: Transaction,
) -> list[Row]:
    """What was traded there: the number of the place among these, and the values of a Lot.

    Place by place, in the order of time and of ids.
    """
    return sorted(
        tx.all(_get_lots[book], places=list(places), user_id=user_id, begin=begin, end=end)
    )
