"""Orders, locked: whoever changes one, or what belongs to it, reads it so first."""

from collections.abc import Sequence
from typing import NamedTuple

from ...engine.transaction import Transaction
from ...errors import Conflict, NotFound
from ...records.trading import Order
from .books import Book, BookSql
from .effective_fills import OrderFills

_COLUMNS = (*Order._fields, *OrderFills._fields)
_orders = BookSql("trading/orders.sql", "orders")
_lock_order = _orders.rows("lock_order", _COLUMNS)
get_order_query = _orders.query("get_order", Order)


class LockedOrder(NamedTuple):
    """An order, and the two sums of what was filled of it."""

    order: Order
    fills: OrderFills


def lock_order(order_id: str, broker: str | None, book: Book, tx: Transaction) -> LockedOrder:
    """The order, which nobody else changes until the session ends; NotFound without one.

    Without a broker the id must be of one broker only: else Conflict.
    """
    order = find_and_lock_order(order_id, broker, book, tx)
    if order is None:
        at_broker = "" if broker is None else f" at {broker}"
        raise NotFound(f"there is no order {order_id}{at_broker}")
    return order


def find_and_lock_order(
    order_id: str, broker: str | None, book: Book, tx: Transaction
) -> LockedOrder | None:
    """The same, or None."""
    rows = tx.all(_lock_order[book], order_id=order_id, broker=broker)
    places = len(Order._fields)
    order = only_one([Order._make(each[:places]) for each in rows])
    return None if order is None else LockedOrder(order, OrderFills._make(rows[0][places:]))


def only_one(orders: Sequence[Order]) -> Order | None:
    """The order of an id, if one broker alone has it; None without any."""
    if len(orders) > 1:
        raise Conflict(
            f"the order id {orders[0].order_id} is one of each of "
            f"{', '.join(sorted(each.broker for each in orders))}: pass the broker with it"
        )
    return orders[0] if orders else None
