"""Numbers as callers have them: a Decimal, numpy's; what is none, or is not whole, is refused."""

import math
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from openalgo_store import (
    Book,
    InvalidInput,
    bulk_update_holdings,
    bulk_update_positions,
    create_order,
    get_holdings,
    get_open_orders,
    get_order,
    get_order_history,
    get_orders_after,
    get_positions,
    get_trades,
    import_trade,
    record_fill,
    report_order,
    update_order,
)
from tests.support.rows import MONDAY, add_order, both_books, contents, order_row, trade_row

WHOLE: list[Callable[[int], Any]] = [
    *(Decimal, np.int8, np.int32, np.int64, np.uint8, np.uint64),
    lambda number: Decimal(f"{number}.00"),
    lambda number: Decimal(f"0.{number}e{len(str(number))}"),
]
"""What makes the same whole number as another type."""
REAL: list[Callable[[str], Any]] = [Decimal, np.float32, np.float64, np.longdouble, float]
"""The same for a price."""

NOT_WHOLE: list[tuple[Any, str]] = [
    (True, "a whole number is needed, not bool"),
    (np.True_, "a whole number is needed, not bool"),
    (1.0, "a whole number is needed, not float"),
    (np.float64(1), "a whole number is needed, not float64"),
    (np.float32(1), "a whole number is needed, not float32"),
    (np.array([1]), "a whole number is needed, not ndarray"),
    (np.datetime64(1, "s"), "a whole number is needed, not datetime64"),
    (Decimal("1.5"), "a Decimal that is no whole number of 64 bits: round it first"),
    (Decimal("NaN"), "a Decimal that is no whole number"),
    (Decimal("sNaN"), "a Decimal that is no whole number"),
    (Decimal("-Infinity"), "a Decimal that is no whole number"),
    (Decimal("1e999999"), "a Decimal that is no whole number"),
    (Decimal(2**63), "a whole number of more than 64 bits"),
    (np.uint64(2**63), "a whole number of more than 64 bits"),
    (np.int64(-1), "a quantity must be 1 or more"),
    (Decimal(0), "a quantity must be 1 or more"),
]
NOT_REAL: list[tuple[Any, str]] = [
    (True, "a number is needed, not bool"),
    (np.False_, "a number is needed, not bool"),
    (np.complex128(1), "a number is needed, not complex128"),
    (1 + 0j, "a number is needed, not complex"),
    (np.array(1.0), "a number is needed, not ndarray"),
    (Decimal("NaN"), "NaN and infinity are not numbers"),
    (Decimal("sNaN"), "NaN and infinity are not numbers"),
    (Decimal("Infinity"), "NaN and infinity are not numbers"),
    (Decimal("1e400"), "NaN and infinity are not numbers"),
    (np.float32(math.nan), "NaN and infinity are not numbers"),
    (np.float64(-math.inf), "NaN and infinity are not numbers"),
]


@both_books
def test_whole_numbers_of_any_type_are_taken_as_they_are(user: int, book: Book) -> None:
    for number, whole in enumerate(WHOLE):
        name = f"A{number}"
        order = add_order(whole(user), name, book=book, quantity=whole(100), symbol=name)
        assert get_order(name, book=book) == order
        assert (order.quantity, type(order.quantity), order.user_id) == (100, int, user)
        assert update_order(name, quantity=whole(120), book=book).quantity == 120
        with pytest.raises(InvalidInput, match="a quantity must be 1 or more"):
            update_order(name, quantity=whole(0), book=book)
        fill = record_fill(name, "T1", whole(100), 2.5, MONDAY, book=book)
        assert (fill.order.fill_quantity, fill.trade.quantity) == (100, 100)
        assert not record_fill(name, "T1", whole(100), 2.5, MONDAY, book=book).recorded
        with pytest.raises(InvalidInput, match="has 100 filled: its quantity cannot be less"):
            update_order(name, quantity=whole(99), book=book)
        key = {"user_id": whole(user), "broker": "zerodha", "symbol": name, "exchange": "NSE"}
        assert bulk_update_holdings([key | {"quantity": whole(7)}], book=book) == 1
        report = key | {"product": "CNC", "quantity": whole(9), "day_quantity": whole(4)}
        (correction,) = bulk_update_positions([report], book=book)
        assert (correction.quantity, correction.overnight_quantity) == (9, 5)
        known = dict(zip(("order_id", "filled_quantity"), (name, whole(101)), strict=True))
        told = order_row(whole(user), symbol=name, quantity=whole(120), **known, status="OPEN")
        assert report_order(**told, average_price=2.5, book=book).fill_quantity == 101
        assert [each.symbol for each in get_orders_after(whole(user), None, whole(1), book=book)[0]
                ] == [name]  # fmt: skip
        assert get_order_history(whole(user), whole(1), whole(1), book=book)[0].symbol == name
        last = get_trades(whole(user), limit=whole(100), book=book)[-1]
        assert get_trades(user, after=whole(last.id), book=book) == []
    assert {each.quantity for each in get_holdings(user, book=book)} == {7}
    positions = get_positions(user, book=book)
    held = {(each.quantity, each.day_quantity) for each in positions}
    assert held == {(10, 5)}  # as reported, and what was filled since
    assert len(get_open_orders(user, book=book)) == len(WHOLE)


@both_books
def test_prices_of_any_type_are_taken_to_the_millionth(user: int, book: Book) -> None:
    for number, real in enumerate(REAL):
        name = f"A{number}"
        order = add_order(user, name, book=book, price=real("8.1"), trigger_price=real("-0.25"))
        assert order.price == pytest.approx(8.1, abs=5e-7)
        assert order.price == round(float(real("8.1")), 6)
        assert (type(order.price), order.trigger_price) == (float, -0.25)
        fill = record_fill(name, "T1", 10, real("100.5"), MONDAY, book=book)
        assert (fill.trade.price, fill.order.fill_price) == (100.5, 100.5)
        assert not record_fill(name, "T1", 10, 100.5, MONDAY, book=book).recorded
        row = trade_row(user, name, price=real("100.5"))
        assert import_trade(**row, book=book) == import_trade(**row, book=book)
        key = {"user_id": user, "broker": "zerodha", "symbol": "SBIN", "exchange": "NSE"}
        bulk_update_holdings([key | {"last_price": real("9.5"), "pnl": real("-2")}], book=book)
        bulk_update_positions([key | {"product": "CNC", "last_price": real("9.5")}], book=book)
        (holding,) = get_holdings(user, book=book)
        (position,) = get_positions(user, book=book)
        assert (holding.last_price, holding.pnl, position.last_price) == (9.5, -2.0, 9.5)


@both_books
def test_what_is_no_such_number_is_refused_and_nothing_is_written(user: int, book: Book) -> None:
    order = add_order(user, "A1", book=book)
    before = contents(book)
    given = order._asdict() | {"order_id": "A2"}
    for name in ("id", "fill_price", "fill_quantity", "updated_at"):
        del given[name]
    fill = {"order_id": "A1", "trade_id": "T1", "quantity": 1, "price": 1.0, "traded_at": MONDAY}
    writes: list[tuple[Callable[..., object], dict[str, Any]]] = [
        (create_order, given),
        (report_order, given),
        (record_fill, fill),
        (import_trade, trade_row(user, "T1")),
        (update_order, {"order_id": "A1"}),
    ]
    for write, row in writes:
        for column, table in (("quantity", NOT_WHOLE), ("price", NOT_REAL)):
            for bad, message in table:
                with pytest.raises(InvalidInput, match=message):
                    write(**row | {column: bad}, book=book)
    for bad, message in NOT_REAL:
        for report in (bulk_update_holdings, bulk_update_positions):
            with pytest.raises(InvalidInput, match=f"row 1: pnl: {message}"):
                report([{"user_id": user, "pnl": bad}], book=book)
    assert contents(book) == before
