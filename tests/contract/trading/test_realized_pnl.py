"""Realised profit by FIFO: hand-computed lots, Indian days, any trades against a plain oracle."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from functools import partial
from itertools import count
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openalgo_store import (
    Book,
    InvalidInput,
    RealizedLot,
    Store,
    Trade,
    get_realized_pnl,
    get_write_session,
    import_trade,
    record_fill,
)
from openalgo_store.repositories.trading import realized_pnl, traded_lots
from openalgo_store.values.clock import day_bounds
from tests.support.plans import analyse, is_index_only, plans_of
from tests.support.rows import (
    MONDAY,
    add_many_trades,
    add_order,
    all_trades,
    both_books,
    import_trades,
    new_user,
    trade_row,
)

TODAY = MONDAY.date()
DAY = timedelta(days=1)
IST = timedelta(hours=5, minutes=30)
FIRST, LAST = date(2020, 1, 1), date(2030, 12, 31)


class Told(NamedTuple):
    """What is told of a lot, the numbers of its trades and its place aside."""

    quantity: int
    side: str
    entry_price: float
    exit_price: float
    pnl: float
    holding_days: int


def told(lots: list[RealizedLot]) -> list[Told]:
    return [Told(*(getattr(lot, name) for name in Told._fields)) for lot in lots]


def trade(book: Book, user: int, trades: list[tuple[int, float, datetime]], **rest: Any) -> None:
    """Import trades: units (less than 0: sold), price, moment."""
    numbers = count(1)
    import_trades(
        book,
        [
            trade_row(
                user, f"T{next(numbers)}", quantity=abs(units), price=price, traded_at=at,
                action="BUY" if units > 0 else "SELL", **rest,
            )
            for units, price, at in trades
        ],
    )  # fmt: skip


BY_HAND: dict[str, tuple[list[tuple[int, float, int]], list[Told]]] = {
    "one round trip within a day": (
        [(10, 100.0, 0), (-10, 110.5, 0)],
        [Told(10, "LONG", 100.0, 110.5, 105.0, 0)],
    ),
    "bought, sold the next day, bought again weeks later": (
        [(100, 100.0, 0), (-100, 110.0, 1), (10, 200.0, 22)],
        [Told(100, "LONG", 100.0, 110.0, 1000.0, 1)],
    ),
    "a short that is covered at a loss": (
        [(-50, 200.0, 0), (50, 210.0, 3)],
        [Told(50, "SHORT", 200.0, 210.0, -500.0, 3)],
    ),
    "one sale closes the oldest purchases, and a part of the next": (
        [(10, 100.0, 0), (10, 110.0, 1), (10, 120.0, 2), (-25, 130.0, 5)],
        [
            Told(10, "LONG", 100.0, 130.0, 300.0, 5),
            Told(10, "LONG", 110.0, 130.0, 200.0, 4),
            Told(5, "LONG", 120.0, 130.0, 50.0, 3),
        ],
    ),
    "the rest of a lot keeps its price": (
        [(30, 100.0, 0), (-10, 101.0, 1), (-20, 102.0, 2)],
        [Told(10, "LONG", 100.0, 101.0, 10.0, 1), Told(20, "LONG", 100.0, 102.0, 40.0, 2)],
    ),
    "a sale that goes through zero, and is covered": (
        [(10, 100.0, 0), (-25, 120.0, 1), (15, 90.0, 2)],
        [Told(10, "LONG", 100.0, 120.0, 200.0, 1), Told(15, "SHORT", 120.0, 90.0, 450.0, 1)],
    ),
    "an option that costs one tick in the end, and a price below zero": (
        [(75, 12.35, 0), (-75, 0.05, 1), (-100, -37.63, 2), (100, 10.01, 3)],
        [
            Told(75, "LONG", 12.35, 0.05, -922.5, 1),
            Told(100, "SHORT", -37.63, 10.01, -4764.0, 1),
        ],
    ),
    "millionths of a rupee": (
        [(3, 0.1, 0), (-3, 0.3, 0), (7, 0.000001, 0), (-7, 0.000003, 0)],
        [Told(3, "LONG", 0.1, 0.3, 0.6, 0), Told(7, "LONG", 0.000001, 0.000003, 0.000014, 0)],
    ),
    "what is open is not realised": ([(10, 100.0, 0), (5, 90.0, 1)], []),
}


@both_books
@pytest.mark.parametrize("case", BY_HAND)
def test_lots_are_what_they_are_by_hand(user: int, book: Book, case: str) -> None:
    trades, expected = BY_HAND[case]
    moments = [(units, price, MONDAY + days * DAY) for units, price, days in trades]
    trade(book, user, moments)
    assert told(get_realized_pnl(user, TODAY, LAST, book=book)) == expected


@both_books
def test_a_lot_tells_where_and_by_which_trades(user: int, book: Book) -> None:
    where: dict[str, Any] = {
        "broker": "fyers",
        "symbol": "NIFTY26MARFUT",
        "exchange": "NFO",
        "product": "NRML",
    }
    bought = import_trade(**trade_row(user, "T1", **where), book=book)
    sold = trade_row(user, "T2", **where, action="SELL", price=99.5, traded_at=MONDAY + 3 * DAY)
    sale = import_trade(**sold, book=book)
    assert get_realized_pnl(user, TODAY, LAST, book=book) == [
        RealizedLot(
            **where, quantity=10, side="LONG",
            entry_trade_id=bought.id, entry_at=bought.traded_at, entry_price=100.0,
            exit_trade_id=sale.id, exit_at=sale.traded_at, exit_price=99.5,
            pnl=-5.0, holding_days=3,
        )
    ]  # fmt: skip


@both_books
def test_brokers_exchanges_and_products_close_nothing_of_each_other(user: int, book: Book) -> None:
    places = [{}, {"broker": "fyers"}, {"exchange": "BSE"}, {"product": "MIS"}, {"symbol": "INFY"}]
    for number, place in enumerate(places):
        bought = trade_row(user, f"B{number}", price=100.0 + number) | place
        sold = trade_row(user, f"S{number}", action="SELL", price=110.0 + number * 2) | place
        import_trade(**bought, book=book)
        import_trade(**sold | {"traded_at": MONDAY + timedelta(hours=1)}, book=book)
    import_trade(**trade_row(user, "X", action="SELL", product="NRML"), book=book)
    lots = get_realized_pnl(user, TODAY, TODAY, book=book)
    assert [lot.pnl for lot in lots] == [100.0, 110.0, 120.0, 130.0, 140.0]
    asks: list[tuple[dict[str, Any], list[float]]] = [
        ({"broker": "fyers"}, [110.0]),
        ({"exchange": "BSE"}, [120.0]),
        ({"symbol": "INFY"}, [140.0]),
        ({"symbol": "SBIN", "broker": "zerodha", "exchange": "NSE"}, [100.0, 130.0]),
        ({"symbol": "TCS"}, []),
    ]
    for filters, pnl in asks:
        found = get_realized_pnl(user, TODAY, TODAY, book=book, **filters)
        assert [lot.pnl for lot in found] == pnl, filters


@both_books
def test_trades_of_one_moment_are_in_the_order_of_their_ids(user: int, book: Book) -> None:
    prices = [103.0, 101.0, 102.0]
    trade(book, user, [(1, price, MONDAY) for price in prices])
    trade(book, user, [(-1, price, MONDAY + DAY) for price in prices], broker="zerodha")
    found = told(get_realized_pnl(user, TODAY, LAST, book=book))
    assert [(lot.entry_price, lot.exit_price) for lot in found] == [(each, each) for each in prices]
    assert told(get_realized_pnl(user, TODAY + DAY, LAST, book=book)) == found


# Ranges of Indian days


@both_books
def test_a_financial_year_begins_and_ends_at_midnight_in_india(user: int, book: Book) -> None:
    midnight = datetime(2025, 3, 31, 18, 30, tzinfo=UTC)  # 1 April 2025 begins in India
    instant = timedelta(microseconds=1)
    moments = [midnight - 400 * DAY, midnight - instant, midnight, midnight + 365 * DAY - instant,
               midnight + 365 * DAY]  # fmt: skip
    trade(book, user, [(40, 100.0, moments[0])])
    trade(book, user, [(-10, 101.0 + n, at) for n, at in enumerate(moments[1:])], exchange="NSE")
    years = [
        told(get_realized_pnl(user, date(year, 4, 1), date(year + 1, 3, 31), book=book))
        for year in (2024, 2025, 2026)
    ]
    assert years == [
        [Told(10, "LONG", 100.0, 101.0, 10.0, 399)],
        [Told(10, "LONG", 100.0, 102.0, 20.0, 400), Told(10, "LONG", 100.0, 103.0, 30.0, 764)],
        [Told(10, "LONG", 100.0, 104.0, 40.0, 765)],
    ]


@both_books
def test_the_days_held_are_indian_days_whatever_the_hour(user: int, book: Book) -> None:
    midnight = datetime(2026, 3, 2, 18, 30, tzinfo=UTC)
    minute = timedelta(minutes=1)
    trade(book, user, [(1, 1.0, midnight - minute), (-1, 1.0, midnight)])
    late, early = midnight + minute, midnight + DAY - minute
    trade(book, user, [(1, 1.0, late), (-1, 1.0, early)], symbol="INFY")
    lots = get_realized_pnl(user, TODAY, LAST, book=book)
    assert [lot.holding_days for lot in lots] == [1, 0]


@both_books
def test_what_was_open_before_the_range_is_what_earlier_sales_left(user: int, book: Book) -> None:
    years_ago = [MONDAY - number * DAY for number in range(1000, 0, -5)]
    purchases = [(10, float(number), at) for number, at in enumerate(years_ago, 1)]
    trade(book, user, purchases)
    trade(book, user, [(-355, 500.0, MONDAY - 2 * DAY)], exchange="NSE", broker="zerodha")
    assert len(purchases) - 35 > traded_lots._FEW  # not all are found at the first look
    trade(book, user, [(-20, 1000.0, MONDAY)], product="CNC")
    assert told(get_realized_pnl(user, TODAY, TODAY, book=book)) == [
        Told(5, "LONG", 36.0, 1000.0, 4820.0, 825),
        Told(10, "LONG", 37.0, 1000.0, 9630.0, 820),
        Told(5, "LONG", 38.0, 1000.0, 4810.0, 815),
    ]


@both_books
def test_the_oldest_open_lot_is_what_its_sale_of_one_unit_left(user: int, book: Book) -> None:
    trade(book, user, [(10, 1.0, MONDAY - 3 * DAY), (10, 2.0, MONDAY - 2 * DAY)])
    trade(book, user, [(-1, 3.0, MONDAY - DAY), (-19, 4.0, MONDAY)])
    lots = get_realized_pnl(user, TODAY, TODAY, book=book)
    assert [(lot.quantity, lot.entry_price) for lot in lots] == [(9, 1.0), (10, 2.0)]


@both_books
def test_what_is_traded_as_the_first_day_begins_was_not_open_before(user: int, book: Book) -> None:
    begin = day_bounds(TODAY)[0]
    trade(book, user, [(10, 1.0, begin - timedelta(microseconds=1)), (10, 2.0, begin)])
    trade(book, user, [(-20, 3.0, MONDAY)])
    lots = get_realized_pnl(user, TODAY, TODAY, book=book)
    assert [(lot.quantity, lot.entry_price) for lot in lots] == [(10, 1.0), (10, 2.0)]


@both_books
def test_of_two_purchases_of_one_moment_the_second_stays_open(
    user: int, book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(traded_lots, "_FEW", 1)
    trade(book, user, [(10, 1.0, MONDAY - 2 * DAY), (10, 2.0, MONDAY - 2 * DAY)])
    trade(book, user, [(-10, 3.0, MONDAY - DAY), (-10, 4.0, MONDAY)])
    (lot,) = get_realized_pnl(user, TODAY, TODAY, book=book)
    assert lot.entry_price == 2.0


@both_books
def test_trades_that_are_imported_late_count_where_they_belong(user: int, book: Book) -> None:
    trade(book, user, [(10, 110.0, MONDAY), (-10, 120.0, MONDAY + 2 * DAY)])
    assert [lot.pnl for lot in get_realized_pnl(user, TODAY, LAST, book=book)] == [100.0]
    trade(book, user, [(10, 100.0, MONDAY - 300 * DAY)])
    assert [lot.pnl for lot in get_realized_pnl(user, TODAY, LAST, book=book)] == [200.0]
    trade(book, user, [(-4, 105.0, MONDAY - 200 * DAY)])
    assert [lot.pnl for lot in get_realized_pnl(user, TODAY, LAST, book=book)] == [120.0, 40.0]
    assert get_realized_pnl(user, FIRST, LAST, book=book)[0].pnl == 20.0


@both_books
def test_fills_and_imports_close_each_other_and_a_session_sees_its_own(
    user: int, book: Book
) -> None:
    trade(book, user, [(40, 800.0, MONDAY - DAY)])
    add_order(user, "A1", book=book, action="SELL")
    with get_write_session(book.database) as tx:
        record_fill("A1", "F1", 40, 812.0, MONDAY, book=book, tx=tx)
        (lot,) = get_realized_pnl(user, TODAY, TODAY, book=book, tx=tx)
        assert (lot.pnl, lot.holding_days) == (480.0, 1)
    assert get_realized_pnl(user, TODAY, TODAY, book=book) == [lot]


@both_books
def test_each_user_has_lots_of_their_own(user: int, book: Book) -> None:
    binod = new_user("binod")
    trade(book, user, [(10, 100.0, MONDAY)])
    trade(book, binod, [(-10, 110.0, MONDAY)])
    nobody: Any = None
    for owner in (user, binod, 99, nobody):
        assert get_realized_pnl(owner, FIRST, LAST, book=book) == []


@both_books
def test_what_is_no_range_of_days_is_refused(user: int, book: Book) -> None:
    with pytest.raises(InvalidInput, match="start_date is after end_date"):
        get_realized_pnl(user, TODAY + DAY, TODAY, book=book)
    odd: list[Any] = [MONDAY, "2026-03-02", None, 20260302]
    for no_day in odd:
        for days in ((no_day, TODAY), (TODAY, no_day)):
            with pytest.raises(InvalidInput, match="a date is needed, an Indian trading day"):
                get_realized_pnl(user, *days, book=book)
    assert get_realized_pnl(user, TODAY, TODAY, book=book) == []


@both_books
def test_units_beyond_64_bits_are_told_alike_by_both_engines(user: int, book: Book) -> None:
    trade(book, user, [(2**61 - 1, 0.000001, MONDAY - n * DAY) for n in range(6)])
    with pytest.raises(InvalidInput, match="does not fit into 64 bits, alone or added up"):
        get_realized_pnl(user, TODAY, TODAY, book=book)


@both_books
def test_places_and_their_trades_are_read_from_one_index(
    user: int, book: Book, store: Store
) -> None:
    add_many_trades(user, book=book)
    analyse(store, book)
    ask = partial(get_realized_pnl, user, TODAY + 7 * DAY, LAST, book=book)
    _, places, *trades = plans_of(store, book, ask)
    index = f"ix_{book.prefix}trades_position"
    assert is_index_only(places, index), places  # what was open there
    assert trades
    for plan in trades:
        assert is_index_only(plan, index), plan


@both_books
def test_of_how_many_places_and_trades_are_read_at_once_changes_nothing(
    user: int, book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    days = [-9, -9, -8, -7, -5, -2, -1, 0, 0, 1, 2, 3, 3, 4]
    for sign, symbol in ((1, "SBIN"), (-1, "INFY"), (1, "TCS")):
        opening = [(sign * 10, 100.0 + n, MONDAY + day * DAY) for n, day in enumerate(days)]
        closing = [(-sign * 9, 200.0, MONDAY + day * DAY) for day in days[6:]]
        trade(book, user, opening + closing, symbol=symbol)
        trade(book, user, closing, symbol=symbol, product="MIS")
        trade(book, user, opening[:3], symbol=symbol, product="NRML")
    whole = get_realized_pnl(user, TODAY, LAST, book=book)
    assert sum(lot.quantity for lot in whole) == 3 * 9 * len(days[7:])
    for at_once in (1, 2, 5, 6, 7):
        monkeypatch.setattr(realized_pnl, "_AT_ONCE", at_once)
        monkeypatch.setattr(traded_lots, "_FEW", at_once)
        assert get_realized_pnl(user, TODAY, LAST, book=book) == whole


# Any trades, beside an oracle that knows single units

MOMENTS = st.sampled_from(
    [
        MONDAY, MONDAY, MONDAY + timedelta(microseconds=1), MONDAY + DAY, MONDAY + 29 * DAY,
        MONDAY + 30 * DAY, MONDAY + 95 * DAY, MONDAY - 400 * DAY, MONDAY - DAY,
        datetime(2026, 3, 31, 18, 29, 59, 999_999, tzinfo=UTC),
        datetime(2026, 3, 31, 18, 30, tzinfo=UTC),
    ]
)  # fmt: skip
TRADES = st.lists(
    st.fixed_dictionaries(
        {
            "broker": st.sampled_from(["zerodha", "zerodha", "fyers"]),
            "symbol": st.sampled_from(["SBIN", "SBIN", "M&M-É"]),
            "product": st.sampled_from(["MIS", "MIS", "CNC"]),
            "action": st.sampled_from(["BUY", "SELL"]),
            "quantity": st.sampled_from([1, 1, 2, 3, 5, 8, 40]),
            "price": st.integers(-20, 10_000).filter(bool).map(lambda ticks: ticks / 20)
            | st.sampled_from([0.1, 0.000001, 1.0000005, 99_999.999999]),
            "traded_at": MOMENTS,
        }
    ),
    max_size=25,
)
DAYS = st.sampled_from(
    [TODAY - 400 * DAY, TODAY - DAY, TODAY, TODAY + DAY, date(2026, 3, 31), date(2026, 4, 1), LAST]
)


@both_books
def test_any_trades_are_matched_unit_by_unit(user: int, book: Book, store: Store) -> None:
    numbers = count(1)

    @given(TRADES, DAYS, DAYS)
    def check(trades: list[dict[str, Any]], one: date, other: date) -> None:
        owner = new_user(f"user{next(numbers)}")
        rows = [trade_row(owner, f"T{number}", **each) for number, each in enumerate(trades)]
        import_trades(book, rows)
        expected = matched(all_trades(owner, book=book))
        first, last = sorted((one, other))
        within = [lot for lot in expected if first <= indian_day(lot.exit_at) <= last]
        assert get_realized_pnl(owner, first, last, book=book) == within
        assert get_realized_pnl(owner, FIRST, LAST, book=book) == expected
        of_sbin = [lot for lot in within if lot.symbol == "SBIN" and lot.broker == "fyers"]
        asked: dict[str, Any] = {"symbol": "SBIN", "broker": "fyers", "exchange": "NSE"}
        assert get_realized_pnl(owner, first, last, **asked, book=book) == of_sbin

    check()


def matched(trades: list[Trade]) -> list[RealizedLot]:
    """The n-th unit bought beside the n-th unit sold of each place."""
    bought: dict[Any, list[Trade]] = defaultdict(list)
    sold: dict[Any, list[Trade]] = defaultdict(list)
    for each in sorted(trades, key=when):
        units = bought if each.action == "BUY" else sold
        units[each.broker, each.symbol, each.exchange, each.product] += [each] * each.quantity
    lots = [lot for place in bought for lot in lots_of(bought[place], sold[place])]
    entries = {each.id: when(each) for each in trades}
    return sorted(
        lots, key=lambda lot: (entries[lot.exit_trade_id or 0], entries[lot.entry_trade_id or 0])
    )


def lots_of(bought: list[Trade], sold: list[Trade]) -> Iterator[RealizedLot]:
    pairs = list(zip(bought, sold, strict=False))
    for buy, sale in dict.fromkeys(pairs):
        quantity = pairs.count((buy, sale))
        entry, exit_ = sorted((buy, sale), key=when)
        yield RealizedLot(
            *(buy.broker, buy.symbol, buy.exchange, buy.product, quantity),
            side="LONG" if entry is buy else "SHORT",
            entry_trade_id=entry.id,
            entry_at=entry.traded_at,
            entry_price=entry.price,
            exit_trade_id=exit_.id,
            exit_at=exit_.traded_at,
            exit_price=exit_.price,
            pnl=float(quantity * (rupees(sale.price) - rupees(buy.price))),
            holding_days=(indian_day(exit_.traded_at) - indian_day(entry.traded_at)).days,
        )


def when(each: Trade) -> tuple[datetime, int]:
    return each.traded_at, each.id


def rupees(price: float) -> Fraction:
    return Fraction(round(price * 1_000_000), 1_000_000)


def indian_day(moment: datetime) -> date:
    return (moment + IST).date()
