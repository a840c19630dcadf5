"""The history of orders: numbered pages and cursors tell the same story, and an index tells it."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import update

from openalgo_store import (
    Book,
    InvalidInput,
    Order,
    OrderPage,
    Store,
    get_order_history,
    get_orders_after,
    get_write_session,
)
from openalgo_store.engine.queries import Query
from openalgo_store.tables.trading import STATUSES
from tests.support.chance import chance_of
from tests.support.plans import analyse, is_index_only, is_sorted, plans_of
from tests.support.rows import (
    MONDAY,
    ODD_NAMES,
    ODD_TEXTS,
    add_order,
    both_books,
    new_user,
    order_row,
)

SYMBOLS = ("SBIN", "INFY", "NIFTY26MARFUT")
BROKERS = ("zerodha", "fyers")


def fill_history(book: Book, users: list[int], count: int) -> None:
    """So many orders of these users over four days, many of them in the same second."""
    chance = chance_of("order history")
    names = [*order_row(0, ""), "status"]
    rows = [
        order_row(
            chance.choice(users),
            f"A{number}",
            broker=chance.choice(BROKERS),
            symbol=chance.choice(SYMBOLS),
            status=chance.choice(STATUSES),
            placed_at=MONDAY + timedelta(hours=chance.randrange(96), seconds=chance.randrange(2)),
        )
        for number in range(count)
    ]
    with get_write_session(book.database) as tx:
        tx.copy(book.tables.orders, names, [tuple(row.values()) for row in rows])


def numbered(user: int, per_page: int, book: Book, **filters: Any) -> list[Order]:
    """All that numbered pages show, one after the other."""
    found: list[Order] = []
    for page in range(1, 1000):
        rows = get_order_history(user, page, per_page, book=book, **filters)
        found += rows
        if len(rows) < per_page:
            return found
    raise AssertionError("the pages have no end")


def walked(user: int, limit: int, book: Book, **filters: Any) -> Iterator[OrderPage]:
    """The pages that cursors lead to."""
    cursor: str | None = None
    while True:
        page = get_orders_after(user, cursor, limit, book=book, **filters)
        yield page
        if page.next_cursor is None:
            return
        cursor = page.next_cursor


def all_walked(user: int, limit: int, book: Book, **filters: Any) -> list[Order]:
    """All that cursors lead to."""
    return [order for page in walked(user, limit, book, **filters) for order in page.orders]


def newest_first(orders: list[Order]) -> list[Order]:
    """As a history has them."""
    return sorted(orders, key=lambda order: (order.placed_at, order.id), reverse=True)


# Both kinds of pages


@both_books
def test_both_kinds_of_pages_walk_through_the_same_orders(user: int, book: Book) -> None:
    other = new_user("binod")
    fill_history(book, [user, other], 400)
    whole = get_order_history(user, 1, 1000, book=book)
    assert whole == newest_first(whole)
    assert len({each.placed_at for each in whole}) < len(whole)  # ties
    assert {each.user_id for each in whole} == {user}
    assert len(whole) + len(get_order_history(other, 1, 1000, book=book)) == 400
    for size in (1, 7, 50, len(whole) - 1, len(whole), len(whole) + 1, 1000):
        if size > 1:
            assert numbered(user, size, book) == whole
        assert all_walked(user, size, book) == whole
    assert get_order_history(user, book=book) == whole[:50]
    assert get_orders_after(user, book=book).orders == whole[:50]
    for page in (1, 2, len(whole)):
        assert get_order_history(user, page, 1, book=book) == [whole[page - 1]]


@both_books
def test_the_last_page_says_that_it_is_the_last(user: int, book: Book) -> None:
    for number in range(6):
        add_order(user, f"A{number}", book=book)
    for limit, sizes in (
        (1, [1] * 6),
        (2, [2, 2, 2]),
        (3, [3, 3]),
        (4, [4, 2]),
        (6, [6]),
        (7, [6]),
    ):
        assert [len(page.orders) for page in walked(user, limit, book)] == sizes
    assert get_orders_after(99, book=book) == ([], None)
    assert get_order_history(99, book=book) == []
    for page in (2, 3, 10**6, 2**60):
        assert get_order_history(user, page, 6, book=book) == []
    end = get_orders_after(user, limit=5, book=book).next_cursor
    assert len(get_orders_after(user, end, 1000, book=book).orders) == 1


@both_books
def test_filters_find_what_a_plain_filter_finds(user: int, book: Book) -> None:
    fill_history(book, [user], 300)
    whole = get_order_history(user, 1, 1000, book=book)
    chance = chance_of("filters")
    days = [date(2026, 3, 1) + timedelta(days=number) for number in range(7)]
    found = 0
    for _ in range(40):
        begin, end = sorted((chance.choice(days), chance.choice(days)))
        every = {
            "status": chance.choice(STATUSES),
            "symbol": chance.choice((*SYMBOLS, "sbin")),
            "broker": chance.choice((*BROKERS, "angel")),
            "start_date": begin,
            "end_date": end,
        }
        filters = {name: value for name, value in every.items() if chance.random() < 0.5}
        expected = [order for order in whole if _passes(order, filters)]
        assert numbered(user, 17, book, **filters) == expected, filters
        assert all_walked(user, 17, book, **filters) == expected, filters
        found += len(expected)
    assert found > 100


def _passes(order: Order, filters: dict[str, Any]) -> bool:
    day = (order.placed_at + timedelta(hours=5, minutes=30)).date()
    return all(
        getattr(order, name) == filters.get(name, getattr(order, name)) for name in _EQUAL
    ) and filters.get("start_date", day) <= day <= filters.get("end_date", day)


_EQUAL = ("status", "symbol", "broker")


@both_books
def test_a_cursor_leads_on_from_anywhere_in_the_history(user: int, book: Book) -> None:
    fill_history(book, [user], 200)
    whole = get_order_history(user, 1, 1000, book=book)
    days: dict[str, Any] = {"start_date": date(2026, 3, 3), "end_date": date(2026, 3, 4)}
    expected = [order for order in whole if _passes(order, days)]
    assert 0 < len(expected) < len(whole)
    for page in walked(user, 9, book):
        if page.next_cursor is not None:
            older = [each for each in expected if each in whole[whole.index(page.orders[-1]) + 1 :]]
            found = get_orders_after(user, page.next_cursor, 1000, book=book, **days)
            assert found == (older, None)


@both_books
def test_the_days_of_a_filter_are_indian(user: int, book: Book) -> None:
    midnight = datetime(2028, 2, 29, 18, 30, tzinfo=UTC)  # and a leap day
    for name, at in (("before", midnight - timedelta(microseconds=1)), ("after", midnight)):
        add_order(user, name, book=book, placed_at=at)
    leap, march = date(2028, 2, 29), date(2028, 3, 1)
    for first, last, expected in (
        (leap, leap, ["before"]),
        (march, march, ["after"]),
        (leap, march, ["after", "before"]),
        (None, leap, ["before"]),
        (march, None, ["after"]),
    ):
        days: dict[str, Any] = {"start_date": first, "end_date": last}
        found = get_order_history(user, book=book, **days)
        assert [each.order_id for each in found] == expected
        assert get_orders_after(user, book=book, **days).orders == found


@both_books
def test_new_orders_between_pages_show_nothing_twice(user: int, book: Book) -> None:
    fill_history(book, [user], 120)
    first = newest_first(get_order_history(user, 1, 1000, book=book))
    later = first[0].placed_at + timedelta(minutes=1)
    seen: list[Order] = []
    for number, page in enumerate(walked(user, 13, book)):
        seen += page.orders
        oldest = page.orders[-1].placed_at
        for place, at in enumerate((later, oldest, oldest - timedelta(hours=1))):
            add_order(user, f"N{number}-{place}", book=book, placed_at=at)
        assert len(page.orders) == 13 or page.next_cursor is None
    assert len({each.id for each in seen}) == len(seen)
    assert seen == newest_first(seen)
    assert [each for each in seen if each.order_id.startswith("A")] == first


# What is refused

BAD_PAGES: list[tuple[dict[str, Any], str]] = [
    ({"page": 0}, "page must be a whole number: the first is 1"),
    ({"page": -1}, "page must be a whole number: the first is 1"),
    ({"page": "1"}, "page must be a whole number: the first is 1"),
    ({"page": True}, "page must be a whole number: the first is 1"),
    ({"page": 2.0}, "page must be a whole number: the first is 1"),
    ({"page": None}, "page must be a whole number: the first is 1"),
    ({"page": 2**63}, "page must be a whole number: the first is 1"),
    ({"page": 2**63 - 1}, "a whole number of more than 64 bits"),
    ({"per_page": 0}, "per_page must be a whole number from 1 to 1000"),
    ({"per_page": 1001}, "per_page must be a whole number from 1 to 1000"),
    ({"per_page": 10**9}, "per_page must be a whole number from 1 to 1000"),
    ({"per_page": "50"}, "per_page must be a whole number from 1 to 1000"),
    ({"per_page": 10.0}, "per_page must be a whole number from 1 to 1000"),
]
BAD_CURSORS = (
    "", " ", "0", "/", "1/", "/1", "1/2/3", "1 / 2", "1/2\n", "+1/2", "1.0/2", "1e5/2", "1/-2",
    "٣/٤", "²/1", "1/2; DROP TABLE orders", "-999999999999999999/1", "999999999999999999/1",
    "9" * 5000 + "/1", "None", *ODD_TEXTS, 5, b"1/2", 1.5, ["1/2"], True,
)  # fmt: skip
BAD_FILTERS: list[tuple[dict[str, Any], str]] = [
    ({"status": "PARTIAL"}, "status must be one of TRIGGER_PENDING, OPEN"),
    ({"status": ""}, "status must be one of TRIGGER_PENDING, OPEN"),
    ({"symbol": 5}, "text is needed, not int"),
    ({"broker": "a\0"}, "text with a NUL character"),
    ({"user_id": "1"}, "a whole number is needed, not str"),
    ({"user_id": 2**63}, "a whole number of more than 64 bits"),
    ({"start_date": date(2026, 3, 3), "end_date": date(2026, 3, 2)}, "start_date is after end_"),
    ({"start_date": MONDAY}, "a date is needed, an Indian trading day, not datetime"),
    ({"end_date": MONDAY}, "a date is needed, an Indian trading day, not datetime"),
    ({"end_date": "2026-03-02"}, "a date is needed, an Indian trading day, not str"),
    ({"start_date": date.min}, "the day is not one of this market"),
    ({"end_date": date.max}, "the day is not one of this market"),
]


@both_books
def test_a_page_that_cannot_be_is_one_clear_error(user: int, book: Book) -> None:
    order = add_order(user, "A1", book=book)

    def refuse(ask: Callable[..., object], message: str, **row: Any) -> None:
        for session in (None, tx):
            with pytest.raises(InvalidInput, match=message):
                ask(**{"user_id": user} | row, book=book, tx=session)

    with get_write_session(book.database) as tx:
        for row, message in BAD_PAGES:
            refuse(get_order_history, message, **row)
        for limit in (0, -1, 1001, 10**9, "50", True, None, 5.0):
            refuse(get_orders_after, "limit must be a whole number from 1 to 1000", limit=limit)
        for cursor in BAD_CURSORS:
            refuse(get_orders_after, "the cursor is not one: pass the next_cursor", cursor=cursor)
        for row, message in BAD_FILTERS:
            refuse(get_order_history, message, **row)
            refuse(get_orders_after, message, **row)
        assert get_order_history(user, book=book, tx=tx) == [order]  # the session goes on


@both_books
def test_any_text_can_be_searched_for(user: int, book: Book) -> None:
    for text in ODD_NAMES:
        add_order(user, text, book=book, symbol=text, broker=text)
    for text in ODD_NAMES:
        every: list[dict[str, Any]] = [{"symbol": text}, {"broker": text}]
        for filters in (*every, every[0] | every[1]):
            (found,) = get_order_history(user, book=book, **filters)
            assert found.order_id == text
            assert get_orders_after(user, book=book, **filters) == ([found], None)


# Plans


@both_books
def test_pages_are_read_from_their_index(user: int, book: Book, store: Store) -> None:
    users = [user, *(new_user(f"user{number}") for number in range(4))]
    fill_history(book, users, 20_000)
    analyse(store, book)
    index = f"ix_{book.tables.orders.name}_user_id_placed_at_id"
    cursor = get_orders_after(user, limit=1000, book=book).next_cursor
    days: dict[str, Any] = {"start_date": date(2026, 3, 3), "end_date": date(2026, 3, 6)}
    asks: list[partial[Any]] = [
        partial(get_orders_after, user, book=book),
        partial(get_orders_after, user, cursor, book=book),
        partial(get_orders_after, user, cursor, book=book, **days),
        partial(get_order_history, user, book=book),
        partial(get_order_history, user, 60, book=book),
        partial(get_order_history, user, 20, book=book, **days),
    ]
    for ask in asks:
        *place, page = plans_of(store, book, ask)
        assert index in page, page
        assert not is_sorted(page), page
        if len(ask.args) > 1:  # it begins where the page does, not where the last day ends
            assert "placed_at<?" in page or "ROW(placed_at, id) <" in page, page
            assert "placed_at < " not in page, page
        for plan in place:
            assert is_index_only(plan, index), plan
            assert not is_sorted(plan), plan
    assert len(plans_of(store, book, asks[4])) == 2


@both_books
def test_pages_of_a_rare_status_are_read_from_theirs(user: int, book: Book, store: Store) -> None:
    fill_history(book, [user, new_user("binod")], 20_000)
    with get_write_session(book.database) as tx:
        orders = book.tables.orders
        tx.run(Query.of(update(orders).values(status="COMPLETE")))
        rare = update(orders).where(orders.c.id % 1000 == 0).values(status="REJECTED")
        tx.run(Query.of(rare))
    analyse(store, book)
    index = f"ix_{book.tables.orders.name}_user_status"
    for ask in (get_orders_after, get_order_history):
        (page,) = plans_of(store, book, partial(ask, user, status="REJECTED", book=book))
        assert index in page, page
        assert not is_sorted(page), page
