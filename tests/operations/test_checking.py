"""`openalgo-store check`: each difference is named with its row, and nothing else is."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Update, insert, update

from openalgo_store import (
    Book,
    Store,
    adjust_position,
    bulk_update_positions,
    convert_position,
    get_write_session,
    report_order,
)
from openalgo_store.engine.queries import Query
from openalgo_store.operations.checking import check_books
from tests.contract.trading.conftest import TUESDAY, Traded, fill
from tests.support.rows import both_books, contents, new_user, order_row

WEDNESDAY = TUESDAY + timedelta(days=1)


def trade(user: int, symbol: str, book: Book) -> None:
    """A position of three days, with all that positions go through."""
    fill(
        user,
        [Traded(100, 10.0), Traded(-40, 11.0, TUESDAY), Traded(30, 12.5, WEDNESDAY)],
        symbol=symbol,
        product="MIS",
        book=book,
    )
    convert_position(
        user, "zerodha", symbol, "NSE", "MIS", "CNC", 20, converted_at=TUESDAY, book=book
    )
    place: dict[str, Any] = {
        "user_id": user,
        "broker": "zerodha",
        "symbol": symbol,
        "exchange": "NSE",
    }
    report = place | {"product": "CNC", "quantity": 25, "average_price": 10.1, "last_price": 11.0}
    bulk_update_positions([report], reported_at=WEDNESDAY, book=book)
    adjust_position(
        **place, product="MIS", quantity=140, average_price=5.0, reason="split",
        adjusted_at=WEDNESDAY + timedelta(hours=1), book=book,
    )  # fmt: skip
    told = {"filled_quantity": 5, "average_price": 9.5, "reported_at": WEDNESDAY}
    row = order_row(user, f"{symbol}-told", symbol=symbol, product="CNC", status="OPEN")
    report_order(**row | told, book=book)


@pytest.fixture
def traded(store: Store) -> Callable[[Book], int]:
    def trade_in(book: Book) -> int:
        user = new_user()
        for number in range(4):
            trade(user, f"S{number}", book)
        return user

    return trade_in


@both_books
def test_a_book_that_adds_up_has_nothing_to_tell(traded: Callable[[Book], int], book: Book) -> None:
    traded(book)
    assert list(check_books()) == []


@both_books
def test_each_of_twenty_planted_differences_is_named_and_nothing_else(
    traded: Callable[[Book], int], book: Book
) -> None:
    traded(book)
    names = {table.name.removeprefix(book.prefix): table for table in book.tables}
    rows = {name: contents(book)[table.name] for name, table in names.items()}
    planted: list[tuple[str, int]] = []

    def plant(name: str, row: int, **values: Any) -> None:
        table = names[name]
        number = rows[name][row][0]
        changes: Update = (
            update(table)
            .where(table.c.id == number)
            .values({column: table.c[column] + change for column, change in values.items()})
        )
        with get_write_session(book.database) as tx:
            tx.run(Query.of(changes))
        planted.append((table.name, number))

    for row in range(3):
        plant("orders", row, booked_quantity=1)
    for row in range(4, 7):
        plant("orders", row, fill_value=5)
    for row in range(4):
        plant("positions", row, quantity=1)
    for row in range(4):
        plant("position_days", row, sell_quantity=1, buy_quantity=1)
    for row in range(4, 8):
        plant("positions", row, buy_value=3_000_000, sell_value=3_000_000)
    for number in (1, 2):
        stray = rows["position_adjustments"][number]
        columns = names["position_adjustments"].c.keys()
        gone = dict(zip(columns, stray, strict=True)) | {"id": 900 + number, "symbol": "GONE"}
        with get_write_session(book.database) as tx:
            tx.run(Query.of(insert(names["position_adjustments"]).values(gone)))
        planted.append((names["position_adjustments"].name, 900 + number))
    found = {(each.table, each.row_id) for each in check_books()}
    assert found == set(planted)
    assert len(planted) == 20
