"""Orders: placed, changed, moved from status to status, and read page by page."""

from collections.abc import Collection
from datetime import date, datetime
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, bindparam, exists, insert, select, update
from sqlalchemy.sql.dml import ReturningInsert

from ...engine.expected import expect_one
from ...engine.pagination import NewestFirst, before, from_place, page_offset, row_limit, split
from ...engine.queries import Query
from ...engine.transaction import Transaction
from ...errors import IllegalOrderState, InvalidInput, NotFound
from ...records.trading import Action, Order, OrderPage, OrderStatus, OrderType, Product
from ...sessions import one_statement, reading, writing
from ...tables.accounts import users
from ...tables.trading import OPEN_STATUSES, STATUSES
from ...tables.types import Whole
from ...values import clock
from ...values.arguments import one_of, only, trimmed
from ...values.days import day_bounds
from ...values.numbers import check_quantity
from ...values.text import require_text
from ..shapes import changed, equal, given, new_values
from .books import BOOKS, LIVE, Book, BookSql, check_book
from .effective_fills import status_of
from .names import check_instrument
from .order_locks import get_order_query, lock_order, only_one

_ENDS = {"COMPLETE", "CANCELLED", "REJECTED", "EXPIRED"}
_MOVES = {"TRIGGER_PENDING": {"OPEN"} | _ENDS, "OPEN": {"TRIGGER_PENDING"} | _ENDS}
"""Where an order may go from here; the other statuses are the end."""
_CHANGEABLE = {"quantity", "price", "trigger_price", "order_type", "product"}
_GIVEN = (
    *("order_id", "user_id", "broker", "symbol", "exchange", "action", "quantity", "price"),
    *("trigger_price", "order_type", "product", "status", "placed_at", "strategy"),
    *("exchange_order_id", "status_message"),
)
"""What create_order writes."""


def _columns(book: Book) -> list[Any]:
    return [book.tables.orders.c[name] for name in Order._fields]


def _adding(book: Book) -> ReturningInsert[Any]:
    """INSERT of an order; where the book has users, of an active one only: else no row comes back.

    One statement, since the order path pays for each round trip.
    """
    orders = book.tables.orders
    row = select(*(bindparam(name, type_=orders.c[name].type).label(name) for name in _GIVEN))
    if book.has_users:
        owner = bindparam("user_id", type_=Whole)
        row = row.where(exists().where(users.c.id == owner, users.c.is_active))
    return insert(orders).from_select(_GIVEN, row).returning(*_columns(book))


_sql = BookSql("trading/orders.sql", "orders")
_newest_first = {
    book: NewestFirst(book.tables.orders.c.placed_at, book.tables.orders.c.id) for book in BOOKS
}
_add_order = {book: Query.of(_adding(book), Order) for book in BOOKS}
_get_open_orders = _sql.query("get_open_orders", Order)


class _Place(NamedTuple):
    """Where an order stands in the history of its user."""

    placed_at: datetime
    id: int


@cache
def change_order(book: Book, columns: frozenset[str]) -> Query[Order]:
    """UPDATE of these columns of the order `row_id`, which is locked."""
    orders = book.tables.orders
    this = orders.c.id == bindparam("row_id", type_=Whole)
    values = changed(orders, columns)
    return Query.of(update(orders).where(this).values(values).returning(*_columns(book)), Order)


@cache
def _get_orders(book: Book, asked: frozenset[str]) -> Query[Order]:
    """At most `row_limit` orders, the newest first, of what is asked for."""
    found = select(*_columns(book)).where(*_rules(book, asked))
    most = bindparam("row_limit", type_=Whole)  # a plain number is taken for one of 32 bits
    return Query.of(_newest_first[book].ordered(found).limit(most), Order)


@cache
def _get_place(book: Book, asked: frozenset[str]) -> Query[_Place]:
    """The place of the order that `row_offset` others precede: the index alone can tell it."""
    order = _newest_first[book]
    found = order.ordered(select(order.moment, order.row_id).where(*_rules(book, asked)))
    after = bindparam("row_offset", type_=Whole)
    return Query.of(found.limit(1).offset(after), _Place)


def _rules(book: Book, asked: Collection[str]) -> list[ColumnElement[bool]]:
    return equal(book.tables.orders, asked) + _newest_first[book].rules(asked)


def create_order(
    order_id: str,
    *,
    user_id: int,
    broker: str,
    symbol: str,
    exchange: str,
    action: Action,
    quantity: int,
    order_type: OrderType,
    product: Product,
    price: float | None = None,
    trigger_price: float | None = None,
    status: OrderStatus = "OPEN",
    placed_at: datetime | None = None,
    strategy: str | None = None,
    exchange_order_id: str | None = None,
    status_message: str | None = None,
    book: Book = LIVE,
    tx: Transaction | None = None,
) -> Order:
    """A new order, unfilled; price and trigger_price in rupees, placed_at by default now.

    Raises Conflict for an order_id that this broker has already; NotFound for an unknown or
    deactivated user (LIVE only); InvalidInput for a quantity below 1, NaN, a naive datetime, an
    unknown word or exchange, blanks around a name. After Unavailable look whether the order is
    there: it may be, if only the answer was lost.
    """
    trimmed("order_id", order_id)
    check_instrument(broker, symbol, exchange)
    with one_statement(check_book(book).database, tx, readonly=False) as tx:
        added = tx.one(
            _add_order[book],
            order_id=order_id,
            user_id=user_id,
            broker=broker,
            symbol=symbol,
            exchange=exchange,
            action=action,
            quantity=quantity,
            price=price,
            trigger_price=trigger_price,
            order_type=order_type,
            product=product,
            status=status,
            placed_at=clock.now() if placed_at is None else placed_at,
            strategy=strategy,
            exchange_order_id=exchange_order_id,
            status_message=status_message,
        )
    if added is None:
        raise NotFound(f"there is no active user {user_id}")
    return added


def get_order(
    order_id: str,
    *,
    broker: str | None = None,
    book: Book = LIVE,
    tx: Transaction | None = None,
) -> Order | None:
    """The order with this id, or None. Conflict for an id of two brokers: pass the broker then."""
    with one_statement(check_book(book).database, tx) as tx:
        return only_one(tx.all(get_order_query[book], order_id=order_id, broker=broker))


def update_order(
    order_id: str,
    *,
    broker: str | None = None,
    book: Book = LIVE,
    tx: Transaction | None = None,
    **changes: Any,
) -> Order:
    """Change quantity, price, trigger_price, order_type or product of an order that is open.

    The order as it is now: lowered to what is filled it is COMPLETE, and a COMPLETE one whose
    quantity is raised is OPEN again. Raises NotFound; IllegalOrderState for one that is no longer
    open; InvalidInput for another column, for a quantity below what is filled, and for another
    product of what is filled (convert_position moves that).
    """
    row = only(_CHANGEABLE, changes, "update_order") | {"updated_at": clock.now()}
    with writing(check_book(book).database, tx) as tx:
        order = lock_order(order_id, broker, book, tx).order
        quantity = check_quantity(changes.get("quantity", order.quantity))
        is_raised = order.status == "COMPLETE" and quantity > order.quantity
        if order.status not in OPEN_STATUSES and not is_raised:
            raise IllegalOrderState(
                f"order {order_id} is {order.status}: only an open order can be changed",
                order_id,
                order.status,
            )
        if quantity < order.fill_quantity:
            raise InvalidInput(
                f"order {order_id} has {order.fill_quantity} filled: its quantity cannot be less"
            )
        if order.fill_quantity and changes.get("product", order.product) != order.product:
            raise InvalidInput(
                f"order {order_id} has {order.fill_quantity} filled: move those by "
                "convert_position, and place another order for the rest"
            )
        told: OrderStatus = "OPEN" if is_raised else order.status
        row["status"] = status_of(told, order.fill_quantity, quantity)
        change = change_order(book, frozenset(row))
        return expect_one(tx, change, row_id=order.id, **new_values(row))


def update_order_status(
    order_id: str,
    status: OrderStatus,
    status_message: str | None = None,
    *,
    broker: str | None = None,
    book: Book = LIVE,
    tx: Transaction | None = None,
) -> Order:
    """Move an order to a status; status_message tells why. The same again changes nothing.

    TRIGGER_PENDING and OPEN lead to each other and on; COMPLETE, CANCELLED, REJECTED and EXPIRED (a
    DAY order whose day is over) are the end. An order that has fills cannot be rejected. Raises
    NotFound, Conflict for an id of two brokers, and IllegalOrderState with both statuses.
    """
    one_of("status", status, STATUSES)
    if status_message is not None:
        require_text("status_message", status_message)
    with writing(check_book(book).database, tx) as tx:
        order = lock_order(order_id, broker, book, tx).order
        if order.status == status and status_message in (None, order.status_message):
            return order
        if order.status != status:
            _refuse_the_move(order, status)
        row = given(status=status, status_message=status_message, updated_at=clock.now())
        move = change_order(book, frozenset(row))
        return expect_one(tx, move, row_id=order.id, **new_values(row))


def _refuse_the_move(order: Order, status: OrderStatus) -> None:
    if status not in _MOVES.get(order.status, ()):
        raise IllegalOrderState(
            f"order {order.order_id} is {order.status} and cannot become {status}",
            order.order_id,
            order.status,
        )
    if status == "REJECTED":
        refuse_rejection(order)


def refuse_rejection(order: Order) -> None:
    """IllegalOrderState for an order that has fills: what was executed was not rejected."""
    if order.fill_quantity:
        raise IllegalOrderState(
            f"order {order.order_id} is {order.status} with {order.fill_quantity} filled and "
            "cannot become REJECTED: cancel what is left",
            order.order_id,
            order.status,
        )


def get_open_orders(
    user_id: int, *, book: Book = LIVE, tx: Transaction | None = None
) -> list[Order]:
    """The orders of a user that are TRIGGER_PENDING or OPEN, newest first."""
    with one_statement(check_book(book).database, tx) as tx:
        return tx.all(_get_open_orders[book], user_id=user_id)


def get_order_history(
    user_id: int,
    page: int = 1,
    per_page: int = 50,
    *,
    status: OrderStatus | None = None,
    symbol: str | None = None,
    broker: str | None = None,
    start_date: date | None = None,
    end_date: date | None = None,
    book: Book = LIVE,
    tx: Transaction | None = None,
) -> list[Order]:
    """A numbered page of the orders of a user, newest first; the days are Indian, both included.

    A far page must be counted to: `get_orders_after` goes on from page to page at no such cost.
    Raises InvalidInput for a page below 1, and for a per_page outside 1 to 1,000.
    """
    begin, end = day_bounds(start_date, end_date)
    asked = given(status=status, symbol=symbol, broker=broker, begin=begin) | {"user_id": user_id}
    newest = before(end, None)
    offset, most = page_offset(page, per_page), row_limit("per_page", per_page)
    with reading(check_book(book).database, tx) as tx:
        if offset:
            place = asked | newest
            query = _get_place(book, frozenset(place))
            first = tx.one(query, **place, row_offset=offset)
            if first is None:
                return []
            newest = from_place(*first)
        asked |= newest
        return tx.all(_get_orders(book, frozenset(asked)), **asked, row_limit=most)


def get_orders_after(
    user_id: int,
    cursor: str | None = None,
    limit: int = 50,
    *,
    status: OrderStatus | None = None,
    symbol: str | None = None,
    broker: str | None = None,
    start_date: date | None = None,
    end_date: date | None = None,
    book: Book = LIVE,
    tx: Transaction | None = None,
) -> OrderPage:
    """The orders of a user that follow a cursor, newest first; without one the newest.

    Each page costs the same, and none shows an order twice while new ones come in. Raises
    InvalidInput for a cursor that is not one, and for a limit outside 1 to 1,000.
    """
    begin, end = day_bounds(start_date, end_date)
    asked = given(status=status, symbol=symbol, broker=broker, begin=begin) | {"user_id": user_id}
    asked |= before(end, cursor)
    limit = row_limit("limit", limit)
    with one_statement(check_book(book).database, tx) as tx:
        one_more = _get_orders(book, frozenset(asked))
        rows = tx.all(one_more, **asked, row_limit=limit + 1)
    return OrderPage(*split(rows, limit, "placed_at"))
