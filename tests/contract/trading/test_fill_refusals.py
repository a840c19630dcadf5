"""Fills that are refused: one clear error, and nothing of them is kept."""

import math
from datetime import UTC, datetime, tzinfo
from typing import Any

import pytest

from openalgo_store import (
    Book,
    Conflict,
    IllegalOrderState,
    InvalidInput,
    NotFound,
    SessionMisuse,
    TransactionFailed,
    create_order,
    get_positions,
    get_read_session,
    get_write_session,
    record_fill,
)
from tests.support.rows import (
    MONDAY,
    ODD_TEXTS,
    add_order,
    both_books,
    contents,
    order_row,
)


class NoOffset(tzinfo):
    """A time zone that does not say what time it is there."""

    def utcoffset(self, moment: datetime | None) -> None:
        return None

    dst = tzname = utcoffset


BAD_FILLS: list[tuple[dict[str, Any], str]] = [
    ({"quantity": 0}, "a quantity must be 1 or more"),
    ({"quantity": -1}, "a quantity must be 1 or more"),
    ({"quantity": True}, "a whole number is needed, not bool"),
    ({"quantity": 1.0}, "a whole number is needed, not float"),
    ({"quantity": "1"}, "a whole number is needed, not str"),
    ({"quantity": 2**61}, "more than a book can add up"),
    ({"quantity": 2**70}, "a whole number of more than 64 bits"),
    ({"price": math.nan}, "NaN and infinity"),
    ({"price": -math.inf}, "NaN and infinity"),
    ({"price": 10**400}, "more digits than a double holds"),
    ({"price": "812"}, "a number is needed, not str"),
    ({"price": None}, "a number is needed, not NoneType"),
    ({"price": 0}, "a trade at the price 0: book it when its price is known"),
    ({"price": -0.0}, "a trade at the price 0"),
    ({"price": 0.0000004}, "a trade at the price 0"),
    ({"price": 2e12, "quantity": 2}, "more than a book can add up"),
    ({"price": -1e300}, "more than two million million rupees"),
    ({"price": 1e308}, "more than two million million rupees"),
    ({"traded_at": datetime(2026, 3, 2, 9, 30)}, "has no time zone"),
    ({"traded_at": datetime.max.replace(tzinfo=UTC)}, "date value out of range"),
    ({"traded_at": MONDAY.date()}, "a datetime is needed, not date"),
    ({"traded_at": datetime(2026, 3, 2, 9, 30, tzinfo=NoOffset())}, "has no time zone"),
    ({"traded_at": datetime(9001, 1, 1, tzinfo=UTC)}, "not one of this market"),
    ({"trade_id": ""}, "the trade_id is empty"),
    ({"trade_id": " \t"}, "the trade_id is empty"),
    ({"trade_id": "T" * 51}, "text of 51 characters where the column holds 50"),
    ({"trade_id": "T\0"}, "text with a NUL character"),
    ({"trade_id": 7}, "text is needed, not int"),
    ({"order_id": 7}, "text is needed, not int"),
]


@both_books
def test_a_bad_fill_is_one_clear_error_and_leaves_nothing(user: int, book: Book) -> None:
    add_order(user, "A1", book=book)
    record_fill("A1", "T1", 40, 812.0, MONDAY, book=book)
    good: dict[str, Any] = {
        "order_id": "A1", "trade_id": "T2", "quantity": 1, "price": 812.0, "traded_at": MONDAY,
    }  # fmt: skip
    before = contents(book)
    for change, message in BAD_FILLS:
        with pytest.raises(InvalidInput, match=message):
            record_fill(**good | change, book=book)
    assert contents(book) == before
    with get_write_session(book.database) as tx:  # nothing was sent: the session goes on
        for change, message in BAD_FILLS:
            with pytest.raises(InvalidInput, match=message):
                record_fill(**good | change, book=book, tx=tx)
    assert contents(book) == before


@both_books
def test_a_fill_that_its_order_cannot_take_leaves_nothing(user: int, book: Book) -> None:
    add_order(user, "A1", book=book)
    add_order(user, "A2", book=book, status="REJECTED")
    record_fill("A1", "T1", 40, 812.0, MONDAY, book=book)
    before = contents(book)

    def refuse(tx: Any) -> None:
        with pytest.raises(IllegalOrderState, match="A2 is REJECTED and cannot be fi") as raised:
            record_fill("A2", "T1", 1, 812.0, MONDAY, book=book, tx=tx)
        assert (raised.value.order_id, raised.value.status) == ("A2", "REJECTED")
        for name in ("A3", "", *ODD_TEXTS):
            with pytest.raises(NotFound, match="there is no order"):
                record_fill(name, "T1", 1, 812.0, MONDAY, book=book, tx=tx)
        with pytest.raises(Conflict, match="trade T1 of order A1"):
            record_fill("A1", "T1", 41, 812.0, MONDAY, book=book, tx=tx)

    refuse(None)
    with get_write_session(book.database) as tx:
        refuse(tx)
    assert contents(book) == before
    with get_read_session(book.database) as tx:
        with pytest.raises(SessionMisuse, match="a read session cannot write"):
            record_fill("A1", "T2", 1, 812.0, MONDAY, book=book, tx=tx)
    with pytest.raises(TransactionFailed), get_write_session(book.database) as tx:
        with pytest.raises(InvalidInput, match=r"trades\.trade_id needs a value"):
            record_fill("A1", None, 1, 812.0, MONDAY, book=book, tx=tx)  # type: ignore[arg-type]
    assert contents(book) == before


@both_books
def test_sums_stop_before_they_overflow(user: int, book: Book) -> None:
    """Nearly 2**61 each: beyond two of them nothing is bought, by both engines alike."""
    most, price = 2**61 - 1, 0.000001
    for number in range(3):
        add_order(user, f"B{number}", book=book, quantity=most)
        add_order(user, f"S{number}", book=book, quantity=most, action="SELL")
    for name in ("B0", "S0", "B1"):
        record_fill(name, "T", most, price, MONDAY, book=book)
    before = contents(book)
    with pytest.raises(InvalidInput, match="the position in SBIN has grown beyond"):
        record_fill("B2", "T", 2, price, MONDAY, book=book)
    with pytest.raises(TransactionFailed), get_write_session(book.database) as tx:
        with pytest.raises(InvalidInput, match="the position in SBIN has grown beyond"):
            record_fill("B2", "T", 2, price, MONDAY, book=book, tx=tx)
    assert contents(book) == before
    (position,) = get_positions(user, day=MONDAY.date(), book=book)
    assert (position.buy_quantity, position.buy_value) == (2 * most, 2 * most)
    assert (position.quantity, position.average_price) == (most, price)
    assert record_fill("S1", "T", most, price, MONDAY, book=book).position == position._replace(
        quantity=0,
        average_price=0.0,
        day_quantity=0,
        sell_quantity=2 * most,
        sell_value=2 * most,
    )


@both_books
def test_each_sum_stops_before_it_overflows(user: int, book: Book) -> None:
    """Values alone, above and below zero (2**61 are 2.306e12 rupees)."""
    for number, price in enumerate((2.3e12, -2.3e12)):
        for action in ("BUY", "SELL"):
            name = f"{action}{number}"
            for order_id in (name, f"{name} more"):
                create_order(**order_row(user, order_id, symbol=name, action=action), book=book)
            for fill in range(2):
                record_fill(name, f"T{fill}", 1, price, MONDAY, book=book)
            before = contents(book)
            with pytest.raises(InvalidInput, match=f"the position in {name} has grown beyond"):
                record_fill(f"{name} more", "T", 1, price / 100, MONDAY, book=book)
            assert contents(book) == before


@both_books
def test_the_sum_of_an_order_stops_though_its_position_has_room(user: int, book: Book) -> None:
    """In one position, so that what one order adds the other takes away."""
    for name in ("UP", "DOWN"):
        create_order(**order_row(user, name, quantity=9), book=book)
    for number in range(2):
        record_fill("UP", f"T{number}", 1, 2e12, MONDAY, book=book)
        record_fill("DOWN", f"T{number}", 1, -2e12, MONDAY, book=book)
    before = contents(book)
    with pytest.raises(InvalidInput, match="the fills of order UP are beyond"):
        record_fill("UP", "T2", 1, 2e12, MONDAY, book=book)
    with pytest.raises(TransactionFailed), get_write_session(book.database) as tx:
        with pytest.raises(InvalidInput, match="the fills of order UP are beyond"):
            record_fill("UP", "T2", 1, 2e12, MONDAY, book=book, tx=tx)
    assert contents(book) == before
