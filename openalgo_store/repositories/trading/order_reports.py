"""Orders as their broker has them: what its order book tells is made ours."""

from datetime import datetime
from typing import Any

from ...engine.expected import expect_one
from ...engine.transaction import Transaction
from ...errors import Conflict, InvalidInput
from ...records.trading import Action, Order, OrderStatus, OrderType, Product
from ...sessions import writing
from ...tables.trading import ACTIONS, STATUSES
from ...values import clock
from ...values.arguments import one_of, trimmed
from ...values.days import check_moment, trading_day
from ...values.money import price_of, traded_value
from ...values.numbers import check_quantity, check_whole
from ...values.text import require_text
from ..shapes import given, new_values
from .books import LIVE, Book, BookSql, check_book
from .effective_fills import OrderFills, status_of
from .names import check_instrument
from .order_locks import LockedOrder, find_and_lock_order, lock_order
from .orders import change_order, refuse_rejection
from .position_changes import change_position

_add_reported_order = BookSql("trading/orders.sql", "orders").command("add_reported_order")


def report_order(
    broker: str,
    order_id: str,
    *,
    user_id: int,
    symbol: str,
    exchange: str,
    action: Action,
    quantity: int,
    order_type: OrderType,
    product: Product,
    status: OrderStatus,
    price: float | None = None,
    trigger_price: float | None = None,
    filled_quantity: int = 0,
    average_price: float | None = None,
    placed_at: datetime | None = None,
    strategy: str | None = None,
    exchange_order_id: str | None = None,
    status_message: str | None = None,
    reported_at: datetime | None = None,
    book: Book = LIVE,
    tx: Transaction | None = None,
) -> Order:
    """Make an order what one row of its broker's order book tells; the order as it is now.

    One that is not known (placed in the broker's own app) is created. Status, quantity, prices and
    texts follow; filled_quantity and average_price (rupees) are all that was filled of it so far,
    and count once with its trades, whichever come first. What was filled once stays filled. A
    report older than the last one, by reported_at (by default now), tells of nothing but fills. The
    product follows until something is filled: convert_position moves that.

    Raises Conflict for an order of another user, instrument or side, and for an unknown user
    (LIVE); IllegalOrderState for REJECTED where there are fills; InvalidInput, as for more filled
    than ordered and for filled_quantity without average_price. Nothing is written then.
    """
    trimmed("order_id", order_id)
    check_instrument(broker, symbol, exchange)
    one_of("status", status, STATUSES)
    filled = _check_filled(filled_quantity, check_quantity(quantity), status)
    value = traded_value(filled, _needed(average_price)) if filled else 0
    moment = clock.now() if reported_at is None else check_moment(reported_at)
    trading_day(moment)
    what = {
        "user_id": check_whole(user_id),
        "symbol": require_text("symbol", symbol),
        "exchange": require_text("exchange", exchange),
        "action": one_of("action", action, ACTIONS),
    }
    told = {
        "quantity": quantity,
        "price": price,
        "trigger_price": trigger_price,
        "order_type": order_type,
        "product": product,
    }
    texts = given(
        strategy=strategy, exchange_order_id=exchange_order_id, status_message=status_message
    )
    with writing(check_book(book).database, tx) as tx:
        locked = find_and_lock_order(order_id, broker, book, tx)
        if locked is None:
            tx.run(
                _add_reported_order[book],
                order_id=order_id,
                broker=broker,
                status=status,
                placed_at=moment if placed_at is None else placed_at,
                **{"strategy": None, "exchange_order_id": None, "status_message": None} | texts,
                **what,
                **told,
            )
            locked = lock_order(order_id, broker, book, tx)
        order, before = locked
        if differing := [name for name, value in what.items() if getattr(order, name) != value]:
            raise Conflict(
                f"order {order_id} of {broker} has another {', '.join(differing)} than this report:"
                " it is not the same order"
            )
        after = before.with_report(filled, value, moment)
        is_news = before.reported_at is None or moment >= before.reported_at
        row = _row(locked, after, status, told | texts if is_news else {})
        order = expect_one(
            tx, change_order(book, frozenset(row)), row_id=order.id, **new_values(row)
        )
        change_position(order, before, after, None, book, tx)
    return order


def _row(
    locked: LockedOrder, fills: OrderFills, status: OrderStatus, told: dict[str, Any]
) -> dict[str, Any]:
    """What becomes of an order: nothing but its fills where the report is old."""
    order = locked.order
    row = dict(told)
    if not told:
        status = order.status
    if status == "REJECTED":
        refuse_rejection(order._replace(fill_quantity=fills.quantity))
    if order.fill_quantity:
        row.pop("product", None)
    row |= {
        "status": status_of(status, fills.quantity, row.get("quantity", order.quantity)),
        "fill_quantity": fills.quantity,
        "fill_value": fills.value,
        "fill_price": price_of(fills.value, fills.quantity) if fills.quantity else None,
        "reported_quantity": fills.reported_quantity,
        "reported_value": fills.reported_value,
        "reported_fill_at": fills.reported_fill_at,
        "reported_at": fills.reported_at,
        "reported_points": fills.reported_points,
        "updated_at": clock.now(),
    }
    return row


def _check_filled(filled: int, quantity: int, status: OrderStatus) -> int:
    """How much is told to be filled, if that can be."""
    units = check_whole(filled)
    if not 0 <= units <= quantity:
        raise InvalidInput(f"filled_quantity must be from 0 to the quantity, {quantity}")
    if units and status == "REJECTED":
        raise InvalidInput("a rejected order has nothing filled: report it as CANCELLED")
    return units


def _needed(average_price: float | None) -> float:
    if average_price is None:
        raise InvalidInput("filled_quantity needs average_price, the average of what was filled")
    return average_price
