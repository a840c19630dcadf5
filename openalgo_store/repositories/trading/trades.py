"""Trades: history that is imported, what was traded, and the profit or loss of a day."""

import warnings
from collections.abc import Sequence
from datetime import date, datetime
from functools import cache, wraps
from typing import Any, NamedTuple

from sqlalchemy import bindparam, select, tuple_

from ...engine.expected import expect_one
from ...engine.pagination import MOST_ROWS, row_limit, within
from ...engine.queries import Query
from ...engine.transaction import Transaction
from ...errors import Conflict, IllegalOrderState, InvalidInput
from ...records.trading import Action, DailyPnl, Order, Product, SymbolPnl, Trade
from ...sessions import one_statement, reading, writing
from ...tables.trading import OPEN_STATUSES
from ...tables.types import UTCDateTime, Whole
from ...values.arguments import not_blank
from ...values.days import check_moment, day_bounds, one_day
from ...values.money import check_price, traded_value
from ...values.numbers import check_quantity
from ..shapes import equal, given
from .books import LIVE, Book, BookSql, check_book
from .names import check_instrument
from .order_locks import find_and_lock_order, get_order_query, only_one


class _DailySums(NamedTuple):
    """What a user bought and sold of an instrument on a day; values in millionths of a rupee."""

    symbol: str
    exchange: str
    buy_quantity: int
    buy_value: int
    sell_quantity: int
    sell_value: int


_BOOKED_KEY: Sequence[str] = ("order_id", "trade_id", "broker")
_OF_ORDER = ("user_id", "broker", "symbol", "exchange", "action", "product")
"""What a trade has in common with its order."""
_IMPORTED_KEY: Sequence[str] = (*_OF_ORDER, "trade_id", "traded_at")
"""What a trade without an order is known by."""

_sql = BookSql("trading/trades.sql", "trades")
_add_trade = _sql.query("add_trade", int)
_get_trade = _sql.query("get_trade", Trade)
_get_imported_trade = _sql.query("get_imported_trade", Trade)
_get_daily_pnl = _sql.query(
    "get_daily_pnl", DailyPnl, day_begin=UTCDateTime(), day_end=UTCDateTime()
)
_get_daily_sums = _sql.query(
    "get_daily_sums", _DailySums, day_begin=UTCDateTime(), day_end=UTCDateTime()
)


class _Place(NamedTuple):
    """Where a trade stands in the history of its user."""

    traded_at: datetime
    id: int


_get_trade_place = _sql.query("get_trade_place", _Place)


@cache
def _get_trades(book: Book, asked: frozenset[str]) -> Query[Trade]:
    """At most `row_limit` trades, the oldest first, of what is asked for."""
    trades = book.tables.trades
    found = select(*(trades.c[name] for name in Trade._fields))
    found = found.where(*equal(trades, asked), *within(trades.c.traded_at, asked))
    place = tuple_(trades.c.traded_at, trades.c.id)
    if "last_id" in asked:
        last = bindparam("last_moment", type_=UTCDateTime()), bindparam("last_id", type_=Whole())
        found = found.where(place > tuple_(*last))
    most = bindparam("row_limit", type_=Whole)  # a plain number is taken for one of 32 bits
    return Query.of(found.order_by(*place).limit(most), Trade)


def import_trade(
    trade_id: str,
    user_id: int,
    broker: str,
    symbol: str,
    exchange: str,
    action: Action,
    product: Product,
    quantity: int,
    price: float,
    traded_at: datetime,
    order_id: str | None = None,
    *,
    book: Book = LIVE,
    tx: Transaction | None = None,
) -> Trade:
    """Keep a trade of the past: orders and positions stay as they are (record_fill changes them).

    The same trade again changes nothing: it is known by its broker, order_id and trade_id, without
    an order by all but its quantity and price. Raises Conflict when those differ, for a trade that
    is not of its order, and for an unknown user (LIVE) or order; IllegalOrderState for an order
    that is still open, whose trades are fills; InvalidInput.
    """
    not_blank("trade_id", trade_id)
    check_instrument(broker, symbol, exchange)
    traded_value(quantity, price)  # or the P&L of its day could not be told
    row: dict[str, Any] = {
        "trade_id": trade_id,
        "order_id": order_id,
        "user_id": user_id,
        "broker": broker,
        "symbol": symbol,
        "exchange": exchange,
        "action": action,
        "product": product,
        "quantity": check_quantity(quantity),
        "price": check_price(price),
        "traded_at": check_moment(traded_at),
    }
    with writing(check_book(book).database, tx) as tx:
        if order_id is not None and (locked := find_and_lock_order(order_id, broker, book, tx)):
            _refuse_what_it_cannot_have(locked.order, row)
        number = tx.value(_add_trade[book], **row, is_fill=False)
        trade = _known(row, book, tx) if number is None else Trade(number, **row)
    if (trade.quantity, trade.price) != (row["quantity"], row["price"]):
        raise Conflict(
            f"trade {trade_id} is stored with {trade.quantity} at {trade.price}: "
            "a trade number names one execution"
        )
    return trade


@wraps(import_trade, assigned=("__module__", "__annotations__"))
def record_trade(*args: Any, **kwargs: Any) -> Trade:
    """The old name of import_trade."""
    warnings.warn("record_trade is now import_trade", DeprecationWarning, stacklevel=2)
    return import_trade(*args, **kwargs)


def get_trades(
    user_id: int,
    *,
    order_id: str | None = None,
    symbol: str | None = None,
    broker: str | None = None,
    start_date: date | None = None,
    end_date: date | None = None,
    after: int | None = None,
    limit: int = MOST_ROWS,
    book: Book = LIVE,
    tx: Transaction | None = None,
) -> list[Trade]:
    """The trades of a user, oldest first; the days are Indian, both included.

    At most `limit`, up to 1,000: read on with the id of the last one as `after`, until none comes.
    Raises InvalidInput for an `after` that is no trade of this user, and Conflict for an order_id
    of two brokers without the broker.
    """
    begin, end = day_bounds(start_date, end_date)
    asked = given(order_id=order_id, symbol=symbol, broker=broker, begin=begin, end=end)
    asked["user_id"] = user_id
    most = row_limit("limit", limit)
    with reading(check_book(book).database, tx) as tx:
        if order_id is not None and broker is None:
            only_one(tx.all(get_order_query[book], order_id=order_id, broker=None))
        if after is not None:
            last = tx.one(_get_trade_place[book], id=after, user_id=user_id)
            if last is None:
                raise InvalidInput(
                    "after is not the id of a trade of this user: pass the last one's"
                )
            asked |= {"last_moment": last.traded_at, "last_id": last.id}
        return tx.all(_get_trades(book, frozenset(asked)), **asked, row_limit=most)


def get_daily_pnl(
    user_id: int, date: date, *, book: Book = LIVE, tx: Transaction | None = None
) -> DailyPnl:
    """Turnover, and sells less buys, of an Indian day in rupees; zeros on a day without trades."""
    begin, end = one_day(date)
    with one_statement(check_book(book).database, tx) as tx:
        return expect_one(tx, _get_daily_pnl[book], user_id=user_id, day_begin=begin, day_end=end)


def get_daily_pnl_by_symbol(
    user_id: int, date: date, *, book: Book = LIVE, tx: Transaction | None = None
) -> list[SymbolPnl]:
    """What an Indian day's trades came to, one SymbolPnl for each instrument that was traded.

    In rupees, by what was bought, sold and matched; [] on a day without trades.
    """
    begin, end = one_day(date)
    with one_statement(check_book(book).database, tx) as tx:
        found = tx.all(_get_daily_sums[book], user_id=user_id, day_begin=begin, day_end=end)
    return [_pnl_of(each) for each in found]


def _refuse_what_it_cannot_have(order: Order, row: dict[str, Any]) -> None:
    """An error for a trade of another instrument or owner, and for an order that is open."""
    if differing := [each for each in _OF_ORDER if getattr(order, each) != row[each]]:
        raise Conflict(
            f"trade {row['trade_id']} differs from order {order.order_id} in "
            f"{', '.join(differing)}: give the order that it is of"
        )
    if order.status in OPEN_STATUSES:
        raise IllegalOrderState(
            f"order {order.order_id} is {order.status}: its trades are fills, use record_fill",
            order.order_id,
            order.status,
        )


def _known(row: dict[str, Any], book: Book, tx: Transaction) -> Trade:
    """The stored trade that this one met."""
    imported = row["order_id"] is None
    query = _get_imported_trade if imported else _get_trade
    key = _IMPORTED_KEY if imported else _BOOKED_KEY
    return expect_one(tx, query[book], **{name: row[name] for name in key})


def _pnl_of(sums: _DailySums) -> SymbolPnl:
    bought, sold = sums.buy_quantity, sums.sell_quantity
    matched = min(bought, sold)
    buy_average = sums.buy_value / (1_000_000 * bought) if bought else 0.0
    sell_average = sums.sell_value / (1_000_000 * sold) if sold else 0.0
    return SymbolPnl(
        symbol=sums.symbol,
        exchange=sums.exchange,
        turnover=(sums.buy_value + sums.sell_value) / 1_000_000,
        realized_pnl=(sums.sell_value - sums.buy_value) / 1_000_000,
        buy_quantity=bought,
        buy_average=buy_average,
        sell_quantity=sold,
        sell_average=sell_average,
        net_quantity=bought - sold,
        matched_pnl=matched * (sell_average - buy_average) if matched else 0.0,
    )
