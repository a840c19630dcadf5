"""Positions: what fills, reports and adjustments have made, today and on the days before."""

from datetime import date
from operator import itemgetter
from typing import Any

from sqlalchemy import Date

from ...engine.transaction import Transaction
from ...errors import InvalidInput
from ...records.trading import Position, PositionDay
from ...sessions import one_statement
from ...tables.types import Finite
from ...values import clock
from ...values.days import require_day
from ...values.money import to_rupees
from .books import LIVE, Book, BookSql, check_book
from .position_pool import Pool

_STORED = (*Position._fields, "realized_value", "realized_today")
_sums_of = itemgetter(*map(_STORED.index, Pool._fields))
_DAY = ("user_id", "broker", "symbol", "exchange", "product", "trading_day", "last_price")

_get_positions = BookSql("trading/positions.sql", "positions").rows(
    "get_positions", _STORED, realized_pnl=Finite()
)
_get_history = BookSql("trading/position_days.sql", "position_days").rows(
    "get_position_history", (*_DAY, *Pool._fields), begin=Date(), end=Date()
)


def get_positions(
    user_id: int, *, day: date | None = None, book: Book = LIVE, tx: Transaction | None = None
) -> list[Position]:
    """The positions of a user, flat ones too, by broker, symbol, exchange and product.

    They are told as of an Indian trading day, by default today: of what was traded before it only
    what is open is carried, at its average, and the rest is in realized_pnl. Nothing is written by
    that. How it was on an earlier day than the last one tells get_position_history.
    """
    today = clock.trading_day(clock.now()) if day is None else require_day(day)
    with one_statement(check_book(book).database, tx) as tx:
        rows = tx.all(_get_positions[book], user_id=user_id)
    return [_as_of(today, row) for row in rows]


def get_position_history(
    user_id: int,
    start_date: date,
    end_date: date,
    *,
    book: Book = LIVE,
    tx: Transaction | None = None,
) -> list[PositionDay]:
    """What each day left of each position and what it realised, oldest first.

    Of the Indian days start_date to end_date, both included; of those on which nothing was traded,
    reported or adjusted there is none. Raises InvalidInput.
    """
    if require_day(start_date) > require_day(end_date):
        raise InvalidInput("start_date is after end_date: swap them")
    with one_statement(check_book(book).database, tx) as tx:
        rows = tx.all(_get_history[book], user_id=user_id, begin=start_date, end=end_date)
    return [_day_of(row) for row in rows]


def _as_of(day: date, row: Any) -> Position:
    """The stored row as the day begins, where it is of a day before."""
    position = Position._make(row[: len(Position._fields)])
    if position.trading_day is None or position.trading_day >= day:
        return position
    pool = Pool._make(_sums_of(row)).carried()
    return position._replace(
        average_price=pool.average_price,
        pnl=pool.pnl(position.last_price),
        day_quantity=0,
        overnight_quantity=pool.overnight_quantity,
        buy_quantity=pool.buy_quantity,
        buy_value=pool.buy_value,
        sell_quantity=pool.sell_quantity,
        sell_value=pool.sell_value,
        trading_day=day,
        realized_pnl=to_rupees(pool.realized_value),
    )


def _day_of(row: Any) -> PositionDay:
    user_id, broker, symbol, exchange, product, trading_day, last_price, *sums = row
    pool = Pool._make(sums)
    average = pool.average_price
    price = average if last_price is None else last_price
    return PositionDay(
        user_id=user_id,
        broker=broker,
        symbol=symbol,
        exchange=exchange,
        product=product,
        trading_day=trading_day,
        quantity=pool.quantity,
        average_price=average,
        last_price=last_price,
        overnight_quantity=pool.overnight_quantity,
        realized_pnl=to_rupees(pool.realized),
        unrealized_pnl=pool.quantity * (price - average) + 0.0,  # no -0.0
    )
