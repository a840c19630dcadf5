"""Realised profit and loss: what a user bought and sold, matched first in, first out."""

from collections import deque
from datetime import date, datetime
from functools import cache
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

from sqlalchemy import BigInteger, case, cast, func, select

from ...engine.pagination import within
from ...engine.queries import Query
from ...engine.transaction import Transaction
from ...records import Row
from ...records.trading import Product, RealizedLot
from ...sessions import reading
from ...tables.types import UTCDateTime, Whole
from ...values.days import range_of_days
from ..shapes import equal, given
from .adjusted_lots import read_adjusted, realize_adjusted
from .books import LIVE, Book, BookSql, check_book
from .open_lots import Lot, make_realized_lot, match_lots, take_first
from .traded_lots import read_lots


class _Net(NamedTuple):
    """How many more units were bought than sold; less than 0: more were sold."""

    broker: str
    symbol: str
    exchange: str
    product: Product
    units: int


_PLACE = _Net._fields[:4]
_AT_ONCE = 32
"""Of how many places trades are read by one statement: those of a range are never all in memory."""
_FEW, _TIMES = 32, 4
"""Open units are looked for in so many trades, then in so many times as many."""
_EXIT_AT, _EXIT_ID = (RealizedLot._fields.index(name) for name in ("exit_at", "exit_trade_id"))
_number_of, _lot_of = itemgetter(0), itemgetter(1, 2, 3, 4)

_trades = BookSql("trading/realized_pnl.sql", "trades")
_get_places = _trades.rows("get_places_traded", _PLACE)
_get_last_lots = _trades.query("get_last_lots", Lot, begin=UTCDateTime(), row_limit=Whole())


@cache
def _get_nets(book: Book, asked: frozenset[str]) -> Query[_Net]:
    """Where units are open at `end`, added up in the order of ix_trades_position, from it alone."""
    trades = book.tables.trades
    c = trades.c
    place = [c[name] for name in _PLACE]
    net = cast(func.sum(case((c.action == "BUY", c.quantity), else_=-c.quantity)), BigInteger)
    found = select(*place, net).where(*equal(trades, asked), *within(c.traded_at, asked))
    return Query.of(found.group_by(*place).having(net != 0), _Net)


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
    asked = given(symbol=symbol, exchange=exchange, broker=broker)
    ours = {"user_id": user_id}
    before = asked | ours | {"end": begin}
    realized: list[Row] = []
    with reading(check_book(book).database, tx) as tx:
        adjusted = read_adjusted(asked | ours, user_id, end, book, tx)
        nets = {net[:4]: net for net in tx.all(_get_nets(book, frozenset(before)), **before)}
        places = [
            each
            for each in sorted(tx.all(_get_places[book], **ours))
            if each[:3] not in adjusted and asked.items() <= {*zip(_PLACE, each, strict=True)}
        ]
        for first in range(0, len(places), _AT_ONCE):
            part = places[first : first + _AT_ONCE]
            rows = read_lots(part, user_id, begin, end, book, tx)
            for number, traded in groupby(rows, _number_of):
                place = part[number]
                lots = _open_lots(nets[place], user_id, begin, book, tx) if place in nets else []
                match_lots(place, deque(lots), map(_lot_of, traded), realized)
        for instrument, events in adjusted.items():
            realized += realize_adjusted(instrument, events, user_id, begin, end, book, tx)
    realized.sort(key=_exit_of)
    return list(map(make_realized_lot, realized))


def _exit_of(realized: Row) -> tuple[datetime, int]:
    return realized[_EXIT_AT], realized[_EXIT_ID] or 0


def _open_lots(net: _Net, user_id: int, begin: datetime, book: Book, tx: Transaction) -> list[Lot]:
    """What is open at a place: of the side that has more the last units, as many as it has more."""
    *place, units = net
    asked = dict(zip(_PLACE, place, strict=True)) | {"action": "BUY" if units > 0 else "SELL"}
    most = _FEW
    while True:
        found = tx.all(_get_last_lots[book], **asked, user_id=user_id, begin=begin, row_limit=most)
        if len(found) < most or sum(each.quantity for each in found) >= abs(units):
            return take_first(deque(found), abs(units))[::-1]
        most *= _TIMES
