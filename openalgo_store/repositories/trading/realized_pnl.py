"""Realised profit and loss: what a user bought and sold, matched first in, first out."""

from collections import deque
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from functools import cache
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

from sqlalchemy import BigInteger, bindparam, case, cast, func, select

from ...engine.queries import Query
from ...engine.transaction import Transaction
from ...records import Row
from ...records.trading import Product, RealizedLot
from ...sessions import reading
from ...tables.types import StrictJson, UTCDateTime, Whole
from ...values.days import range_of_days
from ..shapes import equal, given
from .adjusted_lots import read_adjusted, realize_adjusted
from .books import LIVE, Book, BookSql, check_book
from .open_lots import Lot, make_lot, make_realized_lot, match_lots, take_first


class _Traded(NamedTuple):
    """Where trades are of a range of days, how many, and what was open as it began: units bought,
    less than 0 where more were sold.
    """

    broker: str
    symbol: str
    exchange: str
    product: Product
    trades: int
    units_before: int


_PLACE = _Traded._fields[:4]
_AT_ONCE = 2_000
"""How many trades are read by one statement, or all of one place: those of a range are never all in
memory, and most of so few are gone before the garbage collector takes them for old."""
_FEW, _TIMES = 32, 4
"""Open units are looked for in so many trades, then in so many times as many."""
_EXIT_AT, _EXIT_ID = (RealizedLot._fields.index(name) for name in ("exit_at", "exit_trade_id"))
_number_of, _lot_of = itemgetter(0), itemgetter(1, 2, 3, 4)

_trades = BookSql("trading/realized_pnl.sql", "trades")
_get_last_lots = _trades.query("get_last_lots", Lot, begin=UTCDateTime(), row_limit=Whole())
_get_lots = _trades.rows(
    "get_lots_of_places",
    ("number", *Lot._fields),
    places=StrictJson(),
    begin=UTCDateTime(),
    end=UTCDateTime(),
    number=Whole(),
    units=Whole(),
    value=Whole(),
)


@cache
def _get_traded(book: Book, asked: frozenset[str]) -> Query[_Traded]:
    """Places in the order of ix_trades_position, counted and added up from it alone."""
    trades = book.tables.trades
    c = trades.c
    begin, end = (bindparam(name, type_=c.traded_at.type) for name in ("begin", "end"))
    place = [c[name] for name in _PLACE]
    units = case((c.action == "BUY", c.quantity), else_=-c.quantity)
    since = func.sum(case((c.traded_at >= begin, 1), else_=0))
    before = func.sum(case((c.traded_at < begin, units), else_=0))
    found = select(*place, *(cast(each, BigInteger) for each in (since, before)))
    found = found.where(*equal(trades, asked), c.traded_at < end)
    return Query.of(found.group_by(*place).having(since > 0), _Traded)


def get_realized_pnl(
    user_id: int,
    start_date: date,
    end_date: date,
    *,
    symbol: str | None = None,
    exchange: str | None = None,
    broker: str | None = None,
    book: Book = LIVE,
    tx: Transaction | None = None,
) -> list[RealizedLot]:
    """The lots that were closed on the Indian days start_date to end_date, both included.

    For each broker, instrument and product the unit that was bought first is matched with the one
    that was sold first; the later of both is the exit. In the order of the exits. Converted units
    keep their entry; in a split or a bonus they keep what they cost; what a broker reported and the
    store did not know is entered then, without a trade, and what it lacks goes without a profit.

    Known are trades. What of an order was only told cumulatively, by report_order, is in its
    position and not here: record or import its trades. Raises InvalidInput for days that are none,
    and for a start_date after end_date.
    """
    begin, end = range_of_days(start_date, end_date)
    asked = given(symbol=symbol, exchange=exchange, broker=broker) | {"user_id": user_id}
    days = {"begin": begin, "end": end}
    realized: list[Row] = []
    with reading(check_book(book).database, tx) as tx:
        adjusted = read_adjusted(asked, user_id, end, book, tx)
        found = tx.all(_get_traded(book, frozenset(asked)), **asked, **days)
        for part in _in_parts(each for each in found if each[:3] not in adjusted):
            places = [each[:4] for each in part]
            rows = tx.all(_get_lots[book], places=places, user_id=user_id, **days)
            for number, traded in groupby(sorted(rows), _number_of):
                lots = _lots_before(part[number], user_id, begin, book, tx)
                match_lots(places[number], lots, map(make_lot, map(_lot_of, traded)), realized)
        for instrument, events in adjusted.items():
            realized += realize_adjusted(instrument, events, user_id, begin, end, book, tx)
    realized.sort(key=_exit_of)
    return list(map(make_realized_lot, realized))


def _exit_of(realized: Row) -> tuple[datetime, int]:
    return realized[_EXIT_AT], realized[_EXIT_ID] or 0


def _in_parts(found: Iterable[_Traded]) -> Iterator[list[_Traded]]:
    """Places with so many trades together as are read at once."""
    part: list[_Traded] = []
    trades = 0
    for place in found:
        if part and trades + place.trades > _AT_ONCE:
            yield part
            part, trades = [], 0
        part.append(place)
        trades += place.trades
    if part:
        yield part


def _lots_before(
    place: _Traded, user_id: int, begin: datetime, book: Book, tx: Transaction
) -> deque[Lot]:
    """What was open: of the side that had more the last units, as many as it had more."""
    units, most = place.units_before, _FEW
    if not units:
        return deque()
    asked = dict(zip(_PLACE, place, strict=False)) | {"action": "BUY" if units > 0 else "SELL"}
    while True:
        found = tx.all(_get_last_lots[book], **asked, user_id=user_id, begin=begin, row_limit=most)
        if len(found) < most or sum(each.quantity for each in found) >= abs(units):
            return deque(take_first(deque(found), abs(units))[::-1])
        most *= _TIMES
