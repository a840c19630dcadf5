"""Trades as lots: what get_realized_pnl reads of them, of many places by one statement."""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, cast

from sqlalchemy.types import TypeEngine

from ...engine.transaction import Transaction
from ...records import Row
from ...tables.types import Many, StrictJson, UTCDateTime, Whole
from .books import Book, BookSql
from .open_lots import Lot, Place

_FEW, _TIMES = 128, 4
"""Open units are looked for in so many trades, then in so many times as many."""

_trades = BookSql("trading/realized_pnl.sql", "trades")
_COLUMNS: Final = ("number", "moments", "ids", "units", "amounts")
_TYPES: Final[Mapping[str, TypeEngine[Any]]] = {
    "places": StrictJson(),
    "number": Whole(),
    "moments": Many(UTCDateTime()),
    "ids": Many(Whole()),
    "units": Many(Whole()),
    "amounts": Many(Whole()),
}
_get_lots = _trades.rows(
    "get_lots_of_places", _COLUMNS, begin=UTCDateTime(), end=UTCDateTime(), **_TYPES
)
_get_last_lots = _trades.rows(
    "get_last_lots_of_places", _COLUMNS, begin=UTCDateTime(), row_limit=Whole(), **_TYPES
)


def read_lots(
    places: Sequence[Place],
    user_id: int,
    begin: datetime,
    end: datetime,
    book: Book,
    tx: Transaction,
) -> dict[Place, list[Lot]]:
    """What was traded at those of the places where anything was, in the order of time and of ids.

    Lots are plain tuples of their values.
    """
    found = tx.all(_get_lots[book], places=list(places), user_id=user_id, begin=begin, end=end)
    return {places[number]: lots for number, lots in _lots_of(found) if lots}


def read_open_lots(
    units: Mapping[Place, int], user_id: int, begin: datetime, book: Book, tx: Transaction
) -> dict[Place, deque[Lot]]:
    """What was open where so many units were bought more than sold: the last that were.

    The oldest first; where the units are less than 0, what was sold. Nothing of a place with 0.
    """
    opened: dict[Place, deque[Lot]] = {}
    asked, most = {place: held for place, held in units.items() if held}, _FEW
    while asked:
        sides = [(*place, "BUY" if held > 0 else "SELL") for place, held in asked.items()]
        found = tx.all(
            _get_last_lots[book], places=sides, user_id=user_id, begin=begin, row_limit=most
        )
        places = list(asked)
        for number, lots in _lots_of(found):
            last, missing = _last_units(lots, abs(asked[places[number]]))
            if len(lots) < most or not missing:
                opened[places[number]] = last
                del asked[places[number]]
        most *= _TIMES
    return opened


def _last_units(lots: list[Lot], held: int) -> tuple[deque[Lot], int]:
    """The lots of so many units, the last that there are, and how many more it would take."""
    first, missing = len(lots), held
    while first and missing > 0:
        first -= 1
        _, _, units, _ = lots[first]
        missing -= abs(units)
    last = deque(lots[first:])
    if missing < 0:
        oldest = Lot._make(last.popleft())
        last.appendleft(oldest.part(oldest.quantity + missing))
    return last, max(missing, 0)


def _lots_of(found: Sequence[Row]) -> Iterator[tuple[int, list[Lot]]]:
    """The number of each place and its lots, as tuples, in the order of time and of ids."""
    for number, *columns in found:
        yield number, cast(list[Lot], sorted(zip(*columns, strict=True)))
