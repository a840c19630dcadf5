"""Two reports that meet in the same rows: each takes its locks in one order, so none is ended."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import Table, select

from openalgo_store import (
    Book,
    Store,
    Transaction,
    bulk_update_holdings,
    bulk_update_positions,
    get_holdings,
    get_positions,
    get_write_session,
    record_fill,
)
from openalgo_store.repositories.trading import broker_reports
from tests.support.interleaving import Stop, hold_until
from tests.support.plans import analyse
from tests.support.rows import MONDAY, add_order, both_books, new_user
from tests.support.waiting import wait_for_a_lock

pytestmark = pytest.mark.only("postgresql")  # SQLite has one writer at a time

Report = Callable[[str, Transaction], object]


def row(user: int, symbol: str, **reported: Any) -> dict[str, Any]:
    """A row of a report about holdings; of one about positions with product="CNC"."""
    return {"user_id": user, "broker": "zerodha", "symbol": symbol, "exchange": "NSE"} | reported


def lock_b(table: Table) -> Callable[[Transaction], object]:
    """Lock the row of B, which is there."""
    row_of_b = select(table.c.id).where(table.c.symbol == "B").with_for_update()
    return lambda tx: tx.connection.execute(row_of_b).one()


def meet(report: Report, hold_b: Callable[[Transaction], object], book: Book) -> None:
    """A, B, C by one report and C, B, A by another, while a third session holds B.

    For the second the server has to find the rows as they lie in the table, where C was written
    first. Whoever takes C before A has what the other will want.
    """

    def forwards() -> None:
        with get_write_session(book.database) as tx:
            report("ABC", tx)

    def backwards() -> None:
        with get_write_session(book.database) as tx:
            for way in ("hashjoin", "mergejoin", "material", "indexscan", "bitmapscan"):
                tx.connection.exec_driver_sql(f"SET LOCAL enable_{way} = off")
            report("CBA", tx)

    with ThreadPoolExecutor(2) as threads:
        with get_write_session(book.database) as tx:
            hold_b(tx)
            both = [threads.submit(each) for each in (forwards, backwards)]
            wait_for_a_lock(sessions=2)
        for each in both:
            each.result()


@both_books
@pytest.mark.parametrize("batch", [1, 1_000])
def test_reports_of_positions_in_opposite_orders_wait_and_do_not_deadlock(
    store: Store, user: int, book: Book, batch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broker_reports, "_BATCH", batch)
    for symbol in "CBA":
        add_order(user, symbol, book=book, symbol=symbol)
        record_fill(symbol, "T1", 1, 100.0, MONDAY, book=book)
    analyse(store, book)

    def report(symbols: str, tx: Transaction) -> None:
        rows = [row(user, each, product="CNC", last_price=3.0) for each in symbols]
        assert bulk_update_positions(rows, book=book, tx=tx) == []

    meet(report, lock_b(book.tables.positions), book)
    assert [each.last_price for each in get_positions(user, book=book)] == [3.0] * 3


@both_books
@pytest.mark.parametrize("batch", [1, 1_000])
def test_reports_of_holdings_in_opposite_orders_wait_and_do_not_deadlock(
    store: Store, user: int, book: Book, batch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broker_reports, "_BATCH", batch)
    for symbol in "CBA":
        bulk_update_holdings([row(user, symbol)], book=book)
    analyse(store, book)
    hold_until(monkeypatch, "update_holdings", sessions=2)  # or one could not look what is there

    def report(symbols: str, tx: Transaction) -> None:
        bulk_update_holdings([row(user, each, quantity=3) for each in symbols], book=book, tx=tx)

    meet(report, lock_b(book.tables.holdings), book)
    assert [each.quantity for each in get_holdings(user, book=book)] == [3] * 3


@both_books
@pytest.mark.parametrize("batch", [1, 1_000])
def test_reports_of_new_holdings_in_opposite_orders_wait_and_do_not_deadlock(
    user: int, book: Book, batch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broker_reports, "_BATCH", batch)

    def report(symbols: str, tx: Transaction) -> None:
        bulk_update_holdings([row(user, each, quantity=3) for each in symbols], book=book, tx=tx)

    meet(report, lambda tx: report("B", tx), book)
    assert [each.quantity for each in get_holdings(user, book=book)] == [3] * 3


@both_books
def test_a_report_that_opens_a_holding_waits_before_it_holds_any_other(
    user: int, book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One has opened C and will update B; the other has A and B first, and C in its next batch."""
    monkeypatch.setattr(broker_reports, "_BATCH", 2)
    bulk_update_holdings([row(user, symbol) for symbol in "AB"], book=book)
    stop = Stop(monkeypatch, "update_holdings")

    def report(symbols: str) -> None:
        bulk_update_holdings([row(user, each, quantity=1) for each in symbols], book=book)

    with ThreadPoolExecutor(2) as threads:
        one = threads.submit(report, "BC")
        stop.wait()
        other = threads.submit(report, "ABC")
        wait_for_a_lock()
        stop.go_on()
        one.result()
        other.result()
    assert [each.quantity for each in get_holdings(user, book=book)] == [1] * 3


@both_books
@pytest.mark.parametrize("batch", [1, 1_000])
def test_reports_of_new_positions_in_opposite_orders_wait_and_do_not_deadlock(
    user: int, book: Book, batch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broker_reports, "_BATCH", batch)

    def report(symbols: str, tx: Transaction) -> None:
        rows = [row(user, each, product="CNC", quantity=3, average_price=9.5) for each in symbols]
        bulk_update_positions(rows, book=book, tx=tx)

    meet(report, lambda tx: report("B", tx), book)
    assert [each.quantity for each in get_positions(user, book=book)] == [3] * 3


# All that is held


def replace(user: int, symbols: str, quantity: int, book: Book) -> None:
    rows = [row(user, each, quantity=quantity) for each in symbols]
    bulk_update_holdings(rows, replace=True, book=book)


def held(user: int, book: Book) -> list[tuple[str, int]]:
    return [(each.symbol, each.quantity) for each in get_holdings(user, book=book)]


@both_books
@pytest.mark.parametrize("statement", ["lock_holdings", "update_holdings", "drop_holdings"])
def test_of_two_whole_reports_at_once_one_is_what_is_held(
    user: int, book: Book, statement: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second lacks A, which the first has, and has C, which the first would drop."""
    replace(user, "ABC", 1, book)
    stop = Stop(monkeypatch, statement)
    with ThreadPoolExecutor(2) as threads:
        one = threads.submit(replace, user, "AB", 2, book)
        stop.wait()
        other = threads.submit(replace, user, "BC", 3, book)
        wait_for_a_lock()
        stop.go_on()
        one.result()
        other.result()
    assert held(user, book) == [("B", 3), ("C", 3)]


@both_books
def test_a_whole_report_waits_for_no_other_owners(
    user: int, book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    binod = new_user("binod")
    for owner in (user, binod):
        replace(owner, "AB", 1, book)
    stop = Stop(monkeypatch, "drop_holdings")
    with ThreadPoolExecutor(1) as threads:
        one = threads.submit(replace, user, "A", 2, book)
        stop.wait()
        replace(binod, "B", 3, book)
        stop.go_on()
        one.result()
    assert (held(user, book), held(binod, book)) == ([("A", 2)], [("B", 3)])


@both_books
def test_a_whole_report_and_one_of_a_few_wait_and_do_not_deadlock(
    user: int, book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What one drops the other updates, and the reverse order is forced where locks are taken."""
    replace(user, "BCA", 1, book)
    stop = Stop(monkeypatch, "drop_holdings")
    with ThreadPoolExecutor(2) as threads:
        one = threads.submit(replace, user, "B", 2, book)
        stop.wait()
        rows = [row(user, each, quantity=3) for each in "CA"]
        other = threads.submit(bulk_update_holdings, rows, book=book)
        wait_for_a_lock()
        stop.go_on()
        one.result()
        other.result()
    assert held(user, book) == [("B", 2)]  # A and C had been sold by then
