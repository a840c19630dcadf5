"""Realised profit where positions were converted, split, transferred, reported by the broker."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert

from openalgo_store import (
    Book,
    Store,
    Trade,
    adjust_position,
    bulk_update_positions,
    convert_position,
    get_positions,
    get_realized_pnl,
    get_write_session,
    report_order,
)
from openalgo_store.engine.queries import Query
from openalgo_store.records.trading import Product
from openalgo_store.values.clock import day_bounds
from tests.contract.trading.conftest import Traded, fill
from tests.support.rows import (
    MONDAY,
    all_trades,
    both_books,
    import_trades,
    new_user,
    order_row,
    trade_row,
)

TODAY = MONDAY.date()
DAY = timedelta(days=1)
FIRST, LAST = date(2020, 1, 1), date(2030, 12, 31)
SBIN = ("zerodha", "SBIN", "NSE")

pytestmark = both_books


def lots(user: int, book: Book, first: date = TODAY) -> list[tuple[Any, ...]]:
    """Of each lot its product, side, quantity, prices, profit and days."""
    return [
        (lot.product, lot.side, lot.quantity, lot.entry_price, lot.exit_price, lot.pnl,
         lot.holding_days)
        for lot in get_realized_pnl(user, first, LAST, book=book)
    ]  # fmt: skip


def convert(
    user: int, book: Book, quantity: int, at: datetime, source: Product, target: Product
) -> None:
    convert_position(user, *SBIN, source, target, quantity, converted_at=at, book=book)


def adjust(user: int, book: Book, quantity: int, average: float, at: datetime) -> None:
    adjust_position(user, *SBIN, "CNC", quantity, average, "split", adjusted_at=at, book=book)


def report(user: int, book: Book, quantity: int, average: float, at: datetime) -> None:
    row = dict(zip(("broker", "symbol", "exchange"), SBIN, strict=True)) | {"product": "CNC"}
    told = {"user_id": user, "quantity": quantity, "average_price": average}
    bulk_update_positions([row | told], reported_at=at, book=book)


@pytest.mark.parametrize("sign", [1, -1], ids=["long", "short"])
def test_units_that_were_converted_are_sold_in_their_new_product(
    store: Store, user: int, book: Book, sign: int
) -> None:
    fill(user, [Traded(sign * 10, 800.0)], product="MIS", book=book)
    convert(user, book, 10, MONDAY + timedelta(hours=1), "MIS", "CNC")
    fill(user, [Traded(-sign * 10, 820.0, MONDAY + DAY)], name="sold", book=book)
    side = "LONG" if sign > 0 else "SHORT"
    assert lots(user, book) == [("CNC", side, 10, 800.0, 820.0, sign * 200.0, 1)]
    assert lots(user, book, TODAY + DAY) == lots(user, book)  # bought before the range
    assert lots(user, book, TODAY + 2 * DAY) == []


@pytest.mark.parametrize("sign", [1, -1], ids=["long", "short"])
@pytest.mark.parametrize("change", [adjust, report], ids=["adjusted", "reported"])
def test_a_split_keeps_what_was_paid(
    store: Store, user: int, book: Book, sign: int, change: Any
) -> None:
    fill(user, [Traded(sign * 10, 3000.0, MONDAY + DAY)], book=book)  # a fill counts before it
    change(user, book, sign * 50, 600.0, MONDAY + DAY)
    fill(user, [Traded(-sign * 50, 620.0, MONDAY + 2 * DAY)], name="sold", book=book)
    side = "LONG" if sign > 0 else "SHORT"
    assert lots(user, book) == [("CNC", side, 50, 600.0, 620.0, sign * 1000.0, 1)]
    assert get_realized_pnl(user, TODAY, LAST, book=book)[0].entry_trade_id is not None


def test_a_split_that_is_told_at_the_pooled_average_keeps_what_each_lot_cost(
    store: Store, user: int, book: Book
) -> None:
    fills = [Traded(10, 100.0), Traded(10, 201.0, MONDAY + DAY), Traded(-10, 200.0, MONDAY + DAY)]
    fill(user, fills, book=book)
    adjust(user, book, 30, 50.17, MONDAY + 2 * DAY)  # of 150.50 before, to the paisa
    fill(user, [Traded(-30, 70.0, MONDAY + 3 * DAY)], name="sold", book=book)
    assert lots(user, book) == [
        ("CNC", "LONG", 10, 100.0, 200.0, 1000.0, 1),
        ("CNC", "LONG", 30, 67.0, 70.0, 90.0, 2),
    ]


def test_history_that_is_in_no_position_is_split_with_it(
    store: Store, user: int, book: Book
) -> None:
    old = trade_row(user, "T1", quantity=10, price=2000.0, traded_at=MONDAY - 400 * DAY)
    import_trades(book, [old])
    fill(user, [Traded(10, 3000.0)], book=book)
    adjust(user, book, 50, 600.0, MONDAY + DAY)
    fill(user, [Traded(-60, 620.0, MONDAY + 2 * DAY)], name="sold", book=book)
    assert lots(user, book) == [
        ("CNC", "LONG", 50, 400.0, 620.0, 11_000.0, 402),
        ("CNC", "LONG", 10, 600.0, 620.0, 200.0, 2),
    ]


def test_history_of_any_year_counts_beside_an_adjustment(
    store: Store, user: int, book: Book
) -> None:
    old = datetime(1955, 1, 3, 5, 0, tzinfo=UTC)
    import_trades(book, [trade_row(user, "T1", quantity=10, price=2.0, traded_at=old)])
    adjust_position(user, *SBIN, "MIS", 1, 5.0, "transfer", adjusted_at=MONDAY, book=book)
    fill(user, [Traded(-10, 620.0, MONDAY + DAY)], book=book)
    (lot,) = lots(user, book)
    assert lot[:6] == ("CNC", "LONG", 10, 2.0, 620.0, 6180.0)


def test_what_is_sold_as_the_first_day_begins_is_told_beside_an_adjustment(
    store: Store, user: int, book: Book
) -> None:
    fill(user, [Traded(10, 300.0, MONDAY - 2 * DAY)], book=book)
    adjust(user, book, 20, 150.0, MONDAY - DAY)
    fill(user, [Traded(-20, 160.0, day_bounds(TODAY)[0])], name="sold", book=book)
    assert lots(user, book) == [("CNC", "LONG", 20, 150.0, 160.0, 200.0, 2)]


def test_a_bonus_between_two_fills_of_a_day(store: Store, user: int, book: Book) -> None:
    fill(user, [Traded(10, 300.0), Traded(-4, 310.0, MONDAY + DAY)], book=book)
    at = MONDAY + DAY + timedelta(minutes=1)
    adjust(user, book, 12, 150.0, at)
    later = at + timedelta(minutes=1)
    fill(user, [Traded(-12, 160.0, later)], name="sold", book=book)
    assert lots(user, book) == [
        ("CNC", "LONG", 4, 300.0, 310.0, 40.0, 1),
        ("CNC", "LONG", 12, 150.0, 160.0, 120.0, 1),
    ]


def test_another_average_is_another_cost(store: Store, user: int, book: Book) -> None:
    fill(user, [Traded(10, 100.0)], book=book)
    adjust(user, book, 10, 92.0, MONDAY + DAY)
    fill(user, [Traded(-10, 110.0, MONDAY + 2 * DAY)], name="sold", book=book)
    assert lots(user, book) == [("CNC", "LONG", 10, 92.0, 110.0, 180.0, 2)]


def test_what_came_by_a_transfer_is_entered_then_and_what_went_by_one_makes_no_profit(
    store: Store, user: int, book: Book
) -> None:
    adjust(user, book, 10, 90.0, MONDAY)
    fill(user, [Traded(-4, 100.0, MONDAY + 5 * DAY)], name="sold", book=book)
    adjust(user, book, 0, 0.0, MONDAY + 6 * DAY)
    fill(user, [Traded(-1, 200.0, MONDAY + 7 * DAY)], name="short", book=book)
    (lot,) = get_realized_pnl(user, TODAY, LAST, book=book)
    assert (lot.quantity, lot.pnl, lot.holding_days, lot.entry_trade_id) == (4, 40.0, 5, None)
    assert lot.exit_trade_id is not None


@pytest.mark.parametrize("sign", [1, -1], ids=["long", "short"])
def test_a_position_that_was_opened_elsewhere_is_reported_then_closed(
    store: Store, user: int, book: Book, sign: int
) -> None:
    report(user, book, sign * 75, 1512.5, MONDAY)
    fill(user, [Traded(-sign * 75, 1500.0, MONDAY + DAY)], book=book)
    side = "LONG" if sign > 0 else "SHORT"
    assert lots(user, book) == [("CNC", side, 75, 1512.5, 1500.0, -sign * 937.5, 1)]


def test_a_report_enters_what_was_not_known_and_takes_what_is_gone(
    store: Store, user: int, book: Book
) -> None:
    fill(user, [Traded(10, 90.0)], book=book)
    report(user, book, 15, 95.0, MONDAY + DAY)
    report(user, book, 12, 95.0, MONDAY + 2 * DAY)
    fill(user, [Traded(-12, 105.0, MONDAY + 3 * DAY)], name="sold", book=book)
    assert lots(user, book) == [
        ("CNC", "LONG", 7, 90.0, 105.0, 105.0, 3),
        ("CNC", "LONG", 5, 95.0, 105.0, 50.0, 2),
    ]


def test_a_report_of_another_average_alone_leaves_what_the_lots_cost(
    store: Store, user: int, book: Book
) -> None:
    old = trade_row(user, "T1", quantity=4, price=80.0, traded_at=MONDAY - DAY)
    import_trades(book, [old])  # in no position, so no report takes it away
    fill(user, [Traded(10, 90.0)], book=book)
    report(user, book, 10, 90.5, MONDAY + DAY)
    fill(user, [Traded(-14, 100.0, MONDAY + 2 * DAY)], name="sold", book=book)
    assert lots(user, book) == [
        ("CNC", "LONG", 4, 80.0, 100.0, 80.0, 3),
        ("CNC", "LONG", 10, 90.0, 100.0, 100.0, 2),
    ]


def test_a_fill_that_comes_late_counts_before_the_report_that_had_it(
    store: Store, user: int, book: Book
) -> None:
    report(user, book, 10, 90.0, MONDAY + DAY)
    fill(user, [Traded(10, 90.0, MONDAY + DAY)], name="late", book=book)
    fill(user, [Traded(-10, 100.0, MONDAY + 2 * DAY)], name="sold", book=book)
    (lot,) = get_realized_pnl(user, TODAY, LAST, book=book)
    assert (lot.quantity, lot.pnl) == (10, 100.0)
    assert lot.entry_trade_id is not None


def test_what_an_older_version_had_goes_on_from_what_it_was(
    store: Store, user: int, book: Book
) -> None:
    import_trades(book, [trade_row(user, "T1", quantity=4, price=90.0, traded_at=MONDAY - DAY)])
    row = dict(zip(("broker", "symbol", "exchange"), SBIN, strict=True)) | {
        "user_id": user, "product": "CNC", "kind": "CARRIED_OVER", "adjusted_at": MONDAY,
        "quantity": 10, "average_price": 95.0, "quantity_before": 10, "average_before": 95.0,
    }  # fmt: skip
    with get_write_session(book.database) as tx:
        tx.run(Query.of(insert(book.tables.position_adjustments).values(**row)))
    sale = trade_row(user, "T2", action="SELL", price=100.0, traded_at=MONDAY + DAY)
    import_trades(book, [sale])
    assert lots(user, book) == [
        ("CNC", "LONG", 4, 90.0, 100.0, 40.0, 2),
        ("CNC", "LONG", 6, 95.0, 100.0, 30.0, 1),
    ]


def test_what_is_only_told_cumulatively_is_in_the_position_and_no_trade(
    store: Store, user: int, book: Book
) -> None:
    for number, (action, price) in enumerate([("BUY", 100.0), ("SELL", 110.0)]):
        row = order_row(user, f"A{number}", action=action, status="COMPLETE")
        filled = {"filled_quantity": 100, "average_price": price, "reported_at": MONDAY}
        report_order(**row | filled, book=book)
    (position,) = get_positions(user, day=TODAY, book=book)
    assert (position.quantity, position.pnl) == (0, 1000.0)
    assert lots(user, book) == []


def test_adjusted_instruments_and_others_are_told_in_the_order_of_their_exits(
    store: Store, user: int, book: Book
) -> None:
    for number in range(4):
        bought = MONDAY + number * timedelta(minutes=1)
        units = [Traded(10, 100.0, bought), Traded(-10, 110.0, bought + (4 - number) * DAY)]
        fill(user, units, symbol=["SBIN", "INFY"][number % 2], name=str(number), book=book)
    before = get_realized_pnl(user, TODAY, LAST, book=book)
    fill(user, [Traded(1, 1.0, MONDAY + 9 * DAY)], name="split", book=book)
    adjust(user, book, 2, 0.5, MONDAY + 10 * DAY)
    assert get_realized_pnl(user, TODAY, LAST, book=book) == before
    assert {lot.symbol for lot in before} == {"SBIN", "INFY"}
    of_infy = [lot for lot in before if lot.symbol == "INFY"]
    assert get_realized_pnl(user, TODAY, LAST, symbol="INFY", book=book) == of_infy


# Any fills and conversions, beside an oracle that knows single units


Unit = tuple[str, str, int | None, int | None, datetime]
"""Its product and side, the trades of its entry and its exit, and when it was closed."""


class Conversion(NamedTuple):
    """Units that went from one product to the other."""

    at: datetime
    quantity: int
    source: str
    target: str


EVENTS = st.lists(
    st.fixed_dictionaries(
        {
            "days": st.sampled_from([0, 0, 1, 40]),
            "units": st.sampled_from([1, 2, 5, -1, -3, -5]),
            "price": st.integers(1, 400).map(lambda ticks: ticks / 20),
            "product": st.sampled_from(["MIS", "CNC"]),
            "is_conversion": st.sampled_from([False, False, True]),
        }
    ),
    max_size=10,
)


def test_any_fills_and_conversions_are_matched_unit_by_unit(
    store: Store, user: int, book: Book
) -> None:
    numbers = count(1)

    @given(EVENTS, st.integers(0, 10))
    def check(events: list[dict[str, Any]], later: int) -> None:
        owner = new_user(f"user{next(numbers)}")
        conversions = happened(owner, events, book)
        found = get_realized_pnl(owner, FIRST, LAST, book=book)
        units = Counter[Unit]()
        for lot in found:
            sign = 1 if lot.side == "LONG" else -1
            paid = lot.quantity * sign * (lot.exit_price - lot.entry_price)
            assert lot.pnl == pytest.approx(paid, abs=1e-6)
            unit = lot.product, lot.side, lot.entry_trade_id, lot.exit_trade_id, lot.exit_at
            units[unit] += lot.quantity
        assert units == Counter(unit_by_unit(all_trades(owner, book=book), conversions))
        within = [lot for lot in found if lot.exit_at >= MONDAY + later * 8 * DAY]
        assert get_realized_pnl(owner, TODAY + later * 8 * DAY, LAST, book=book) == within

    check()


def happened(user: int, events: list[dict[str, Any]], book: Book) -> list[Conversion]:
    """Fills and conversions, each a minute or more after the one before; no more than is open."""
    at, held, conversions = MONDAY, Counter[str](), []
    for number, event in enumerate(events):
        at += event["days"] * DAY + timedelta(minutes=1)
        source, units = event["product"], event["units"]
        if not event["is_conversion"]:
            traded = [Traded(units, event["price"], at)]
            fill(user, traded, product=source, name=f"{user}-{number}-", book=book)
            held[source] += units
        elif quantity := min(abs(units), abs(held[source])):
            target: Product = "CNC" if source == "MIS" else "MIS"
            convert(user, book, quantity, at, source, target)
            moved = quantity if held[source] > 0 else -quantity
            held[source] -= moved
            held[target] += moved
            conversions.append(Conversion(at, quantity, source, target))
    return conversions


def unit_by_unit(trades: list[Trade], conversions: list[Conversion]) -> Iterator[Unit]:
    """Each unit with the one that closes it: whichever of both was traded last is the exit."""
    open_units: dict[str, list[Trade]] = defaultdict(list)
    moments: list[Any] = [(each.traded_at, each) for each in trades]
    moments += [(each.at, each) for each in conversions]
    for at, event in sorted(moments, key=lambda each: each[0]):
        if isinstance(event, Trade):
            product, arriving = event.product, [event] * event.quantity
        else:
            product, held = event.target, open_units[event.source]
            arriving, open_units[event.source] = held[: event.quantity], held[event.quantity :]
        for unit in arriving:
            there = open_units[product]
            if there and there[0].action != unit.action:
                one, other = sorted((there.pop(0), unit), key=lambda each: each.traded_at)
                side = "LONG" if one.action == "BUY" else "SHORT"
                yield product, side, one.id, other.id, at
            else:
                there.append(unit)
                there.sort(key=lambda each: each.traded_at)
