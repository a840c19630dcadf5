"""LIVE never shows what is SANDBOX's, and the reverse: apart, and in one database or file."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from openalgo_store import (
    LIVE,
    SANDBOX,
    Book,
    NotFound,
    SessionMisuse,
    Store,
    WrongDatabase,
    adjust_position,
    bulk_update_holdings,
    bulk_update_positions,
    convert_position,
    create_order,
    get_daily_pnl,
    get_daily_pnl_by_symbol,
    get_holdings,
    get_open_orders,
    get_order,
    get_order_history,
    get_orders_after,
    get_position_adjustments,
    get_position_history,
    get_positions,
    get_read_session,
    get_trades,
    get_write_session,
    import_trade,
    record_fill,
    report_order,
    update_order_status,
    use_store,
)
from openalgo_store.repositories.trading.books import BOOKS
from openalgo_store.schema.migrate import run_migrations
from openalgo_store.settings import DATABASES
from openalgo_store.values import clock
from tests.conftest import Urls, settings_of
from tests.support.rows import (
    MONDAY,
    add_order,
    both_books,
    contents,
    new_user,
    order_row,
    trade_row,
)

TODAY = MONDAY.date()


@pytest.fixture(params=["apart", "together"])
def opened(request: pytest.FixtureRequest, engine_name: str) -> Iterator[Store]:
    """A store whose five databases are apart, and one whose five names are one database."""
    if request.param == "apart":
        urls: Urls = request.getfixturevalue("separate_urls")
    else:
        fresh: Urls = request.getfixturevalue("fresh_urls")
        urls = dict.fromkeys(DATABASES, fresh["main"])
    for name in ("main", "sandbox"):
        run_migrations(urls[name], name)
    with Store(settings_of(urls)) as store:
        use_store(store)
        yield store
    use_store(None)


def everything(user: int, book: Book) -> dict[str, Any]:
    """What each reading function tells of a user in a book."""
    return {
        "open orders": get_open_orders(user, book=book),
        "history": get_order_history(user, book=book),
        "cursor": get_orders_after(user, book=book).orders,
        "orders": [get_order(name, book=book) for name in ("A1", "A2")],
        "trades": get_trades(user, book=book),
        "positions": get_positions(user, book=book),
        "holdings": get_holdings(user, book=book),
        "pnl": get_daily_pnl(user, TODAY, book=book),
        "by symbol": get_daily_pnl_by_symbol(user, TODAY, book=book),
        "days": get_position_history(user, TODAY, TODAY, book=book),
        "adjustments": get_position_adjustments(user, TODAY, TODAY, book=book),
    }


def write_everything(user: int, book: Book) -> None:
    """A row in each table of the book, by each writing function."""
    for name in ("A1", "A2"):
        add_order(user, name, book=book)
        record_fill(name, "T1", 40, 812.0, MONDAY, book=book)
    update_order_status("A2", "CANCELLED", book=book)
    import_trade(**trade_row(user, "T1"), book=book)
    key = {"user_id": user, "broker": "zerodha", "symbol": "SBIN", "exchange": "NSE"}
    assert bulk_update_positions([key | {"product": "CNC", "last_price": 1.0}], book=book) == []
    assert bulk_update_holdings([key | {"quantity": 5}], book=book) == 1
    told = order_row(user, "A3", status="OPEN", filled_quantity=20, average_price=811.0)
    assert report_order(**told, book=book).fill_quantity == 20
    place = (user, "zerodha", "SBIN", "NSE")
    convert_position(*place, "CNC", "MIS", 5, book=book)
    adjust_position(*place, "MIS", 10, 406.0, "bonus 1:1", book=book)
    record_fill("A1", "T2", 1, 813.0, MONDAY + timedelta(days=1), book=book)


def test_a_book_never_shows_what_is_the_others(
    opened: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "now", lambda: MONDAY)
    user = new_user()
    for book, other in (BOOKS, BOOKS[::-1]):
        before = everything(user, other), contents(other)
        write_everything(user, book)
        assert (everything(user, other), contents(other)) == before
    live, paper = (everything(user, book) for book in BOOKS)
    assert live == paper  # the same was written, and each has its own
    assert all(1 <= len(rows) <= 4 for book in BOOKS for rows in contents(book).values())


def test_the_same_order_number_is_one_order_in_each_book(opened: Store) -> None:
    user = new_user()
    live, paper = (
        create_order(**order_row(user, "A1", quantity=units), book=book)
        for book, units in ((LIVE, 10), (SANDBOX, 20))
    )
    record_fill("A1", "T1", 20, 1.0, MONDAY, book=SANDBOX)
    assert get_order("A1") == get_order("A1", book=LIVE) == live
    assert get_order("A1", book=SANDBOX) != paper
    assert get_positions(user) == []


@both_books
def test_a_session_of_the_other_book_is_refused(store: Store, book: Book) -> None:
    user = new_user()
    other = SANDBOX if book is LIVE else LIVE
    add_order(user, "A1", book=book)
    before = contents(book), contents(other)
    for session in (get_read_session, get_write_session):
        with session(other.database) as tx:
            with pytest.raises(WrongDatabase, match="does not hold these tables"):
                get_order("A1", book=book, tx=tx)
    with get_write_session(other.database) as tx:
        with pytest.raises(WrongDatabase):
            add_order(user, "A2", book=book, tx=tx)
        with pytest.raises(WrongDatabase):
            record_fill("A1", "T1", 1, 1.0, MONDAY, book=book, tx=tx)
        with pytest.raises(WrongDatabase):
            bulk_update_positions([], book=book, tx=tx)
        with pytest.raises(WrongDatabase):
            report_order(**order_row(user, "A2"), status="OPEN", book=book, tx=tx)
        with pytest.raises(WrongDatabase):
            adjust_position(user, "zerodha", "SBIN", "NSE", "CNC", 1, 1.0, "?", book=book, tx=tx)
    with pytest.raises(NotFound):
        record_fill("A1", "T1", 1, 1.0, MONDAY, book=other)
    assert (contents(book), contents(other)) == before


@pytest.mark.parametrize("opened", ["together"], indirect=True)
def test_books_in_one_database_are_not_written_in_two_sessions_of_a_thread(opened: Store) -> None:
    user = new_user()
    with get_write_session("main") as tx:
        add_order(user, "A1", book=LIVE, tx=tx)
        with pytest.raises(SessionMisuse, match="main and sandbox are one database"):
            add_order(user, "A1", book=SANDBOX)
    assert get_order("A1") is not None
    assert get_order("A1", book=SANDBOX) is None
