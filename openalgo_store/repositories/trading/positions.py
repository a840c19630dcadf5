"""Positions: what fills have made, and what a broker reports of them."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import JSON, Date

from ...engine.transaction import Transaction
from ...records.trading import Position
from ...sessions import one_statement, writing
from ...values import clock
from ...values.days import require_day
from .books import LIVE, Book, BookSql, check_book
from .broker_reports import BrokerReport

_KEY = ("user_id", "broker", "symbol", "exchange", "product")
_VALUES = (
    *("quantity", "average_price", "last_price", "pnl"),
    *("day_quantity", "overnight_quantity"),
)


class _Key(NamedTuple):
    """What a position is found by."""

    user_id: int
    broker: str
    symbol: str
    exchange: str
    product: str


_sql = BookSql("trading/positions.sql", "positions")
_get_positions = _sql.query("get_positions", Position, day=Date())
_update_positions = _sql.query("update_positions", _Key, rows=JSON())


def get_positions(
    user_id: int, *, day: date | None = None, book: Book = LIVE, tx: Transaction | None = None
) -> list[Position]:
    """The positions of a user, flat ones too, by broker, symbol, exchange and product.

    day_quantity and overnight_quantity are told as of an Indian trading day, by default today:
    what was traded before it is overnight. How it was on a day before the last trade is not kept.
    """
    today = clock.trading_day(clock.now()) if day is None else require_day(day)
    with one_statement(check_book(book).database, tx) as tx:
        return tx.all(_get_positions[book], user_id=user_id, day=today)


def bulk_update_positions(
    positions_data: Iterable[Mapping[str, Any]],
    *,
    book: Book = LIVE,
    tx: Transaction | None = None,
) -> list[Mapping[str, Any]]:
    """Set what a broker reports of positions, all or none; the rows without a position come back.

    Each has the key (user_id, broker, symbol, exchange, product) and some of quantity,
    average_price, last_price, pnl (in rupees), day_quantity, overnight_quantity; what is absent or
    None stays. Without pnl it follows from the fills and the last price, unless the quantity is not
    that of the fills: then it stays. Of day_quantity and overnight_quantity, as of today, one
    follows from the other. The sums of the fills stay, and the next fill counts from them. Raises
    InvalidInput, with the row's number, and writes nothing.
    """
    report = BrokerReport(check_book(book).tables.positions, _KEY, _VALUES, positions_data)
    today = clock.trading_day(clock.now())
    unknown = dict(report.given)
    with writing(check_book(book).database, tx) as tx:
        for rows in report.batches():
            for found in tx.all(_update_positions[book], rows=rows, trading_day=today):
                del unknown[tuple(found)]
    return list(unknown.values())
