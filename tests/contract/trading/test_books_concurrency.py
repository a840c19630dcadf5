"""Processes that fill the same orders at once: the books are as if there had been only one."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from openalgo_store import (
    Settings,
    Store,
    create_order,
    create_user,
    get_order,
    get_positions,
    get_write_session,
)
from openalgo_store.operations.checking import check_books
from openalgo_store.repositories.trading.books import BOOKS, Book
from tests.models.book_model import BookModel
from tests.programs.trading import (
    CORRECTIONS,
    FILLERS,
    LAST_PRICES,
    MOMENTS,
    POSITIONS,
    USER_ID,
    Trader,
    all_fills,
    all_orders,
    fill_orders,
    go,
    report_prices,
)
from tests.support.chance import chance_of
from tests.support.rows import all_trades

HASH = "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaA"
both_books = pytest.mark.parametrize("book", BOOKS, ids=lambda book: book.database)
pytestmark = pytest.mark.timeout(900)


@both_books
def test_fills_that_two_processes_send_at_once_count_once(
    store: Store, book: Book, soak: Callable[[int], int]
) -> None:
    count = soak(500)
    open_market(count, book)
    fillers = start_fillers(store.settings, count, book)
    go(*fillers)
    lines = [line for filler in fillers for line in filler.end()]
    assert sorted(lines) == sorted(
        f"{what} {fill.trade_id}" for fill in all_fills(count) for what in ("recorded", "known")
    )
    assert_books_add_up(count, book)


@both_books
def test_a_process_that_is_killed_loses_nothing_when_it_sends_its_fills_again(
    store: Store, book: Book, soak: Callable[[int], int]
) -> None:
    count, deaths = soak(500), soak(10)
    open_market(count, book)
    victim, *others = start_fillers(store.settings, count, book)
    go(victim, *others)
    lines, chance = [], chance_of("deaths")
    for _ in range(deaths):
        lines += [victim.hear() for _ in range(chance.randint(1, count))]
        lines += victim.kill()
        victim = Trader(fill_orders, store.settings, book, 0, count)
        go(victim)
    lines += [line for each in (victim, *others) for line in each.end()]
    recorded = Counter(line for line in lines if line.startswith("recorded"))
    assert set(recorded.values()) == {1}
    assert len(all_fills(count)) - len(recorded) <= deaths  # it died before it could tell
    assert_books_add_up(count, book)


@pytest.mark.only("postgresql")
@both_books
def test_reports_of_last_prices_beside_the_fills_lose_nothing_and_lock_nobody_out(
    store: Store, book: Book, soak: Callable[[int], int]
) -> None:
    count = soak(500)
    open_market(count, book)
    fillers = start_fillers(store.settings, count, book)
    reporters = [Trader(report_prices, store.settings, book, backwards) for backwards in (0, 1)]
    go(*reporters, *fillers)
    lines = [line for filler in fillers for line in filler.end()]
    for reporter in reporters:
        reporter.send("stop")
    assert all(int(reporter.end()[-1]) > 0 for reporter in reporters)
    assert sum(line.startswith("recorded") for line in lines) == len(all_fills(count))
    assert {each.last_price for each in get_positions(USER_ID, book=book)} <= {*LAST_PRICES}
    assert_books_add_up(count, book)


def open_market(count: int, book: Book) -> None:
    """The orders to be filled."""
    assert create_user("trader", "trader@example.org", HASH).id == USER_ID
    with get_write_session(book.database) as tx:
        for order in all_orders(count):
            create_order(**order, book=book, tx=tx)


def start_fillers(settings: Settings, count: int, book: Book) -> list[Trader]:
    """Processes that will send every fill, each of them twice."""
    return [Trader(fill_orders, settings, book, filler, count) for filler in range(FILLERS)]


def assert_books_add_up(count: int, book: Book) -> None:
    """Orders, trades and positions are what one process would have made of the same fills."""
    model = BookModel(MOMENTS[-1])
    for order in all_orders(count):
        model.create_order(**order)
    for fill in all_fills(count):
        model.book(*fill)
    for correction in CORRECTIONS:
        place: dict[str, Any] = {"user_id": USER_ID, **correction.place}
        if "reason" in correction.told:
            model.adjust_position(**place, **correction.told, adjusted_at=correction.at)
        else:
            model.bulk_update_positions([place | correction.told], correction.at)
    day = MOMENTS[-1].date()
    positions = get_positions(USER_ID, day=day, book=book)
    reported = {each.symbol: each.last_price for each in positions}
    model.bulk_update_positions(
        [
            place | {"user_id": USER_ID, "last_price": reported[place["symbol"]]}
            for place in POSITIONS
        ]
    )
    assert [each._replace(id=0) for each in positions] == model.get_positions(day)
    for expected in model.orders.values():
        found = get_order(expected.order_id, book=book)
        assert found is not None
        assert found._replace(id=0, updated_at=expected.updated_at) == expected
    assert list(check_books()) == []
    trades = [each._replace(id=0) for each in all_trades(USER_ID, book=book)]
    assert sorted(trades) == sorted(model.trades.values())
