"""Positions by the trading day: what is closed goes into the profit, what is open is carried."""

from datetime import date, datetime, timedelta

import pytest

from openalgo_store import (
    Book,
    InvalidInput,
    Position,
    PositionDay,
    Store,
    adjust_position,
    bulk_update_positions,
    convert_position,
    get_position_adjustments,
    get_position_history,
    get_positions,
    get_realized_pnl,
    record_fill,
)
from tests.contract.trading.conftest import TUESDAY, Traded, fill
from tests.support.rows import MONDAY, add_order, both_books

WEDNESDAY = TUESDAY + timedelta(days=1)
MARCH_23 = MONDAY + timedelta(days=21)

pytestmark = both_books


def seen(user: int, book: Book, day: datetime) -> dict[str, Position]:
    """The positions of a user as of a day, by their products."""
    return {each.product: each for each in get_positions(user, day=day.date(), book=book)}


def test_what_was_closed_weeks_ago_is_in_the_profit_and_not_in_the_average(
    store: Store, user: int, book: Book
) -> None:
    position = fill(
        user,
        [
            Traded(100, 100.0, MONDAY),
            Traded(-100, 110.0, TUESDAY),
            Traded(10, 200.0, MARCH_23),
        ],
        book=book,
    )
    assert (position.quantity, position.average_price) == (10, 200.0)
    assert (position.realized_pnl, position.pnl) == (1000.0, 0.0)
    assert (position.buy_quantity, position.sell_quantity) == (10, 0)


def test_a_day_is_pooled_as_a_broker_shows_it(store: Store, user: int, book: Book) -> None:
    position = fill(
        user,
        [
            Traded(50, 280.0),
            Traded(-50, 287.0, MONDAY + timedelta(minutes=1)),
            Traded(70, 283.0, MONDAY + timedelta(minutes=2)),
        ],
        book=book,
    )
    assert (position.quantity, position.average_price) == (70, 281.75)
    bulk_update_positions([priced(position, 280.0)], reported_at=MONDAY, book=book)
    (position,) = get_positions(user, day=MONDAY.date(), book=book)
    assert position.pnl == 140.0


@pytest.mark.parametrize("sign", [1, -1], ids=["long", "short"])
def test_what_is_open_is_carried_at_its_average(
    store: Store, user: int, book: Book, sign: int
) -> None:
    fill(
        user,
        [Traded(sign * 10, 100.0), Traded(sign * 10, 110.0), Traded(-sign * 5, 120.0)],
        book=book,
    )
    (monday,) = get_positions(user, day=MONDAY.date(), book=book)
    (tuesday,) = get_positions(user, day=TUESDAY.date(), book=book)
    assert (tuesday.quantity, tuesday.average_price) == (monday.quantity, 105.0)
    assert (tuesday.overnight_quantity, tuesday.day_quantity) == (sign * 15, 0)
    assert tuesday.realized_pnl == sign * 75.0
    assert (tuesday.pnl, monday.pnl) == (0.0, sign * 75.0)
    assert tuesday.trading_day == TUESDAY.date()


@pytest.mark.parametrize("sign", [1, -1], ids=["long", "short"])
def test_a_flip_through_zero_realises_and_opens_the_other_side(
    store: Store, user: int, book: Book, sign: int
) -> None:
    fills = [Traded(sign * 10, 100.0), Traded(-sign * 15, 110.0, TUESDAY)]
    position = fill(user, fills, book=book)
    assert (position.quantity, position.average_price) == (-sign * 5, 110.0)
    wednesday = seen(user, book, WEDNESDAY)["CNC"]
    assert (wednesday.quantity, wednesday.average_price) == (-sign * 5, 110.0)
    assert wednesday.realized_pnl == sign * 100.0


def test_a_fill_of_an_earlier_day_goes_into_its_own_and_later_days_follow(
    store: Store, user: int, book: Book
) -> None:
    late = [Traded(10, 100.0), Traded(-10, 110.0, TUESDAY), Traded(10, 90.0, MONDAY)]
    fill(user, late, book=book)
    (position,) = get_positions(user, day=TUESDAY.date(), book=book)
    assert (position.quantity, position.average_price) == (10, 95.0)
    assert (position.pnl, position.overnight_quantity) == (150.0, 20)
    assert [(e.trading_day, e.quantity) for e in history(user, book)] == [
        (MONDAY.date(), 20),
        (TUESDAY.date(), 10),
    ]


def test_the_history_tells_each_day_with_its_closing_price(
    store: Store, user: int, book: Book
) -> None:
    position = fill(user, [Traded(10, 100.0)], book=book)
    bulk_update_positions([priced(position, 104.0)], reported_at=MONDAY, book=book)
    bulk_update_positions([priced(position, 107.0)], reported_at=TUESDAY, book=book)
    add_order(user, "sold", action="SELL", quantity=4, book=book)
    record_fill("sold", "T", 4, 108.0, TUESDAY, book=book)
    monday, tuesday = history(user, book)
    assert (monday.last_price, monday.unrealized_pnl, monday.realized_pnl) == (104.0, 40.0, 0.0)
    assert (tuesday.last_price, tuesday.unrealized_pnl, tuesday.realized_pnl) == (107.0, 42.0, 32.0)
    assert tuesday.overnight_quantity == 10


@pytest.mark.parametrize("sign", [1, -1], ids=["long", "short"])
def test_a_conversion_moves_units_at_their_average_and_trades_nothing(
    store: Store, user: int, book: Book, sign: int
) -> None:
    fill(user, [Traded(sign * 10, 800.0)], product="MIS", book=book)
    at = MONDAY + timedelta(hours=1)
    moved = convert_position(
        user, "zerodha", "SBIN", "NSE", "MIS", "CNC", 10, converted_at=at, book=book
    )
    assert (moved.from_position.quantity, moved.to_position.quantity) == (0, sign * 10)
    fill(user, [Traded(-sign * 10, 820.0, TUESDAY)], name="sold", book=book)
    found = seen(user, book, TUESDAY)
    assert (found["CNC"].quantity, found["CNC"].pnl) == (0, sign * 200.0)
    assert (found["MIS"].quantity, found["MIS"].pnl, found["MIS"].realized_pnl) == (0, 0.0, 0.0)


def test_two_conversions_of_a_part_keep_the_average_of_both(
    store: Store, user: int, book: Book
) -> None:
    fill(user, [Traded(10, 100.0), Traded(10, 110.0)], product="MIS", book=book)
    for minutes, units in ((1, 5), (2, 7)):
        at = MONDAY + timedelta(minutes=minutes)
        for _ in range(2):  # told twice, it counts once
            convert_position(
                user, "zerodha", "SBIN", "NSE", "MIS", "NRML", units, converted_at=at, book=book
            )
    found = seen(user, book, MONDAY)
    assert (found["MIS"].quantity, found["MIS"].average_price) == (8, 105.0)
    assert (found["NRML"].quantity, found["NRML"].average_price) == (12, 105.0)


@pytest.mark.parametrize("sign", [1, -1], ids=["long", "short"])
def test_a_split_that_the_broker_reports_keeps_the_profit(
    store: Store, user: int, book: Book, sign: int
) -> None:
    position = fill(user, [Traded(sign * 10, 3000.0)], book=book)
    report = place(position) | {"quantity": sign * 50, "average_price": 600.0}
    (correction,) = bulk_update_positions([report], reported_at=TUESDAY, book=book)
    assert (correction.quantity_before, correction.average_before) == (sign * 10, 3000.0)
    at = TUESDAY + timedelta(hours=1)
    sold = fill(user, [Traded(-sign * 50, 620.0, at)], name="sold", book=book)
    assert (sold.quantity, sold.pnl, sold.realized_pnl) == (0, sign * 1000.0, 0.0)


def test_a_bonus_between_two_fills_of_a_day_counts_what_was_sold_before_it_at_its_own_average(
    store: Store, user: int, book: Book
) -> None:
    fill(user, [Traded(10, 300.0), Traded(-4, 310.0, TUESDAY)], book=book)
    adjust_position(
        user, "zerodha", "SBIN", "NSE", "CNC", 12, 150.0, "bonus 1:1",
        adjusted_at=TUESDAY + timedelta(minutes=1), book=book,
    )  # fmt: skip
    at = TUESDAY + timedelta(minutes=2)
    position = fill(user, [Traded(-12, 160.0, at)], name="sold", book=book)
    assert (position.quantity, position.pnl, position.realized_pnl) == (0, 120.0, 40.0)
    assert history(user, book)[-1].realized_pnl == 160.0
    (adjustment,) = get_position_adjustments(user, TUESDAY.date(), TUESDAY.date(), book=book)
    assert (adjustment.kind, adjustment.reason) == ("ADJUSTMENT", "bonus 1:1")


def test_a_position_that_was_opened_elsewhere_is_opened_by_its_report(
    store: Store, user: int, book: Book
) -> None:
    report = {
        "user_id": user, "broker": "zerodha", "symbol": "INFY", "exchange": "NSE",
        "product": "NRML", "quantity": -75, "average_price": 1512.5, "last_price": 1500.0,
    }  # fmt: skip
    bulk_update_positions([report], reported_at=MONDAY, book=book)
    (position,) = get_positions(user, day=MONDAY.date(), book=book)
    assert (position.quantity, position.average_price, position.pnl) == (-75, 1512.5, 937.5)


def test_a_report_that_agrees_to_the_paisa_corrects_nothing(
    store: Store, user: int, book: Book
) -> None:
    position = fill(user, [Traded(1, 100.0), Traded(2, 101.0)], book=book)
    report = place(position) | {"quantity": 3, "average_price": 100.67}
    assert bulk_update_positions([report], reported_at=TUESDAY, book=book) == []
    (after,) = get_positions(user, day=TUESDAY.date(), book=book)
    assert after.average_price == pytest.approx(302 / 3)


def test_fills_up_to_a_report_are_in_it_and_later_ones_count_on_top(
    store: Store, user: int, book: Book
) -> None:
    position = fill(user, [Traded(10, 100.0)], book=book)
    noon = MONDAY + timedelta(hours=2)
    report = place(position) | {"quantity": 30, "average_price": 102.0}
    bulk_update_positions([report], reported_at=noon, book=book)
    fill(user, [Traded(20, 103.0, noon - timedelta(minutes=1))], name="late", book=book)
    position = fill(user, [Traded(-5, 110.0, noon + timedelta(minutes=1))], name="new", book=book)
    assert (position.quantity, position.average_price) == (25, 102.0)
    (found,) = get_position_adjustments(user, MONDAY.date(), MONDAY.date(), book=book)
    assert (found.quantity_before, found.average_before) == (30, 102.0)


def test_what_is_told_without_an_average_is_opened_at_its_last_price(
    store: Store, user: int, book: Book
) -> None:
    row = {
        "user_id": user, "broker": "zerodha", "symbol": "INFY", "exchange": "NSE",
        "product": "NRML", "quantity": 75,
    }  # fmt: skip
    with pytest.raises(InvalidInput, match="INFY NSE NRML is not open here"):
        bulk_update_positions([row], reported_at=MONDAY, book=book)
    assert get_positions(user, book=book) == []
    bulk_update_positions([row | {"last_price": 1500.0}], reported_at=MONDAY, book=book)
    (position,) = get_positions(user, day=MONDAY.date(), book=book)
    assert (position.quantity, position.average_price, position.pnl) == (75, 1500.0, 0.0)


def test_two_adjustments_of_one_moment_are_one_only_where_they_are_the_same(
    store: Store, user: int, book: Book
) -> None:
    for quantity in (10, -10, -10):
        position = adjust_position(
            user, "zerodha", "SBIN", "NSE", "CNC", quantity, 100.0, "transfer",
            adjusted_at=MONDAY, book=book,
        )  # fmt: skip
    assert position.quantity == -10
    assert len(get_position_adjustments(user, MONDAY.date(), MONDAY.date(), book=book)) == 2


def test_a_late_report_without_an_average_opens_at_its_last_price(
    store: Store, user: int, book: Book
) -> None:
    position = fill(user, [Traded(10, 100.0, MONDAY + timedelta(hours=2))], book=book)
    row = place(position) | {"product": "MIS", "quantity": 10}
    at = MONDAY + timedelta(hours=1)
    with pytest.raises(InvalidInput, match="average_price"):
        bulk_update_positions([row], reported_at=at, book=book)
    (correction,) = bulk_update_positions([row | {"last_price": 200.0}], reported_at=at, book=book)
    assert (correction.quantity, correction.average_price) == (10, 200.0)
    found = seen(user, book, MONDAY)["MIS"]
    assert (found.quantity, found.average_price, found.pnl) == (10, 200.0, 0.0)


def test_a_split_whose_average_is_cut_keeps_the_cost_of_the_lots(
    store: Store, user: int, book: Book
) -> None:
    fill(user, [Traded(10, 100.0), Traded(11, 200.05), Traded(-10, 150.0)], book=book)
    (position,) = get_positions(user, day=MONDAY.date(), book=book)
    assert position.average_price is not None
    adjust_position(
        user, "zerodha", "SBIN", "NSE", "CNC", 22, position.average_price / 2, "split 1:2",
        adjusted_at=TUESDAY, book=book,
    )  # fmt: skip
    fill(user, [Traded(-22, 80.0, WEDNESDAY)], name="sold", book=book)
    row = {"symbol": "INFY", "product": "CNC", "broker": "zerodha", "exchange": "NSE"}
    fill(user, [Traded(7, 1000.05)], symbol="INFY", book=book)
    report = row | {"user_id": user, "quantity": 21, "average_price": 333.34}
    bulk_update_positions([report], reported_at=TUESDAY, book=book)
    fill(user, [Traded(-21, 340.0, WEDNESDAY)], symbol="INFY", name="sold", book=book)
    lots = get_realized_pnl(user, MONDAY.date(), WEDNESDAY.date(), book=book)
    profit = {name: sum(e.pnl for e in lots if e.symbol == name) for name in ("SBIN", "INFY")}
    assert profit == pytest.approx({"SBIN": 59.45, "INFY": 21 * 340 - 7 * 1000.05}, abs=1e-4)


def test_a_report_that_comes_twice_is_one_correction(store: Store, user: int, book: Book) -> None:
    position = fill(user, [Traded(10, 100.0)], book=book)
    report = place(position) | {
        "quantity": 12, "average_price": 101.0, "overnight_quantity": 2, "last_price": 102.0
    }  # fmt: skip
    for corrections in (1, 0, 0):
        found = bulk_update_positions([report], reported_at=TUESDAY, book=book)
        assert len(found) == corrections
    assert len(get_position_adjustments(user, MONDAY.date(), TUESDAY.date(), book=book)) == 1
    (after,) = get_positions(user, day=TUESDAY.date(), book=book)
    assert (after.quantity, after.overnight_quantity, after.pnl) == (12, 2, 12.0)


def place(position: Position) -> dict[str, object]:
    names = ("user_id", "broker", "symbol", "exchange", "product")
    return {name: getattr(position, name) for name in names}


def priced(position: Position, last_price: float) -> dict[str, object]:
    return place(position) | {"last_price": last_price}


def history(user: int, book: Book) -> list[PositionDay]:
    return get_position_history(user, MONDAY.date(), date(2026, 4, 1), book=book)
