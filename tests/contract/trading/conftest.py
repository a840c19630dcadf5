"""Whose books the tests look at, and how positions come to be."""

from datetime import datetime, timedelta
from typing import NamedTuple

import pytest

from openalgo_store import Book, Position, Store, Transaction, create_order, record_fill
from tests.support.rows import MONDAY, new_user, order_row

TUESDAY = MONDAY + timedelta(days=1)


class Traded(NamedTuple):
    """A fill: units bought (less than 0: sold), at which price, when."""

    units: int
    price: float
    at: datetime = MONDAY


def fill(
    user: int,
    traded: list[Traded],
    *,
    book: Book,
    symbol: str = "SBIN",
    product: str = "CNC",
    name: str = "",
    tx: Transaction | None = None,
) -> Position:
    """The position after these fills, each of an order of its own."""
    position: Position | None = None
    for number, (units, price, at) in enumerate(traded):
        order_id, action = f"{symbol}-{name}{number}", "BUY" if units > 0 else "SELL"
        row = order_row(user, order_id, symbol=symbol, action=action, quantity=abs(units))
        create_order(**row | {"product": product}, book=book, tx=tx)
        position = record_fill(order_id, "T", abs(units), price, at, book=book, tx=tx).position
    assert position is not None
    return position


@pytest.fixture
def user(store: Store) -> int:
    """Asha, a new user."""
    return new_user()
