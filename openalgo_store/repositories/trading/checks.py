"""Whether a book adds up: orders by their trades, positions by all that they are made of."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from itertools import groupby
from typing import Any, NamedTuple

from ...engine.transaction import Transaction
from ...records.trading import BookDifference, PositionAdjustment, Product
from ...tables.trading import OPEN_STATUSES
from ...values.days import one_day, trading_day
from .books import Book, BookSql
from .effective_fills import OrderFills
from .position_fold import Traded, fold_day
from .position_ledger import Place, read_adjustments, read_closed_days, read_fills
from .position_pool import Pool

_FIRST, _LAST = one_day(date(1970, 1, 1))[0], one_day(date(9000, 1, 1))[1]


class _Order(NamedTuple):
    """An order that does not add up, and what its trades come to."""

    id: int
    broker: str
    order_id: str
    status: str
    quantity: int
    fill_quantity: int
    fill_value: int
    booked_quantity: int
    booked_value: int
    reported_quantity: int
    reported_value: int
    traded_quantity: int
    traded_value: int


class _Trade(NamedTuple):
    """A trade that does not fit."""

    id: int
    broker: str
    order_id: str | None
    trade_id: str
    symbol: str
    exchange: str
    product: Product


class _Part(NamedTuple):
    """A day or an adjustment of a position that is not there."""

    part: str
    id: int
    broker: str
    symbol: str
    exchange: str
    product: Product


_POSITION = (
    *("id", "user_id", "broker", "symbol", "exchange", "product", "quantity", "average_price"),
    *("day_quantity", "trading_day"),
)
_orders = BookSql("trading/checks.sql", "orders")
_find_wrong_orders = _orders.query("find_wrong_orders", _Order)
_trades = BookSql("trading/checks.sql", "trades")
_find_strays = _trades.query("find_trades_without_position", _Trade)
_find_unlike = _trades.query("find_trades_unlike_their_orders", _Trade)
_positions = BookSql("trading/checks.sql", "positions")
_get_every_position = _positions.rows("get_every_position", (*_POSITION, *Pool._fields))
_find_parts = _positions.query("find_parts_without_position", _Part)


def check_book_sums(book: Book, tx: Transaction) -> Iterator[BookDifference]:
    """What does not add up in a book; it takes one snapshot that holds still, as of a read session.

    Each difference names the table, the id of the row and what is wrong with it.
    """
    tables = book.tables
    for order in tx.all(_find_wrong_orders[book]):
        where = f"order {order.order_id} of {order.broker}"
        yield BookDifference(tables.orders.name, order.id, f"{where}: {_wrong_with(order)}")
    for trade in tx.all(_find_unlike[book]):
        what = f"trade {trade.trade_id} is of another user, instrument or side than order "
        yield BookDifference(tables.trades.name, trade.id, f"{what}{trade.order_id}")
    for trade in tx.all(_find_strays[book]):
        what = f"trade {trade.trade_id} of order {trade.order_id} is in no position: "
        place = f"{trade.symbol} {trade.exchange} {trade.product} at {trade.broker}"
        yield BookDifference(tables.trades.name, trade.id, what + place)
    for part in tx.all(_find_parts[book]):
        place = f"{part.symbol} {part.exchange} {part.product} at {part.broker}"
        yield BookDifference(f"{book.prefix}{part.part}", part.id, f"no position has it: {place}")
    for _, rows in groupby(tx.all(_get_every_position[book]), key=lambda row: row[1:5]):
        yield from _check_instrument(list(rows), book, tx)


def _wrong_with(order: _Order) -> str:
    """The first thing that is wrong with an order."""
    if (order.booked_quantity, order.booked_value) != (order.traded_quantity, order.traded_value):
        return (
            f"{order.booked_quantity} are booked, and its trades are {order.traded_quantity}"
            if order.booked_quantity != order.traded_quantity
            else "the value that is booked is not that of its trades"
        )
    fills = OrderFills(
        order.booked_quantity, order.booked_value, order.reported_quantity, order.reported_value
    )
    if (order.fill_quantity, order.fill_value) != (fills.quantity, fills.value):
        return (
            f"{order.fill_quantity} are filled, and {fills.quantity} are by its trades and reports"
            if order.fill_quantity != fills.quantity
            else "the value that is filled is not that of its trades and reports"
        )
    if order.status in OPEN_STATUSES:
        return f"it is {order.status}, and all {order.quantity} are filled"
    return f"it is {order.status}, and {order.fill_quantity} are filled"


def _check_instrument(rows: list[Any], book: Book, tx: Transaction) -> Iterator[BookDifference]:
    """The positions of one instrument, row by row and day by day."""
    place: Place = dict(zip(_POSITION[1:5], rows[0][1:5], strict=True))
    tables = book.tables
    days: dict[date, dict[Product, tuple[str, int, Pool]]] = defaultdict(dict)
    for row in rows:
        named = dict(zip(_POSITION, row, strict=False))
        pool = Pool._make(row[len(_POSITION) :])
        days[named["trading_day"]][named["product"]] = (tables.positions.name, named["id"], pool)
        for closed in read_closed_days(place, named["product"], date(1970, 1, 1), book, tx):
            found = (tables.position_days.name, closed.id, closed.pool)
            days[closed.trading_day][named["product"]] = found
        if what := _wrong_row(named, pool):
            yield BookDifference(tables.positions.name, named["id"], f"{_name(named)}: {what}")
    yield from _check_days(place, days, book, tx)


def _check_days(
    place: Place,
    days: dict[date, dict[Product, tuple[str, int, Pool]]],
    book: Book,
    tx: Transaction,
) -> Iterator[BookDifference]:
    """Each day from what the day before it should have been: what is wrong is told where it is."""
    fills: dict[date, list[Traded]] = defaultdict(list)
    for fill in read_fills(place, _FIRST, _LAST, book, tx):
        fills[trading_day(fill.traded_at)].append(fill)
    adjustments: dict[date, list[PositionAdjustment]] = defaultdict(list)
    for each in read_adjustments(place, _FIRST, book, tx):
        adjustments[trading_day(each.adjusted_at)].append(each)
    carried = {
        each.product: day
        for day, of_day in adjustments.items()
        for each in of_day
        if each.kind == "CARRIED_OVER"
    }
    before: dict[Product, Pool] = {}
    for day in sorted({*days, *fills, *adjustments}):
        stored = days[day]
        opening = {product: pool.carried() for product, pool in before.items()}
        for product, (_, _, pool) in stored.items():
            if product not in opening:  # what an older version realised is not known
                opening[product] = Pool(realized_value=pool.realized_value - pool.realized_today)
        told = fold_day(opening, fills[day], adjustments[day]).pools
        moved = {each.product for each in fills[day]} | {
            product for a in adjustments[day] for product in (a.product, a.to_product) if product
        }
        unknown = {product for product, since in carried.items() if day < since}
        for product in sorted(moved - stored.keys() - unknown):
            yield BookDifference(
                book.tables.position_days.name,
                None,
                f"{_name({**place, 'product': product})}: {day} has fills or adjustments, no row",
            )
        for product, (table, row_id, pool) in stored.items():
            if product in unknown:  # before an older version was taken over as it was
                continue
            if pool != told[product]:
                what = _unlike(pool, told[product])
                name = _name({**place, "product": product})
                yield BookDifference(table, row_id, f"{name} on {day}: {what}")
            before[product] = told[product]


def _wrong_row(row: dict[str, Any], pool: Pool) -> str | None:
    """What does not follow from the sums of a row."""
    if row["quantity"] != pool.quantity:
        return f"its quantity is {row['quantity']}, and its sums say {pool.quantity}"
    if abs((row["average_price"] or 0.0) - pool.average_price) > 0.000001:
        return f"its average is {row['average_price']}, and its sums say {pool.average_price}"
    if row["day_quantity"] != pool.quantity - pool.overnight_quantity:
        return f"day and overnight quantity are not the {pool.quantity} that it has"
    return None


def _unlike(stored: Pool, told: Pool) -> str:
    """The first sum that is not what was traded, carried and adjusted."""
    for name, is_so, should_be in zip(Pool._fields, stored, told, strict=True):
        if is_so != should_be:
            return f"{name} is {is_so}, and by its trades and adjustments {should_be}"
    raise AssertionError("they are equal")


def _name(row: Any) -> str:
    return f"{row['symbol']} {row['exchange']} {row['product']} at {row['broker']}"
