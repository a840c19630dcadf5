"""Realised profit and loss: what a user bought and sold, matched first in, first out."""

from collections import deque
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from functools import cache, partial
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, ColumnElement, bindparam, case, cast, func, select

from ...engine.pagination import within
from ...engine.queries import Query
from ...engine.transaction import Transaction
from ...records.trading import RealizedLot
from ...sessions import reading
from ...tables.types import UTCDateTime, Whole
from ...values.days import range_of_days
from ..shapes import equal, given
from .adjusted_lots import read_adjusted, realize_adjusted
from .books import LIVE, Book, BookSql, check_book
from .open_lots import Lot, OpenLots, Place, take_first


class _Net(NamedTuple):
    """How many more units were bought than sold; less than 0: more were sold."""

    broker: str
    symbol: str
    exchange: str
    product: str
    units: int


_PLACE = _Net._fields[:4]
_AT_ONCE = 2_000
"""How many trades are read by one statement, so that those of a range are never all in memory.

Most of so few are gone before the garbage collector takes them for old.
"""
_FEW, _TIMES = 32, 8
"""Open units are looked for in so many trades, then in so many times as many."""

_get_last_lots = BookSql("trading/realized_pnl.sql", "trades").query(
    "get_last_lots", Lot, begin=UTCDateTime(), row_limit=Whole()
)


@cache
def _get_nets(book: Book, asked: frozenset[str]) -> Query[_Net]:
    """Where units are open at `end`, added up in the order of ix_trades_position, from it alone."""
    trades = book.tables.trades
    c = trades.c
    place = [c[name] for name in _PLACE]
    net = _whole(func.sum(_units(c.action, c.quantity)))
    found = select(*place, net).where(*equal(trades, asked), *within(c.traded_at, asked))
    return Query.of(found.group_by(*place).having(net != 0), _Net)


@cache
def _get_lots(book: Book, asked: frozenset[str]) -> Query[Lot]:
    """The first trades from `begin` until `end`: a range of ix_trades_user_date, in its order.

    By id too an engine would sort all of them, for the few of one moment.
    """
    trades = book.tables.trades
    c = trades.c
    value = c.quantity * _whole(func.round(c.price * 1_000_000))
    place = [c[name] for name in _PLACE]
    found = select(c.traded_at, c.id, *place, _units(c.action, c.quantity), value)
    found = found.where(*equal(trades, asked), *within(c.traded_at, asked))
    most = bindparam("row_limit", type_=Whole)
    return Query.of(found.order_by(c.traded_at).limit(most), Lot)


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
    realized: list[RealizedLot] = []
    with reading(check_book(book).database, tx) as tx:
        adjusted = read_adjusted(asked, user_id, end, book, tx)
        before = asked | {"end": begin}
        nets = {net[:4]: net for net in tx.all(_get_nets(book, frozenset(before)), **before)}
        lots = OpenLots(partial(_open_lots, nets, user_id, begin, book, tx))
        for traded in _in_parts(asked | {"begin": begin, "end": end}, book, tx):
            if adjusted:
                realized += lots.realize(lot for lot in traded if lot[2:5] not in adjusted)
            else:
                realized += lots.realize(traded)
        for instrument, events in adjusted.items():
            realized += realize_adjusted(instrument, events, user_id, begin, end, book, tx)
    if adjusted:
        realized.sort(key=lambda lot: (lot.exit_at, lot.exit_trade_id or 0))
    return realized


def _open_lots(
    nets: Mapping[Place, _Net],
    user_id: int,
    begin: datetime,
    book: Book,
    tx: Transaction,
    place: Place,
) -> list[Lot]:
    """What is open at a place: of the side that has more the last units, as many as it has more."""
    if place not in nets:
        return []
    net = nets[place].units
    asked = dict(zip(_PLACE, place, strict=True)) | {"action": "BUY" if net > 0 else "SELL"}
    most = _FEW
    while True:
        found = tx.all(_get_last_lots[book], **asked, user_id=user_id, begin=begin, row_limit=most)
        if len(found) < most or sum(lot.quantity for lot in found) >= abs(net):
            return take_first(deque(found), abs(net))[::-1]
        most *= _TIMES


def _in_parts(asked: dict[str, Any], book: Book, tx: Transaction) -> Iterator[list[Lot]]:
    """What was traded, by moment and id; what has one moment is never divided."""
    query, most = _get_lots(book, frozenset(asked)), _AT_ONCE
    while True:
        found = sorted(tx.all(query, **asked, row_limit=most))
        if len(found) < most:
            yield found
            return
        last = found[-1].traded_at
        while found and found[-1].traded_at == last:
            found.pop()
        yield found
        asked = asked | {"begin": last}
        most = _AT_ONCE if found else most * 2


def _units(action: ColumnElement[str], quantity: ColumnElement[int]) -> ColumnElement[int]:
    """The quantity, less than 0 where it is sold."""
    return case((action == "BUY", quantity), else_=-quantity)


def _whole(number: ColumnElement[int] | ColumnElement[float]) -> ColumnElement[int]:
    """What an engine gives as a decimal or a float."""
    return cast(number, BigInteger)
