"""Orders, locked: whoever changes one, or what belongs to it, reads it so first."""

from ...engine.transaction import Transaction
from ...errors import NotFound
from ...records.trading import Order
from .books import Book, BookSql

_lock_order = BookSql("trading/orders.sql", "orders").query("lock_order", Order)


def lock_order(order_id: str, book: Book, tx: Transaction) -> Order:
    """The order, which nobody else changes until the session ends; NotFound without one."""
    order = find_and_lock_order(order_id, book, tx)
    if order is None:
        raise NotFound(f"there is no order {order_id}")
    return order


def find_and_lock_order(order_id: str, book: Book, tx: Transaction) -> Order | None:
    """The same, or None."""
    return tx.one(_lock_order[book], order_id=order_id)
