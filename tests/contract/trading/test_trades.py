"""Trades: imported history, and the profit or loss of Indian days."""

import math
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from functools import partial
from typing import Any

import pytest

from openalgo_store import (
    LIVE,
    SANDBOX,
    Book,
    Conflict,
    DailyPnl,
    InvalidInput,
    SessionMisuse,
    Store,
    SymbolPnl,
    Trade,
    TransactionFailed,
    get_daily_pnl,
    get_daily_pnl_by_symbol,
    get_order,
    get_positions,
    get_read_session,
    get_trades,
    get_write_session,
    record_fill,
    record_trade,
)
from tests.support.chance import chance_of
from tests.support.plans import analyse, is_index_only, plans_of
from tests.support.rows import (
    MONDAY,
    ODD_TEXTS,
    add_order,
    both_books,
    contents,
    new_user,
    trade_row,
)

TODAY = MONDAY.date()
ZEROS = DailyPnl(turnover=0.0, realized_pnl=0.0)
MICROSECOND = timedelta(microseconds=1)


@pytest.fixture
def user(store: Store) -> int:
    """Asha, whose trades these are."""
    return new_user()


def import_trades(book: Book, rows: Iterable[dict[str, Any]]) -> None:
    """Record many trades at once."""
    with get_write_session(book.database) as tx:
        for row in rows:
            record_trade(**row, book=book, tx=tx)


# History that is imported


@both_books
def test_a_trade_is_kept_with_every_column_and_no_effect_on_the_books(
    user: int, book: Book
) -> None:
    of_order: dict[str, Any] = {
        "symbol": "NIFTY26MARFUT",
        "exchange": "NFO",
        "action": "SELL",
        "product": "NRML",
    }
    order = add_order(user, "A1", book=book, **of_order)
    for order_id in ("A1", None):
        trade = record_trade(
            "T1", user, "zerodha", "NIFTY26MARFUT", "NFO", "SELL", "NRML", 75, 22_410.05,
            MONDAY + MICROSECOND, order_id, book=book,
        )  # fmt: skip
        assert trade == Trade(
            id=trade.id, trade_id="T1", order_id=order_id, user_id=user, broker="zerodha",
            symbol="NIFTY26MARFUT", exchange="NFO", action="SELL", product="NRML", quantity=75,
            price=22_410.05, traded_at=MONDAY + MICROSECOND,
        )  # fmt: skip
        assert trade in get_trades(user, book=book)
    assert get_order("A1", book=book) == order
    assert get_positions(user, book=book) == []


@both_books
def test_the_same_trade_again_changes_nothing(user: int, book: Book) -> None:
    add_order(user, "A1", book=book)
    rows = [trade_row(user, "T1"), trade_row(user, "T1", order_id="A1")]
    stored = [record_trade(**row, book=book) for row in rows]
    before = contents(book)
    assert [record_trade(**row, book=book) for row in rows] == stored
    with get_write_session(book.database) as tx:
        assert [record_trade(**row, book=book, tx=tx) for row in rows] == stored
    assert contents(book) == before
    assert get_trades(user, book=book) == stored


@both_books
def test_another_quantity_or_price_of_the_same_trade_is_a_conflict(user: int, book: Book) -> None:
    add_order(user, "A1", book=book)
    for order_id in (None, "A1"):
        row = trade_row(user, "T1", order_id=order_id)
        record_trade(**row, book=book)
        before = contents(book)
        for change in ({"quantity": 11}, {"price": 100.05}):
            with pytest.raises(Conflict, match=r"trade T1 is stored with 10 at 100\.0"):
                record_trade(**row | change, book=book)
            with get_write_session(book.database) as tx:
                with pytest.raises(Conflict):
                    record_trade(**row | change, book=book, tx=tx)
                assert record_trade(**row, book=book, tx=tx).quantity == 10
        assert contents(book) == before


@both_books
def test_a_trade_without_an_order_is_known_by_all_but_quantity_and_price(
    user: int, book: Book
) -> None:
    binod = new_user("binod")
    changes: list[dict[str, Any]] = [
        {}, {"trade_id": "T2"}, {"user_id": binod}, {"broker": "fyers"}, {"symbol": "INFY"},
        {"exchange": "BSE"}, {"action": "SELL"}, {"product": "MIS"},
        {"traded_at": MONDAY + MICROSECOND},
    ]  # fmt: skip
    made = [record_trade(**trade_row(user, "T1") | change, book=book) for change in changes]
    assert len({each.id for each in made}) == len(changes)
    again = [record_trade(**trade_row(user, "T1") | change, book=book) for change in changes]
    assert again == made


@both_books
def test_a_trade_must_be_of_its_order(user: int, book: Book) -> None:
    add_order(user, "A1", book=book)
    before = contents(book)
    changes: list[dict[str, Any]] = [
        {"user_id": new_user("binod")}, {"broker": "fyers"}, {"symbol": "INFY"},
        {"exchange": "BSE"}, {"action": "SELL"}, {"product": "MIS"},
    ]  # fmt: skip
    for change in changes:
        row = trade_row(user, "T1", order_id="A1") | change
        with pytest.raises(Conflict, match=f"T1 differs from order A1 in {next(iter(change))}: "):
            record_trade(**row, book=book)
    assert contents(book) == before


def test_a_trade_of_an_unknown_user_or_order_is_a_conflict(user: int) -> None:
    before = contents(LIVE)
    for change, constraint in (
        ({"user_id": 99}, "fk_trades_user_id"),
        ({"order_id": "A9"}, "fk_trades_order_id"),
    ):
        with pytest.raises(Conflict) as raised:
            record_trade(**trade_row(user, "T1") | change)
        assert raised.value.constraint == constraint
        with pytest.raises(TransactionFailed), get_write_session() as tx:
            record_trade(**trade_row(user, "T2"), tx=tx)
            with pytest.raises(Conflict):
                record_trade(**trade_row(user, "T1") | change, tx=tx)
    assert contents(LIVE) == before
    assert record_trade(**trade_row(99, "T1"), book=SANDBOX).user_id == 99
    with pytest.raises(Conflict) as raised:
        record_trade(**trade_row(99, "T2", order_id="A9"), book=SANDBOX)
    assert raised.value.constraint == "fk_sandbox_trades_order_id"


BAD_TRADES: list[tuple[dict[str, Any], str]] = [
    ({"quantity": 0}, "a quantity must be 1 or more"),
    ({"quantity": True}, "a whole number is needed, not bool"),
    ({"quantity": 1.5}, "a whole number is needed, not float"),
    ({"quantity": 2**62}, "more than a book can add up"),
    ({"price": math.nan}, "NaN and infinity"),
    ({"price": math.inf}, "NaN and infinity"),
    ({"price": 1e303}, "more than two million million rupees"),
    ({"price": 1e12}, "more than a book can add up"),
    ({"price": None}, "a number is needed, not NoneType"),
    ({"traded_at": datetime(2026, 3, 2, 9, 30)}, "has no time zone"),
    ({"traded_at": TODAY}, "a datetime is needed, not date"),
    ({"action": "HOLD"}, "action must be one of BUY, SELL"),
    ({"product": "MTF"}, "product must be one of CNC, MIS, NRML"),
    ({"user_id": "1"}, "a whole number is needed, not str"),
    ({"symbol": "A\0"}, "text with a NUL character"),
    ({"trade_id": "9" * 51}, "text of 51 characters where the column holds 50"),
]


@both_books
def test_a_bad_trade_is_one_clear_error_and_leaves_nothing(user: int, book: Book) -> None:
    before = contents(book)
    with get_write_session(book.database) as tx:
        for change, message in BAD_TRADES:
            with pytest.raises(InvalidInput, match=message):
                record_trade(**trade_row(user, "T1") | change, book=book, tx=tx)
    for change, message in BAD_TRADES:
        with pytest.raises(InvalidInput, match=message):
            record_trade(**trade_row(user, "T1") | change, book=book)
    with pytest.raises(InvalidInput, match=rf"{book.prefix}trades\.broker needs a value"):
        record_trade(**trade_row(user, "T1", broker=None), book=book)
    with get_read_session(book.database) as tx:
        with pytest.raises(SessionMisuse, match="a read session cannot write"):
            record_trade(**trade_row(user, "T1"), book=book, tx=tx)
    assert contents(book) == before


@both_books
def test_the_database_itself_knows_the_words(user: int, book: Book) -> None:
    trades = book.tables.trades.name
    record_trade(**trade_row(user, "T1"), book=book)
    for column in ("action", "product"):
        with pytest.raises(InvalidInput, match=f"breaks the rule ck_{trades}_{column}:"):
            with get_write_session(book.database) as tx:
                tx.connection.exec_driver_sql(f"UPDATE {trades} SET {column} = 'HOLD'")


@both_books
def test_trades_are_told_oldest_first_and_by_what_is_asked(user: int, book: Book) -> None:
    other = new_user("binod")
    add_order(user, "A1", book=book)
    day = timedelta(days=1)
    rows = [
        trade_row(user, "T1", traded_at=MONDAY + day, symbol="INFY"),
        trade_row(user, "T2", traded_at=MONDAY, order_id="A1"),
        trade_row(other, "T3"),
        trade_row(user, "T4", traded_at=MONDAY - day, broker="fyers"),
        trade_row(user, "T5", traded_at=MONDAY),
        *(
            trade_row(user, f"O{text}", symbol=text, traded_at=MONDAY + 9 * day)
            for text in ODD_TEXTS
        ),
    ]
    import_trades(book, rows)

    def names(**filters: Any) -> list[str]:
        return [each.trade_id for each in get_trades(user, book=book, **filters)]

    assert names()[:4] == ["T4", "T2", "T5", "T1"]
    assert names(symbol="INFY") == ["T1"]
    assert names(broker="fyers") == ["T4"]
    assert names(order_id="A1") == ["T2"]
    assert names(start_date=TODAY, end_date=TODAY) == ["T2", "T5"]
    assert names(start_date=TODAY, end_date=TODAY + day, symbol="INFY") == ["T1"]
    assert names(end_date=TODAY - day) == ["T4"]
    assert [names(symbol=text) for text in ODD_TEXTS] == [[f"O{text}"] for text in ODD_TEXTS]
    with pytest.raises(InvalidInput, match="start_date is after end_date"):
        names(start_date=TODAY, end_date=TODAY - day)
    with pytest.raises(InvalidInput, match="a date is needed, an Indian trading day, not datetime"):
        names(start_date=MONDAY)


# The profit or loss of a day

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
    trades = book.tables.trades
    columns = [name for name in Trade._fields if name != "id"]
    owners = [user, *(new_user(f"user{number}") for number in range(4))]
    with get_write_session(book.database) as tx:
        rows = [
            tuple(
                trade_row(
                    owners[number % 5], f"T{number}", order_id=None, symbol=f"S{number % 40}",
                    traded_at=MONDAY + timedelta(minutes=number),
                )[name]
                for name in columns
            )
            for number in range(20_000)
        ]  # fmt: skip
        tx.copy(trades, columns, rows)
    analyse(store, book)
    asks: list[Callable[..., object]] = [get_daily_pnl, get_daily_pnl_by_symbol]
    for ask in asks:
        (plan,) = plans_of(store, book, partial(ask, user, TODAY, book=book))
        assert is_index_only(plan, f"ix_{trades.name}_user_date"), plan
