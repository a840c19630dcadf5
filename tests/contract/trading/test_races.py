"""Two sessions that meet in one order or position, one of them held between two statements."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from openalgo_store import (
    Book,
    ConvertedPosition,
    Fill,
    Trade,
    adjust_position,
    bulk_update_positions,
    convert_position,
    get_order,
    get_positions,
    get_trades,
    get_write_session,
    import_trade,
    record_fill,
)
from tests.support.interleaving import Stop, before_each_statement
from tests.support.rows import MONDAY, add_order, both_books, contents, trade_row
from tests.support.waiting import wait_until, waiting_sessions


@pytest.fixture
def beside(
    engine_name: str, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str, Callable[[], Any], Callable[[], Any]], tuple[Any, Any]]:
    """What two calls give: the second one comes while the first stands before a statement."""

    def run(statement: str, first: Callable[[], Any], second: Callable[[], Any]) -> tuple[Any, Any]:
        stop = Stop(monkeypatch, statement)
        with ThreadPoolExecutor(2) as threads:
            held = threads.submit(first)
            stop.wait()
            other: Future[Any] = threads.submit(second)
            if engine_name == "postgresql":  # where two can write: it ends, or waits for the first
                wait_until(lambda: other.done() or waiting_sessions() > 0)
            stop.go_on()
            return held.result(), other.result()

    return run


def trade_of(outcome: Fill | Trade) -> Trade:
    return outcome.trade if isinstance(outcome, Fill) else outcome


@both_books
@pytest.mark.parametrize("order", ["fill-import", "import-fill", "fill-fill", "import-import"])
def test_what_two_bring_of_one_trade_is_stored_once_and_counted_as_the_first_says(
    user: int, book: Book, beside: Callable[..., tuple[Any, Any]], order: str
) -> None:
    add_order(user, "A1", book=book, status="CANCELLED")  # takes late fills and history alike
    calls: dict[str, Callable[[], Any]] = {
        "fill": partial(record_fill, "A1", "T1", 10, 100.0, MONDAY, book=book),
        "import": partial(import_trade, **trade_row(user, "T1", order_id="A1"), book=book),
    }
    names = order.split("-")
    outcomes = beside("add_trade", *(calls[name] for name in names))
    (stored,) = get_trades(user, book=book)
    assert [trade_of(each) for each in outcomes] == [stored, stored]
    recorded = [each.recorded for each in outcomes if isinstance(each, Fill)]
    assert recorded == [name == "fill" and place == 0 for place, name in enumerate(names)
                        if name == "fill"]  # fmt: skip
    held = [each.quantity for each in get_positions(user, book=book)]
    assert held == ([10] if names[0] == "fill" else [])


@both_books
def test_two_orders_that_open_one_position_at_once_are_both_in_it(
    user: int, book: Book, beside: Callable[..., tuple[Any, Any]]
) -> None:
    add_order(user, "A1", book=book)
    add_order(user, "A2", book=book)

    def fill_and_look() -> Fill:
        with get_write_session(book.database) as tx:
            fill = record_fill("A1", "T1", 10, 100.0, MONDAY, book=book, tx=tx)
            get_order("A1", book=book, tx=tx)
        return fill

    one, other = beside(
        "get_order",  # the position is open by then, for this session alone
        fill_and_look,
        partial(record_fill, "A2", "T1", 30, 102.0, MONDAY, book=book),
    )
    assert (one.position.quantity, other.position.quantity) == (10, 40)
    (held,) = get_positions(user, day=MONDAY.date(), book=book)
    assert held == other.position
    assert (held.average_price, held.day_quantity) == (101.5, 40)


def convert_five(user: int, book: Book) -> ConvertedPosition:
    return convert_position(
        user, "zerodha", "SBIN", "NSE", "CNC", "MIS", 5, converted_at=MONDAY, book=book
    )


@both_books
def test_a_fill_beside_a_conversion_is_in_the_position(
    user: int, book: Book, beside: Callable[..., tuple[Any, Any]]
) -> None:
    add_order(user, "A1", book=book)
    record_fill("A1", "T1", 10, 100.0, MONDAY, book=book)
    later = MONDAY + timedelta(minutes=1)
    beside(
        "set_position",  # what it sets follows from what it has read and locked
        partial(convert_five, user, book),
        partial(record_fill, "A1", "T2", 20, 100.0, later, book=book),
    )
    held = get_positions(user, day=MONDAY.date(), book=book)
    assert [(each.product, each.quantity) for each in held] == [("CNC", 25), ("MIS", 5)]


@both_books
def test_a_late_fill_that_waits_for_the_first_conversion_sees_what_it_has_opened(
    user: int, book: Book, beside: Callable[..., tuple[Any, Any]]
) -> None:
    for name in ("A1", "A2"):
        add_order(user, name, book=book)
    yesterday = MONDAY - timedelta(days=1)
    record_fill("A1", "T1", 10, 100.0, MONDAY, book=book)
    beside(
        "set_position",
        partial(convert_five, user, book),
        partial(record_fill, "A2", "T1", 20, 90.0, yesterday, book=book),
    )
    held = get_positions(user, day=MONDAY.date(), book=book)
    assert sorted(each.quantity for each in held) == [5, 25]
    assert sum(each.buy_value for each in held) == 2_800_000_000


@both_books
def test_a_fill_that_waits_for_a_new_day_goes_into_its_own(
    user: int, book: Book, beside: Callable[..., tuple[Any, Any]]
) -> None:
    for name in ("A1", "A2"):
        add_order(user, name, book=book)
    record_fill("A1", "T1", 10, 100.0, MONDAY, book=book)
    tuesday = MONDAY + timedelta(days=1)
    beside(
        "set_position",
        partial(record_fill, "A1", "T2", 20, 100.0, tuesday, book=book),
        partial(record_fill, "A2", "T1", 5, 100.0, MONDAY, book=book),
    )
    (held,) = get_positions(user, day=tuesday.date(), book=book)
    assert (held.overnight_quantity, held.day_quantity) == (15, 20)


@both_books
def test_a_fill_that_waits_for_an_adjustment_is_in_it(
    user: int, book: Book, beside: Callable[..., tuple[Any, Any]]
) -> None:
    add_order(user, "A1", book=book)
    record_fill("A1", "T1", 10, 100.0, MONDAY, book=book)
    noon = MONDAY + timedelta(hours=2)
    all_of_it = partial(
        adjust_position, user, "zerodha", "SBIN", "NSE", "CNC", 30, 102.0, "all of it",
        adjusted_at=noon, book=book,
    )  # fmt: skip
    beside(
        "set_position",
        all_of_it,
        partial(record_fill, "A1", "T2", 20, 103.0, MONDAY, book=book),
    )
    (held,) = get_positions(user, day=MONDAY.date(), book=book)
    assert (held.quantity, held.average_price) == (30, 102.0)


@both_books
@pytest.mark.parametrize("order", [1, -1], ids=["newer first", "older first"])
@pytest.mark.parametrize(
    ("statement", "told", "pnl"),
    [("price_positions", {}, 40.0), ("set_positions", {"average_price": 101.0}, 30.0)],
    ids=["prices alone", "with a correction"],
)
def test_of_two_prices_that_are_told_at_once_the_newer_counts(
    user: int,
    book: Book,
    beside: Callable[..., tuple[Any, Any]],
    order: int,
    statement: str,
    told: dict[str, Any],
    pnl: float,
) -> None:
    add_order(user, "A1", book=book)
    record_fill("A1", "T1", 10, 100.0, MONDAY, book=book)
    row = {"user_id": user, "broker": "zerodha", "symbol": "SBIN", "exchange": "NSE"}
    both = [
        partial(
            bulk_update_positions, [row | told | {"product": "CNC", "last_price": price}],
            reported_at=MONDAY + timedelta(minutes=minute), book=book,
        )
        for price, minute in [(104.0, 2), (90.0, 1)]
    ]  # fmt: skip
    beside(statement, *both[::order])
    (held,) = get_positions(user, day=MONDAY.date(), book=book)
    assert (held.last_price, held.pnl) == (104.0, pnl)


@both_books
def test_the_first_fills_of_a_day_in_two_products_wait_and_do_not_deadlock(
    user: int, book: Book, beside: Callable[..., tuple[Any, Any]]
) -> None:
    """Each looks at every product of its instrument, in one order, before it holds any of them."""
    for product in ("CNC", "MIS"):
        add_order(user, product, product=product, book=book)
        record_fill(product, "T1", 10, 100.0, MONDAY, book=book)
    tuesday = MONDAY + timedelta(days=1)
    beside(
        "lock_positions_of_instrument",
        partial(record_fill, "MIS", "T2", 20, 100.0, tuesday, book=book),
        partial(record_fill, "CNC", "T2", 20, 100.0, tuesday, book=book),
    )
    held = get_positions(user, day=tuesday.date(), book=book)
    assert [(each.quantity, each.overnight_quantity) for each in held] == [(30, 10)] * 2


@both_books
def test_a_new_fill_is_four_statements(
    user: int, book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_order(user, "A1", book=book)
    ran: list[str] = []
    before_each_statement(monkeypatch, ran.append)
    for name in ("T1", "T2"):  # one opens the position, one finds it
        ran.clear()
        record_fill("A1", name, 10, 100.0, MONDAY, book=book)
        assert ran == ["lock_order", "add_trade", "set_order_fills", "add_to_position"]
    before = contents(book)
    ran.clear()
    record_fill("A1", "T2", 10, 100.0, MONDAY, book=book)
    assert ran == ["lock_order", "add_trade", "get_trade", "get_position"]
    assert contents(book) == before
