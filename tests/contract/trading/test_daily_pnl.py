"""The profit or loss of Indian days: which day a trade falls on, exact sums, one index."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from functools import partial
from typing import Any

import pytest

from openalgo_store import (
    SANDBOX,
    Book,
    DailyPnl,
    InvalidInput,
    Store,
    SymbolPnl,
    get_daily_pnl,
    get_daily_pnl_by_symbol,
    get_trades,
    record_fill,
)
from tests.support.chance import chance_of
from tests.support.plans import analyse, is_index_only, plans_of
from tests.support.rows import (
    MONDAY,
    add_many_trades,
    add_order,
    both_books,
    import_trades,
    trade_row,
)

TODAY = MONDAY.date()
ZEROS = DailyPnl(turnover=0.0, realized_pnl=0.0)
MICROSECOND = timedelta(microseconds=1)


BOUNDARIES = [date(2026, 3, 2), date(2026, 2, 28), date(2026, 3, 31), date(2026, 12, 31),
              date(2028, 2, 28), date(2028, 2, 29)]  # fmt: skip
"""Days at the end of which, 18:30 UTC, the next one begins: month ends, a leap day, a year."""


@both_books
def test_a_trade_falls_on_the_right_indian_day(user: int, book: Book) -> None:
    for day in BOUNDARIES:
        over = datetime(day.year, day.month, day.day, 18, 30, tzinfo=UTC)
        last = {"traded_at": over - MICROSECOND, "quantity": 3}  # 18:29:59.999999
        first = {"traded_at": over, "quantity": 5, "action": "SELL"}
        name = day.isoformat()
        import_trades(book, [trade_row(user, name, **each) for each in (last, first)])
    expected = dict.fromkeys((day + timedelta(days=n) for day in BOUNDARIES for n in (-1, 0, 1)), 0)
    for day in BOUNDARIES:
        expected[day] -= 300
        expected[day + timedelta(days=1)] += 500
    for day, pnl in expected.items():
        traded = [each for each in BOUNDARIES if each in (day, day - timedelta(days=1))]
        turnover = sum(300 if each == day else 500 for each in traded)
        assert get_daily_pnl(user, day, book=book) == (turnover, pnl), day
        by_symbol = get_daily_pnl_by_symbol(user, day, book=book)
        assert [each.realized_pnl for each in by_symbol] == ([pnl] if traded else []), day
        found = get_trades(user, start_date=day, end_date=day, book=book)
        assert sum(each.quantity * each.price for each in found) == turnover, day


@both_books
def test_a_day_without_trades_gives_zeros(user: int, book: Book) -> None:
    import_trades(book, [trade_row(user, "T1"), trade_row(user, "T2", action="SELL")])
    for owner, day in ((user, TODAY - timedelta(days=1)), (user, date(2028, 2, 29)), (99, TODAY)):
        assert get_daily_pnl(owner, day, book=book) == ZEROS
        assert get_daily_pnl_by_symbol(owner, day, book=book) == []
    assert get_daily_pnl(user, TODAY, book=book) == (2000.0, 0.0)


@both_books
def test_a_day_beyond_64_bits_is_told_alike_by_both_engines(user: int, book: Book) -> None:
    huge = [trade_row(user, f"T{n}", quantity=10**6, price=2_300_000.0) for n in range(6)]
    import_trades(book, huge)
    asks: list[Callable[..., object]] = [get_daily_pnl, get_daily_pnl_by_symbol]
    for ask in asks:
        with pytest.raises(InvalidInput, match="does not fit into 64 bits, alone or added up"):
            ask(user, TODAY, book=book)


@both_books
def test_what_is_no_day_has_no_profit(user: int, book: Book) -> None:
    asks: list[Callable[..., object]] = [get_daily_pnl, get_daily_pnl_by_symbol]
    for ask in asks:
        for no_day in (MONDAY, "2026-03-02", None, 20260302):
            with pytest.raises(InvalidInput, match="a date is needed, an Indian trading day"):
                ask(user, no_day, book=book)
        for far in (date(1, 1, 1), date.max):
            with pytest.raises(InvalidInput, match="check its year"):
                ask(user, far, book=book)


@both_books
def test_sums_are_exact_where_floats_are_not(user: int, book: Book) -> None:
    rows = [trade_row(user, f"B{n}", quantity=1, price=0.1) for n in range(3)]
    rows += [trade_row(user, f"S{n}", quantity=3, price=0.7, action="SELL") for n in range(3)]
    rows += [trade_row(user, "C1", quantity=1, price=0.000001, symbol="INFY")]
    import_trades(book, rows)
    assert 0.1 + 0.1 + 0.1 != 0.3
    assert get_daily_pnl(user, TODAY, book=book) == (6.600001, 5.999999)
    infy, sbin = get_daily_pnl_by_symbol(user, TODAY, book=book)
    assert infy == SymbolPnl("INFY", "NSE", 0.000001, -0.000001, 1, 0.000001, 0, 0.0, 1, 0.0)
    assert sbin[2:4] == (6.6, 6.0)
    assert (sbin.buy_quantity, sbin.sell_quantity, sbin.net_quantity) == (3, 9, -6)
    assert (sbin.buy_average, sbin.sell_average) == (0.1, 0.7)
    assert sbin.matched_pnl == pytest.approx(1.8, rel=1e-15)


@both_books
def test_the_days_of_instruments_add_up_to_the_whole_day(user: int, book: Book) -> None:
    chance = chance_of("trades of a day")
    rows = [
        trade_row(
            chance.choice((user, 99) if book is SANDBOX else (user,)),
            f"T{number}",
            symbol=chance.choice(("SBIN", "INFY", "बजाज")),
            exchange=chance.choice(("NSE", "BSE")),
            action=chance.choice(("BUY", "SELL")),
            quantity=chance.randint(1, 500),
            price=round(chance.uniform(-5, 3000), 6),
            traded_at=MONDAY + timedelta(hours=chance.randint(-24, 24)),
        )
        for number in range(400)
    ]
    import_trades(book, rows)
    mine = [row for row in rows if row["user_id"] == user]
    for day in (TODAY, TODAY - timedelta(days=1), TODAY + timedelta(days=1)):
        traded = [row for row in mine if _indian_day(row["traded_at"]) == day]
        turnover, pnl = _sums(traded)
        assert get_daily_pnl(user, day, book=book) == (turnover, pnl)
        found = get_daily_pnl_by_symbol(user, day, book=book)
        keys = sorted({(row["symbol"], row["exchange"]) for row in traded})
        assert [(each.symbol, each.exchange) for each in found] == keys
        for each, (symbol, exchange) in zip(found, keys, strict=True):
            own = [row for row in traded if (row["symbol"], row["exchange"]) == (symbol, exchange)]
            assert (each.turnover, each.realized_pnl) == _sums(own)
            assert each.net_quantity == each.buy_quantity - each.sell_quantity
        assert sum(each.turnover for each in found) == pytest.approx(turnover, abs=1e-6)
        assert sum(each.realized_pnl for each in found) == pytest.approx(pnl, abs=1e-6)


def _indian_day(moment: datetime) -> date:
    return (moment + timedelta(hours=5, minutes=30)).date()


def _sums(rows: list[dict[str, Any]]) -> tuple[float, float]:
    """Turnover, and sells less buys, as exact fractions first."""
    values = [
        (row["action"], Fraction(row["quantity"] * round(row["price"] * 1_000_000), 1_000_000))
        for row in rows
    ]
    turnover = sum((value for _, value in values), Fraction())
    pnl = sum((value if action == "SELL" else -value for action, value in values), Fraction())
    return float(turnover), float(pnl)


@both_books
def test_fills_and_imports_count_alike(user: int, book: Book) -> None:
    add_order(user, "A1", book=book)
    record_fill("A1", "T1", 40, 812.0, MONDAY, book=book)
    import_trades(book, [trade_row(user, "T2", quantity=30, price=815.0, action="SELL")])
    (pnl,) = get_daily_pnl_by_symbol(user, TODAY, book=book)
    assert pnl == SymbolPnl("SBIN", "NSE", 56_930.0, -8_030.0, 40, 812.0, 30, 815.0, 10, 90.0)


@both_books
def test_the_profit_of_a_day_is_read_from_an_index_alone(
    user: int, book: Book, store: Store
) -> None:
    add_many_trades(user, book=book)
    analyse(store, book)
    asks: list[Callable[..., object]] = [get_daily_pnl, get_daily_pnl_by_symbol]
    for ask in asks:
        (plan,) = plans_of(store, book, partial(ask, user, TODAY, book=book))
        assert is_index_only(plan, f"ix_{book.prefix}trades_user_date"), plan
