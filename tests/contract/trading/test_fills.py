"""Fills: trade, order and position at once, once each, or none of them."""

from collections.abc import Callable
from datetime import timedelta
from fractions import Fraction
from typing import Any

import pytest

from openalgo_store import (
    Book,
    Conflict,
    Fill,
    Position,
    Trade,
    get_order,
    get_positions,
    get_trades,
    get_write_session,
    import_trade,
    record_fill,
    update_order,
    update_order_status,
)
from tests.support.rows import (
    MONDAY,
    add_order,
    both_books,
    contents,
    trade_row,
)

# What a fill does


@both_books
def test_a_fill_is_a_trade_and_goes_into_its_order_and_position(user: int, book: Book) -> None:
    order = add_order(user, "A1", book=book, product="MIS")
    fill = record_fill("A1", "T1", 40, 812.3, MONDAY, book=book)
    assert fill.recorded
    assert fill.trade == Trade(
        id=fill.trade.id, trade_id="T1", order_id="A1", user_id=user, broker="zerodha",
        symbol="SBIN", exchange="NSE", action="BUY", product="MIS", quantity=40, price=812.3,
        traded_at=MONDAY,
    )  # fmt: skip
    assert fill.order == order._replace(
        status="OPEN", fill_quantity=40, fill_price=812.3, updated_at=fill.order.updated_at
    )
    assert fill.order.updated_at is not None
    assert fill.position is not None
    assert fill.position == Position(
        id=fill.position.id, user_id=user, broker="zerodha", symbol="SBIN", exchange="NSE",
        product="MIS", quantity=40, average_price=812.3, last_price=None, pnl=0.0,
        day_quantity=40, overnight_quantity=0, buy_quantity=40, buy_value=32_492_000_000,
        sell_quantity=0, sell_value=0, trading_day=MONDAY.date(), realized_pnl=0.0,
    )  # fmt: skip
    assert get_order("A1", book=book) == fill.order
    assert get_trades(user, book=book) == [fill.trade]
    assert get_positions(user, day=MONDAY.date(), book=book) == [fill.position]


@both_books
def test_an_order_is_open_until_the_last_unit_is_filled(user: int, book: Book) -> None:
    for status in ("TRIGGER_PENDING", "OPEN"):
        add_order(user, status, book=book, status=status)
        statuses = [
            record_fill(status, f"T{number}", 25, 812.0, MONDAY, book=book).order.status
            for number in range(4)
        ]
        assert statuses == ["OPEN", "OPEN", "OPEN", "COMPLETE"]
    add_order(user, "at once", book=book, status="TRIGGER_PENDING")
    assert record_fill("at once", "T1", 100, 812.0, MONDAY, book=book).order.status == "COMPLETE"


@both_books
def test_a_fill_that_comes_after_the_end_is_booked_and_the_status_stays(
    user: int, book: Book
) -> None:
    for status in ("CANCELLED", "COMPLETE", "EXPIRED"):
        add_order(user, status, book=book)
        record_fill(status, "T1", 10, 812.0, MONDAY, book=book)
        update_order_status(status, status, book=book)
        for name, quantity, filled in (("T2", 30, 40), ("T3", 70, 110)):  # beyond 100 too
            fill = record_fill(status, name, quantity, 812.0, MONDAY, book=book)
            assert (fill.recorded, fill.order.status) == (True, status)
            assert fill.order.fill_quantity == filled
    (position,) = get_positions(user, book=book)
    assert position.quantity == 330


@both_books
def test_the_average_price_of_an_order_is_that_of_whole_sums(user: int, book: Book) -> None:
    fills = [
        (3, 0.1),
        (7, 0.2),
        (1, 812.35),
        (11, 812.4),
        (13, 0.000001),
        (17, -37.63),
        (19, 1 / 3),
    ]
    add_order(user, "A1", book=book)
    for number in range(1, len(fills) + 1):
        quantity, price = fills[number - 1]
        order = record_fill("A1", f"T{number}", quantity, price, MONDAY, book=book).order
        value = sum(units * round(at * 1_000_000) for units, at in fills[:number])
        count = sum(units for units, _ in fills[:number])
        assert order.fill_price == float(Fraction(value, 1_000_000 * count))
        assert order.fill_quantity == count


@both_books
def test_prices_are_kept_to_the_millionth(user: int, book: Book) -> None:
    add_order(user, "A1", book=book)
    fill = record_fill("A1", "T1", 3, 0.1 + 0.2, MONDAY, book=book)
    assert (fill.trade.price, fill.order.fill_price) == (0.3, 0.3)
    assert fill.position is not None
    assert fill.position.buy_value == 900_000
    assert not record_fill("A1", "T1", 3, 0.1 + 0.2, MONDAY, book=book).recorded
    assert not record_fill("A1", "T1", 3, 0.3000004, MONDAY, book=book).recorded


# The same one again


@both_books
def test_the_same_fill_again_changes_nothing_and_says_so(user: int, book: Book) -> None:
    add_order(user, "A1", book=book)
    first = record_fill("A1", "T1", 40, 812.0, MONDAY, book=book)
    latest = record_fill("A1", "T2", 60, 811.0, MONDAY, book=book)
    before = contents(book)
    for moment in (MONDAY, MONDAY + timedelta(days=1)):  # brokers tell the time differently
        again = record_fill("A1", "T1", 40, 812.0, moment, book=book)
        assert again == Fill(False, first.trade, latest.order, latest.position)
    assert contents(book) == before
    with get_write_session(book.database) as tx:
        assert not record_fill("A1", "T2", 60, 811.0, MONDAY, book=book, tx=tx).recorded
    assert contents(book) == before


@both_books
def test_a_trade_number_names_one_execution_of_an_order(user: int, book: Book) -> None:
    add_order(user, "A1", book=book)
    record_fill("A1", "T1", 40, 812.0, MONDAY, book=book)
    before = contents(book)
    for quantity, price in ((41, 812.0), (40, 812.05), (60, 1.0), (1000, 812.0)):
        with pytest.raises(Conflict, match=r"trade T1 of order A1 is booked with 40 at 812\.0"):
            record_fill("A1", "T1", quantity, price, MONDAY, book=book)
    assert contents(book) == before


@both_books
def test_orders_may_have_trades_of_the_same_number(user: int, book: Book) -> None:
    for name in ("A1", "A2"):
        add_order(user, name, book=book)
        assert record_fill(name, "T1", 40, 812.0, MONDAY, book=book).recorded
    assert [each.order_id for each in get_trades(user, book=book)] == ["A1", "A2"]
    assert get_positions(user, book=book)[0].quantity == 80


@both_books
def test_a_fill_whose_trade_was_imported_finds_no_position(user: int, book: Book) -> None:
    order = add_order(user, "A1", book=book, status="COMPLETE")
    trade = import_trade(**trade_row(user, "T1", order_id="A1"), book=book)
    fill = record_fill("A1", "T1", trade.quantity, trade.price, MONDAY, book=book)
    assert fill == Fill(False, trade, order, None)


@both_books
def test_a_fill_that_is_known_is_known_whatever_became_of_its_order(user: int, book: Book) -> None:
    """Where the order could take none, the same fill again is no refusal."""
    add_order(user, "FULL", book=book)
    filled = record_fill("FULL", "T1", 100, 812.0, MONDAY, book=book)
    assert record_fill("FULL", "T1", 100, 812.0, MONDAY, book=book) == filled._replace(
        recorded=False
    )
    add_order(user, "NONE", book=book, status="REJECTED", symbol="INFY")
    trade = import_trade(**trade_row(user, "T1", order_id="NONE", symbol="INFY"), book=book)
    assert record_fill("NONE", "T1", 10, 100.0, MONDAY, book=book).trade == trade
    before = contents(book)
    for name in ("FULL", "NONE"):
        with pytest.raises(Conflict, match=f"trade T1 of order {name} is booked with"):
            record_fill(name, "T1", 1, 812.0, MONDAY, book=book)
    assert contents(book) == before


# One transaction


@both_books
def test_an_error_in_the_callers_block_undoes_all_of_a_fill(user: int, book: Book) -> None:
    add_order(user, "A1", book=book)
    before = contents(book)
    with pytest.raises(ZeroDivisionError), get_write_session(book.database) as tx:
        record_fill("A1", "T1", 40, 812.0, MONDAY, book=book, tx=tx)
        record_fill("A1", "T2", 60, 812.0, MONDAY, book=book, tx=tx)
        assert get_positions(user, book=book, tx=tx)[0].quantity == 100
        _ = 1 / 0
    assert contents(book) == before
    assert record_fill("A1", "T1", 40, 812.0, MONDAY, book=book).recorded


@both_books
def test_a_savepoint_undoes_its_own_fills_alone(user: int, book: Book) -> None:
    add_order(user, "A1", book=book)
    add_order(user, "A2", book=book, symbol="INFY")
    with get_write_session(book.database) as tx:
        first = record_fill("A1", "T1", 40, 812.0, MONDAY, book=book, tx=tx)
        with pytest.raises(ZeroDivisionError), tx.savepoint():
            record_fill("A1", "T2", 60, 900.0, MONDAY, book=book, tx=tx)
            record_fill("A2", "T1", 100, 1500.0, MONDAY, book=book, tx=tx)
            _ = 1 / 0
        assert get_order("A1", book=book, tx=tx) == first.order
        last = record_fill("A1", "T2", 10, 810.0, MONDAY, book=book, tx=tx)
    assert get_order("A1", book=book) == last.order
    assert (last.order.fill_quantity, last.order.fill_price) == (50, 811.6)
    assert get_positions(user, day=MONDAY.date(), book=book) == [last.position]
    assert get_trades(user, book=book) == [first.trade, last.trade]


@both_books
def test_orders_moves_and_fills_of_one_session_are_one_change(user: int, book: Book) -> None:
    steps: list[Callable[[Any], object]] = [
        lambda tx: add_order(user, "A1", book=book, tx=tx),
        lambda tx: record_fill("A1", "T1", 40, 812.0, MONDAY, book=book, tx=tx),
        lambda tx: update_order("A1", quantity=90, book=book, tx=tx),
        lambda tx: record_fill("A1", "T2", 10, 811.0, MONDAY, book=book, tx=tx),
        lambda tx: update_order_status("A1", "CANCELLED", book=book, tx=tx),
        lambda tx: record_fill("A1", "T3", 40, 810.0, MONDAY, book=book, tx=tx),
    ]
    empty = contents(book)
    for count in range(1, len(steps) + 1):
        with pytest.raises(ZeroDivisionError), get_write_session(book.database) as tx:
            for step in steps[:count]:
                step(tx)
            _ = 1 / 0
        assert contents(book) == empty
    with get_write_session(book.database) as tx:
        for step in steps:
            step(tx)
    order = get_order("A1", book=book)
    assert order is not None
    assert (order.status, order.fill_quantity, order.quantity) == ("CANCELLED", 90, 90)
    assert order.fill_price == (40 * 812 + 10 * 811 + 40 * 810) / 90
