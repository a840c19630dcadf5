"""Positions: what fills add up to in any order, by the day and overnight."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from openalgo_store import (
    Book,
    InvalidInput,
    convert_position,
    create_order,
    get_position_adjustments,
    get_positions,
    get_write_session,
    import_trade,
    record_fill,
    report_order,
)
from openalgo_store.values import clock
from tests.contract.trading.conftest import TUESDAY, Traded, fill
from tests.support.chance import chance_of
from tests.support.rows import MONDAY, add_order, both_books, new_user, order_row, trade_row

# What fills add up to

SUMS: dict[str, tuple[list[Traded], tuple[int, float, float]]] = {
    "bought": ([Traded(10, 100.0), Traded(30, 104.0)], (40, 103.0, 0.0)),
    "sold short first": ([Traded(-10, 100.0), Traded(-30, 104.0)], (-40, 103.0, 0.0)),
    "sold in part": ([Traded(40, 103.0), Traded(-10, 110.0)], (30, 103.0, 70.0)),
    "bought back in part": ([Traded(-40, 103.0), Traded(10, 110.0)], (-30, 103.0, -70.0)),
    "flat": ([Traded(40, 103.0), Traded(-40, 110.0)], (0, 0.0, 280.0)),
    "flat from short": ([Traded(-40, 103.0), Traded(40, 110.0)], (0, 0.0, -280.0)),
    "flat and on": ([Traded(4, 100.0), Traded(-4, 110.0), Traded(2, 130.0)], (2, 110.0, 0.0)),
    "flipped to short": ([Traded(10, 100.0), Traded(-30, 104.0)], (-20, 104.0, 40.0)),
    "flipped to long": ([Traded(-10, 100.0), Traded(30, 104.0)], (20, 104.0, -40.0)),
    "a price below zero": ([Traded(10, -37.63), Traded(-5, 10.0)], (5, -37.63, 238.15)),
    "a millionth": ([Traded(3, 0.000001), Traded(-3, 0.000002)], (0, 0.0, 0.000003)),
    "not exact in floats": ([Traded(3, 0.1), Traded(-3, 0.3)], (0, 0.0, 0.6)),
}
"""Fills -> quantity, average_price, and pnl at the average price, for nothing else is known."""


@both_books
def test_a_position_is_the_sum_of_its_fills(user: int, book: Book) -> None:
    for symbol, (traded, expected) in SUMS.items():
        position = fill(user, traded, book=book, symbol=symbol)
        bought = [each for each in traded if each.units > 0]
        sold = [each for each in traded if each.units < 0]
        assert (position.quantity, position.average_price, position.pnl) == expected, symbol
        assert position.buy_quantity == sum(each.units for each in bought)
        assert position.sell_quantity == -sum(each.units for each in sold)
        assert position.buy_value == sum(each.units * round(each.price * 1e6) for each in bought)
        assert position.sell_value == -sum(each.units * round(each.price * 1e6) for each in sold)
        assert (position.day_quantity, position.overnight_quantity) == (position.quantity, 0)
        assert position.last_price is None
    stored = get_positions(user, day=MONDAY.date(), book=book)
    assert [each.symbol for each in stored] == sorted(SUMS)


@both_books
def test_a_position_is_known_by_owner_broker_instrument_and_product(user: int, book: Book) -> None:
    other = new_user("binod")
    changes: list[dict[str, Any]] = [
        {}, {"broker": "Zerodha"}, {"symbol": "sbin"}, {"exchange": "BSE"}, {"product": "MIS"},
    ]  # fmt: skip
    for owner in (user, other):
        for number, change in enumerate(changes):
            create_order(**order_row(owner, f"{owner}-{number}", **change), book=book)
            record_fill(f"{owner}-{number}", "T", number + 1, 100.0, MONDAY, book=book)
    for owner in (user, other):
        found = get_positions(owner, book=book)
        keys = [(each.broker, each.symbol, each.exchange, each.product) for each in found]
        assert sorted(each.quantity for each in found) == [1, 2, 3, 4, 5]
        assert keys == sorted(keys)
        assert {each.user_id for each in found} == {owner}
    assert get_positions(99, book=book) == []


@both_books
def test_the_order_of_the_same_fills_does_not_matter(user: int, book: Book) -> None:
    chance = chance_of("fills")
    days = [MONDAY, TUESDAY, TUESDAY, TUESDAY + timedelta(days=1)]
    traded = [
        Traded(chance.choice((-1, 1)) * chance.randint(1, 500), chance.uniform(-50, 3000), at)
        for at in days * 5
    ]
    for number in range(12):
        with get_write_session(book.database) as tx:
            fill(user, traded, book=book, symbol=f"S{number:02}", tx=tx)
        chance.shuffle(traded)
    for day in sorted({each.date() for each in days}):
        positions = get_positions(user, day=day, book=book)
        assert len(positions) == 12
        seen = {each._replace(id=0, symbol="") for each in positions}
        assert len(seen) == 1, day


# Day and overnight


@both_books
def test_what_an_earlier_day_added_is_overnight(user: int, book: Book) -> None:
    def split(day: datetime) -> tuple[int, int]:
        (position,) = get_positions(user, day=day.date(), book=book)
        return position.day_quantity, position.overnight_quantity

    add_order(user, "A1", book=book, quantity=1000)
    add_order(user, "A2", book=book, quantity=1000, action="SELL")
    record_fill("A1", "T1", 100, 812.0, MONDAY, book=book)
    assert (split(MONDAY), split(TUESDAY)) == ((100, 0), (0, 100))
    filled = record_fill("A2", "T1", 30, 815.0, TUESDAY, book=book).position
    assert filled is not None
    assert (filled.day_quantity, filled.overnight_quantity) == (-30, 100)
    assert filled.trading_day == TUESDAY.date()
    assert split(TUESDAY) == (-30, 100)
    late = record_fill("A1", "T2", 5, 811.0, MONDAY, book=book).position  # told on Tuesday
    assert late is not None
    assert (late.quantity, late.trading_day) == (75, TUESDAY.date())
    assert (late.day_quantity, late.overnight_quantity) == (-30, 105)
    assert split(TUESDAY) == (-30, 105)
    assert split(TUESDAY + timedelta(days=30)) == (0, 75)


@both_books
def test_the_day_of_a_fill_is_indian(user: int, book: Book) -> None:
    midnight = datetime(2026, 3, 2, 18, 30, tzinfo=UTC)
    for symbol, at, day in (
        ("BEFORE", midnight - timedelta(microseconds=1), date(2026, 3, 2)),
        ("AFTER", midnight, date(2026, 3, 3)),
    ):
        assert fill(user, [Traded(10, 100.0, at)], book=book, symbol=symbol).trading_day == day


@both_books
def test_without_a_day_positions_are_told_as_of_today(
    user: int, book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(user, [Traded(10, 100.0, MONDAY), Traded(5, 100.0, TUESDAY)], book=book)
    monkeypatch.setattr(clock, "now", lambda: TUESDAY)
    (position,) = get_positions(user, book=book)
    assert (position.day_quantity, position.overnight_quantity) == (5, 10)


@both_books
def test_what_is_no_day_is_refused(user: int, book: Book) -> None:
    for day in (MONDAY, "2026-03-02", 20260302, date(1, 1, 1), date.max):
        with pytest.raises(InvalidInput, match=r"a date is needed|check its year"):
            get_positions(user, day=day, book=book)  # type: ignore[arg-type]


# What adjustments find


@both_books
def test_a_fill_of_the_moment_of_a_conversion_is_converted(user: int, book: Book) -> None:
    fill(user, [Traded(10, 100.0, MONDAY)], book=book)
    moved = convert_position(
        user, "zerodha", "SBIN", "NSE", "CNC", "MIS", 10, converted_at=MONDAY, book=book
    )
    assert (moved.from_position.quantity, moved.to_position.quantity) == (0, 10)


@both_books
def test_a_sale_that_was_told_after_its_conversion_leaves_the_rest_short(
    user: int, book: Book
) -> None:
    """The broker moved 10 at noon, though 4 had been sold by then: they were sold short."""
    fill(user, [Traded(10, 100.0, MONDAY)], book=book)
    noon = MONDAY + timedelta(hours=2)
    where = (user, "zerodha", "SBIN", "NSE")
    convert_position(*where, "CNC", "MIS", 10, converted_at=noon, book=book)
    late = fill(user, [Traded(-4, 110.0, noon - timedelta(hours=1))], book=book, name="late")
    assert (late.quantity, late.average_price) == (-4, 110.0)
    cnc, mis = get_positions(user, day=MONDAY.date(), book=book)
    assert (cnc, mis.quantity, mis.average_price) == (late, 10, 100.0)
    (found,) = get_position_adjustments(user, MONDAY.date(), MONDAY.date(), book=book)
    assert (found.quantity, found.quantity_before) == (10, 6)


@both_books
def test_a_conversion_of_what_turns_out_to_be_filled_later_moves_it_once(
    user: int, book: Book
) -> None:
    """Its broker told of the fill at once, and of the trade with the exchange's clock."""
    noon = MONDAY + timedelta(hours=2)
    row = order_row(user, "A1", quantity=10, status="COMPLETE", reported_at=MONDAY)
    report_order(**row, filled_quantity=10, average_price=100.0, book=book)
    where = (user, "zerodha", "SBIN", "NSE")
    convert_position(*where, "CNC", "MIS", 10, converted_at=noon, book=book)
    record_fill("A1", "T1", 10, 100.0, noon + timedelta(seconds=1), book=book)
    found = get_positions(user, day=MONDAY.date(), book=book)
    assert [(each.product, each.quantity) for each in found] == [("CNC", 0), ("MIS", 10)]


@both_books
def test_imported_history_counts_in_no_position_whatever_is_told_again(
    user: int, book: Book
) -> None:
    fill(user, [Traded(10, 100.0, MONDAY)], book=book)
    import_trade(**trade_row(user, "9001", quantity=7), book=book)
    noon = MONDAY + timedelta(hours=2)
    where = (user, "zerodha", "SBIN", "NSE")
    convert_position(*where, "CNC", "MIS", 5, converted_at=noon, book=book)
    late = fill(user, [Traded(1, 100.0, MONDAY)], book=book, name="late")
    assert (late.quantity, late.buy_quantity) == (6, 6)
