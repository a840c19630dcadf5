"""Trades: history that is imported, and what is read of it."""

import inspect
import math
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest

from openalgo_store import (
    LIVE,
    SANDBOX,
    Book,
    Conflict,
    DailyPnl,
    IllegalOrderState,
    InvalidInput,
    SessionMisuse,
    Store,
    Trade,
    TransactionFailed,
    get_order,
    get_positions,
    get_read_session,
    get_trades,
    get_write_session,
    import_trade,
    record_fill,
    record_trade,
)
from tests.support.chance import chance_of
from tests.support.plans import analyse, plans_of
from tests.support.rows import (
    MONDAY,
    ODD_NAMES,
    add_many_trades,
    add_order,
    all_trades,
    both_books,
    contents,
    import_trades,
    new_user,
    trade_row,
)

TODAY = MONDAY.date()
ZEROS = DailyPnl(turnover=0.0, realized_pnl=0.0)
MICROSECOND = timedelta(microseconds=1)


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
    order = add_order(user, "A1", book=book, status="COMPLETE", **of_order)
    for order_id in ("A1", None):
        trade = import_trade(
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
    add_order(user, "A1", book=book, status="COMPLETE")
    rows = [trade_row(user, "T1"), trade_row(user, "T1", order_id="A1")]
    stored = [import_trade(**row, book=book) for row in rows]
    before = contents(book)
    assert [import_trade(**row, book=book) for row in rows] == stored
    with get_write_session(book.database) as tx:
        assert [import_trade(**row, book=book, tx=tx) for row in rows] == stored
    assert contents(book) == before
    assert get_trades(user, book=book) == stored


@both_books
def test_another_quantity_or_price_of_the_same_trade_is_a_conflict(user: int, book: Book) -> None:
    add_order(user, "A1", book=book, status="COMPLETE")
    for order_id in (None, "A1"):
        row = trade_row(user, "T1", order_id=order_id)
        import_trade(**row, book=book)
        before = contents(book)
        for change in ({"quantity": 11}, {"price": 100.05}):
            with pytest.raises(Conflict, match=r"trade T1 is stored with 10 at 100\.0"):
                import_trade(**row | change, book=book)
            with get_write_session(book.database) as tx:
                with pytest.raises(Conflict):
                    import_trade(**row | change, book=book, tx=tx)
                assert import_trade(**row, book=book, tx=tx).quantity == 10
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
    made = [import_trade(**trade_row(user, "T1") | change, book=book) for change in changes]
    assert len({each.id for each in made}) == len(changes)
    again = [import_trade(**trade_row(user, "T1") | change, book=book) for change in changes]
    assert again == made


@both_books
def test_a_trade_must_be_of_its_order(user: int, book: Book) -> None:
    add_order(user, "A1", book=book, status="COMPLETE")
    before = contents(book)
    changes: list[dict[str, Any]] = [
        {"user_id": new_user("binod")}, {"symbol": "INFY"}, {"exchange": "BSE"},
        {"action": "SELL"}, {"product": "MIS"},
    ]  # fmt: skip
    for change in changes:
        row = trade_row(user, "T1", order_id="A1") | change
        with pytest.raises(Conflict, match=f"T1 differs from order A1 in {next(iter(change))}: "):
            import_trade(**row, book=book)
    with pytest.raises(Conflict, match="must name a row of"):  # another broker has no such order
        import_trade(**trade_row(user, "T1", order_id="A1", broker="fyers"), book=book)
    assert contents(book) == before


@both_books
def test_an_order_that_is_open_takes_fills_and_no_history(user: int, book: Book) -> None:
    for status in ("TRIGGER_PENDING", "OPEN"):
        add_order(user, status, book=book, status=status)
        record_fill(status, "T1", 10, 100.0, MONDAY, book=book)
    add_order(user, "new", book=book, status="TRIGGER_PENDING")
    before = contents(book)
    statuses = {"TRIGGER_PENDING": "OPEN", "OPEN": "OPEN", "new": "TRIGGER_PENDING"}
    for order_id, status in statuses.items():
        for trade_id in ("T1", "T2"):  # one that is known is none either
            row = trade_row(user, trade_id, order_id=order_id)
            with pytest.raises(IllegalOrderState, match="its trades are fills, use record_f") as no:
                import_trade(**row, book=book)
            assert (no.value.order_id, no.value.status) == (order_id, status)
    assert contents(book) == before
    for status in ("COMPLETE", "CANCELLED", "REJECTED", "EXPIRED"):
        add_order(user, status, book=book, status=status)
        trade = import_trade(**trade_row(user, "T1", order_id=status), book=book)
        assert trade in get_trades(user, book=book)


@both_books
def test_the_old_name_of_an_import_warns_and_does_the_same(user: int, book: Book) -> None:
    with pytest.warns(DeprecationWarning, match="record_trade is now import_trade") as warned:
        trade = record_trade(**trade_row(user, "T1"), book=book)
    assert warned[0].filename == __file__
    assert import_trade(**trade_row(user, "T1"), book=book) == trade
    assert inspect.signature(record_trade) == inspect.signature(import_trade)


def test_a_trade_of_an_unknown_user_or_order_is_a_conflict(user: int) -> None:
    before = contents(LIVE)
    for change, constraint in (
        ({"user_id": 99}, "fk_trades_user_id"),
        ({"order_id": "A9"}, "fk_trades_order_id_broker"),
    ):
        with pytest.raises(Conflict) as raised:
            import_trade(**trade_row(user, "T1") | change)
        assert raised.value.constraint == constraint
        with pytest.raises(TransactionFailed), get_write_session() as tx:
            import_trade(**trade_row(user, "T2"), tx=tx)
            with pytest.raises(Conflict):
                import_trade(**trade_row(user, "T1") | change, tx=tx)
    assert contents(LIVE) == before
    assert import_trade(**trade_row(99, "T1"), book=SANDBOX).user_id == 99
    with pytest.raises(Conflict) as raised:
        import_trade(**trade_row(99, "T2", order_id="A9"), book=SANDBOX)
    assert raised.value.constraint == "fk_sandbox_trades_order_id_broker"


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
    ({"price": 0.0}, "a trade at the price 0"),
    ({"traded_at": datetime(2026, 3, 2, 9, 30)}, "has no time zone"),
    ({"traded_at": TODAY}, "a datetime is needed, not date"),
    ({"action": "HOLD"}, "action must be one of BUY, SELL"),
    ({"product": "BO"}, "product must be one of CNC, MIS, NRML, MTF"),
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
                import_trade(**trade_row(user, "T1") | change, book=book, tx=tx)
    for change, message in BAD_TRADES:
        with pytest.raises(InvalidInput, match=message):
            import_trade(**trade_row(user, "T1") | change, book=book)
    with pytest.raises(InvalidInput, match=rf"{book.prefix}trades\.broker needs a value"):
        import_trade(**trade_row(user, "T1", broker=None), book=book)
    with get_read_session(book.database) as tx:
        with pytest.raises(SessionMisuse, match="a read session cannot write"):
            import_trade(**trade_row(user, "T1"), book=book, tx=tx)
    assert contents(book) == before


@both_books
def test_the_database_itself_knows_the_words(user: int, book: Book) -> None:
    trades = book.tables.trades.name
    import_trade(**trade_row(user, "T1"), book=book)
    for column in ("action", "product"):
        with pytest.raises(InvalidInput, match=f"breaks the rule ck_{trades}_{column}:"):
            with get_write_session(book.database) as tx:
                tx.connection.exec_driver_sql(f"UPDATE {trades} SET {column} = 'HOLD'")


@both_books
def test_trades_are_told_oldest_first_and_by_what_is_asked(user: int, book: Book) -> None:
    other = new_user("binod")
    add_order(user, "A1", book=book, status="COMPLETE")
    day = timedelta(days=1)
    rows = [
        trade_row(user, "T1", traded_at=MONDAY + day, symbol="INFY"),
        trade_row(user, "T2", traded_at=MONDAY, order_id="A1"),
        trade_row(other, "T3"),
        trade_row(user, "T4", traded_at=MONDAY - day, broker="fyers"),
        trade_row(user, "T5", traded_at=MONDAY),
        *(
            trade_row(user, f"O{text}", symbol=text, traded_at=MONDAY + 9 * day)
            for text in ODD_NAMES
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
    assert [names(symbol=text) for text in ODD_NAMES] == [[f"O{text}"] for text in ODD_NAMES]
    with pytest.raises(InvalidInput, match="start_date is after end_date"):
        names(start_date=TODAY, end_date=TODAY - day)
    with pytest.raises(InvalidInput, match="a date is needed, an Indian trading day, not datetime"):
        names(start_date=MONDAY)


@both_books
def test_many_trades_are_read_a_part_at_a_time(user: int, book: Book) -> None:
    binod = new_user("binod")
    moments = [MONDAY + timedelta(minutes=number // 3) for number in range(1_010)]  # many at once
    chance_of("moments of trades").shuffle(moments)
    rows = [trade_row(user, f"T{n}", traded_at=moment) for n, moment in enumerate(moments)]
    import_trades(book, [*rows, trade_row(binod, "B1")])
    first = get_trades(user, book=book)
    rest = get_trades(user, after=first[-1].id, book=book)
    assert (len(first), len(rest)) == (1_000, 10)
    assert sorted(first + rest, key=lambda each: (each.traded_at, each.id)) == first + rest
    assert {each.trade_id for each in first + rest} == {row["trade_id"] for row in rows}
    assert get_trades(user, after=rest[-1].id, book=book) == []
    seen: list[Trade] = []
    while part := get_trades(user, after=seen[-1].id if seen else None, limit=7, book=book):
        assert len(part) <= 7
        seen += part
    assert seen == first + rest
    until = get_trades(user, after=seen[400].id, end_date=TODAY, symbol="SBIN", book=book)
    assert until == seen[401:]
    (others,) = get_trades(binod, book=book)
    for nobodys in (0, -1, others.id, 2**62):
        with pytest.raises(InvalidInput, match="after is not the id of a trade of this user"):
            get_trades(user, after=nobodys, book=book)
    for limit in (0, 1_001, -1, True, None, "5", 5.0):
        with pytest.raises(InvalidInput, match="limit must be a whole number from 1 to 1000"):
            get_trades(user, limit=limit, book=book)  # type: ignore[arg-type]


@both_books
def test_the_next_part_is_found_in_an_index_however_deep(
    user: int, book: Book, store: Store, engine_name: str
) -> None:
    add_many_trades(user, book=book)
    analyse(store, book)
    deep = all_trades(user, book=book)[3_000]
    ask = partial(get_trades, user, after=deep.id, limit=50, book=book)
    _, plan = plans_of(store, book, ask)
    assert f"ix_{book.prefix}trades_user_date" in plan, plan
    found = {"sqlite": "(user_id=? AND traded_at>?", "postgresql": "(ROW(traded_at, id) > "}
    assert found[engine_name] in plan, plan
