"""Orders: what they keep, where their status may go, and what of them may change."""

from datetime import UTC, datetime, timedelta, timezone
from inspect import Parameter, signature
from itertools import product
from typing import Any

import pytest

from openalgo_store import (
    LIVE,
    SANDBOX,
    Book,
    Conflict,
    IllegalOrderState,
    InvalidInput,
    NotFound,
    Order,
    Store,
    TransactionFailed,
    create_order,
    delete_user,
    get_open_orders,
    get_order,
    get_write_session,
    record_fill,
    report_order,
    update_order,
    update_order_status,
)
from openalgo_store.tables.trading import ACTIONS, ORDER_TYPES, PRODUCTS, STATUSES
from openalgo_store.values import clock
from tests.support.rows import (
    MONDAY,
    ODD_NAMES,
    add_order,
    both_books,
    contents,
    new_user,
    order_row,
)

LEADS_ON = {
    ("TRIGGER_PENDING", "OPEN"),
    ("TRIGGER_PENDING", "COMPLETE"),
    ("TRIGGER_PENDING", "CANCELLED"),
    ("TRIGGER_PENDING", "REJECTED"),
    ("TRIGGER_PENDING", "EXPIRED"),
    ("OPEN", "TRIGGER_PENDING"),
    ("OPEN", "COMPLETE"),
    ("OPEN", "CANCELLED"),
    ("OPEN", "REJECTED"),
    ("OPEN", "EXPIRED"),
}
NAIVE = datetime(2026, 3, 2, 9, 30)
IST = timezone(timedelta(hours=5, minutes=30))


# What an order keeps


@both_books
def test_an_order_comes_back_with_every_column(user: int, book: Book) -> None:
    placed_at = datetime(2026, 3, 2, 9, 15, 0, 123456, tzinfo=IST)
    order = create_order(
        order_id="260302000000001", user_id=user, broker="zerodha", symbol="NIFTY26MARFUT",
        exchange="NFO", action="SELL", quantity=75, order_type="SL", product="MIS",
        price=22_410.05, trigger_price=22_415.0, status="TRIGGER_PENDING", placed_at=placed_at,
        strategy="straddle", exchange_order_id="1100000012345678", status_message="AMO", book=book,
    )  # fmt: skip
    assert order == Order(
        id=order.id, order_id="260302000000001", user_id=user, broker="zerodha",
        symbol="NIFTY26MARFUT", exchange="NFO", action="SELL", quantity=75, price=22_410.05,
        trigger_price=22_415.0, order_type="SL", product="MIS", status="TRIGGER_PENDING",
        fill_price=None, fill_quantity=0, placed_at=placed_at, updated_at=None,
        strategy="straddle", exchange_order_id="1100000012345678", status_message="AMO",
    )  # fmt: skip
    assert order.placed_at.tzinfo is UTC
    assert get_order("260302000000001", book=book) == order
    assert get_order("260302000000002", book=book) is None
    assert get_open_orders(user, book=book) == [order]


@both_books
def test_what_is_not_told_of_an_order_has_its_default(user: int, book: Book) -> None:
    began = clock.now()
    row = order_row(user, "A1", order_type="MARKET")
    del row["price"], row["placed_at"]
    order = create_order(**row, book=book)
    assert began <= order.placed_at <= clock.now()
    assert (order.status, order.price, order.trigger_price) == ("OPEN", None, None)
    assert (order.strategy, order.exchange_order_id, order.status_message) == (None,) * 3


@both_books
def test_every_word_of_the_field_is_taken(user: int, book: Book) -> None:
    words = list(product(ACTIONS, ORDER_TYPES, PRODUCTS, STATUSES))
    with get_write_session(book.database) as tx:
        for each in words:
            row = dict(zip(("action", "order_type", "product", "status"), each, strict=True))
            create_order(**order_row(user, " ".join(each), **row), book=book, tx=tx)
            order = get_order(" ".join(each), book=book, tx=tx)
            assert order is not None
            assert (order.action, order.order_type, order.product, order.status) == each
    assert len(words) == 2 * 4 * 4 * 6


def test_only_the_number_of_an_order_can_be_given_by_its_place() -> None:
    """Of sixteen values in a row, two would be swapped one day."""
    kinds = {name: each.kind for name, each in signature(create_order).parameters.items()}
    assert kinds.pop("order_id") is Parameter.POSITIONAL_OR_KEYWORD
    assert set(kinds.values()) == {Parameter.KEYWORD_ONLY}


@both_books
def test_any_text_comes_back_the_same(user: int, book: Book) -> None:
    for text in ODD_NAMES:
        row: dict[str, Any] = dict.fromkeys(
            ("broker", "symbol", "strategy", "status_message"), text
        )
        order = add_order(user, text, book=book, **row)
        assert get_order(text, book=book) == get_order(text, broker=text, book=book) == order
        assert {name: getattr(order, name) for name in row} == row
    assert len(get_open_orders(user, book=book)) == len(ODD_NAMES)


@both_books
def test_open_orders_are_those_that_can_still_trade_newest_first(user: int, book: Book) -> None:
    other = new_user("binod")
    for number, status in enumerate(STATUSES):
        minute = MONDAY + timedelta(minutes=number)
        add_order(user, f"A{status}", book=book, status=status, placed_at=minute)
        add_order(other, f"B{status}", book=book, status=status, placed_at=minute)
    add_order(user, "last of a tie", book=book, placed_at=MONDAY + timedelta(minutes=1))
    found = [each.order_id for each in get_open_orders(user, book=book)]
    assert found == ["last of a tie", "AOPEN", "ATRIGGER_PENDING"]


# Whose it is


def test_a_live_order_needs_an_active_user(user: int) -> None:
    binod = new_user("binod")
    kept = add_order(binod, "B1", book=LIVE)
    delete_user(binod)
    before = contents(LIVE)
    for nobody in (binod, 99, 0, -1):
        with pytest.raises(NotFound, match=f"there is no active user {nobody}"):
            add_order(nobody, "A1", book=LIVE)
    with get_write_session() as tx:
        with pytest.raises(NotFound):
            add_order(99, "A1", book=LIVE, tx=tx)
        with pytest.raises(NotFound):
            add_order(binod, "A1", book=LIVE, tx=tx)
        assert get_order("A1", tx=tx) is None  # and the session goes on
    assert contents(LIVE) == before
    assert get_order("B1") == kept  # reads, fills and moves go on
    assert record_fill("B1", "T1", 40, 812.0, MONDAY).order.fill_quantity == 40
    assert update_order("B1", quantity=60).quantity == 60
    assert update_order_status("B1", "CANCELLED").status == "CANCELLED"


def test_a_paper_order_needs_no_user(store: Store) -> None:
    order = add_order(99, "A1", book=SANDBOX)
    assert get_open_orders(99, book=SANDBOX) == [order]


@both_books
def test_a_broker_gives_an_order_number_once(user: int, book: Book) -> None:
    order = add_order(user, "A1", book=book)
    before = contents(book)
    for owner in (user, new_user("binod")):
        with pytest.raises(
            Conflict, match=r"already has a row with this order_id, broker"
        ) as raised:
            add_order(owner, "A1", book=book, symbol="INFY")
        assert raised.value.constraint == f"uq_{book.prefix}orders_order_id_broker"
    assert contents(book) == before
    with get_write_session(book.database) as tx:
        with pytest.raises(Conflict), tx.savepoint():
            add_order(user, "A1", book=book, tx=tx)
        assert get_order("A1", book=book, tx=tx) == order
    with pytest.raises(TransactionFailed), get_write_session(book.database) as tx:
        add_order(user, "A2", book=book, tx=tx)
        with pytest.raises(Conflict):
            add_order(user, "A1", book=book, tx=tx)
    assert contents(book) == before


# Where its status may go


@both_books
def test_a_status_leads_where_the_rules_say_and_nowhere_else(user: int, book: Book) -> None:
    for before, after in product(STATUSES, STATUSES):
        name = f"{before}-{after}"
        order = add_order(user, name, book=book, status=before)
        if before == after:
            assert update_order_status(name, after, book=book) == order
        elif (before, after) in LEADS_ON:
            moved = update_order_status(name, after, book=book)
            assert moved.updated_at is not None
            assert moved == order._replace(status=after, updated_at=moved.updated_at)
            assert get_order(name, book=book) == moved
            continue
        else:
            message = f"order {name} is {before} and cannot become {after}"
            with pytest.raises(IllegalOrderState) as raised:
                update_order_status(name, after, book=book)
            assert str(raised.value) == message
            assert (raised.value.order_id, raised.value.status) == (name, before)
        assert get_order(name, book=book) == order


@both_books
def test_an_order_with_fills_cannot_be_rejected(user: int, book: Book) -> None:
    add_order(user, "A1", book=book)
    order = record_fill("A1", "T1", 40, 812.0, MONDAY, book=book).order
    said = "is OPEN with 40 filled and cannot become REJECT"
    with pytest.raises(IllegalOrderState, match=said) as raised:
        update_order_status("A1", "REJECTED", book=book)
    assert (raised.value.order_id, raised.value.status) == ("A1", "OPEN")
    assert get_order("A1", book=book) == order
    assert update_order_status("A1", "CANCELLED", book=book).fill_quantity == 40


# What may change


CHANGES: list[dict[str, Any]] = [
    {"quantity": 101},
    {"quantity": 41},
    {"price": 0.05},
    {"price": None, "order_type": "MARKET"},
    {"price": -37.63},
    {"trigger_price": 811.1, "order_type": "SL-M"},
    {"quantity": 2**63 - 1, "price": 1.0, "trigger_price": 2.0, "order_type": "SL"},
]


@both_books
def test_a_change_returns_the_order_as_it_is_now(user: int, book: Book) -> None:
    bystander = add_order(user, "B1", book=book)
    for number, change in enumerate(CHANGES):
        name = f"A{number}"
        add_order(user, name, book=book)
        order = record_fill(name, "T1", 40, 812.0, MONDAY, book=book).order
        changed = update_order(name, book=book, **change)
        assert changed.updated_at is not None
        assert order.updated_at is not None
        assert changed.updated_at >= order.updated_at
        assert changed == order._replace(**change, updated_at=changed.updated_at)
        assert get_order(name, book=book) == changed
    assert get_order("B1", book=book) == bystander


@both_books
def test_an_order_that_came_to_its_end_cannot_be_changed(user: int, book: Book) -> None:
    for status in ("COMPLETE", "CANCELLED", "REJECTED", "EXPIRED"):
        order = add_order(user, status, book=book, status=status)
        with pytest.raises(IllegalOrderState, match=f"is {status}: only an open order"):
            update_order(status, price=1.0, quantity=100, book=book)
        assert get_order(status, book=book) == order


@both_books
def test_what_is_filled_cannot_be_ordered_away(user: int, book: Book) -> None:
    add_order(user, "A1", book=book)
    record_fill("A1", "T1", 40, 812.0, MONDAY, book=book)
    before = contents(book)
    for quantity in (1, 39):
        with pytest.raises(InvalidInput, match="A1 has 40 filled: its quantity cannot be less"):
            update_order("A1", quantity=quantity, book=book)
    with pytest.raises(InvalidInput, match="A1 has 40 filled: move those by convert_position"):
        update_order("A1", product="MIS", book=book)
    assert contents(book) == before


@both_books
def test_what_cannot_be_changed_is_refused_with_what_can(user: int, book: Book) -> None:
    add_order(user, "A1", book=book)
    before = contents(book)
    columns = ("status", "fill_quantity", "fill_value", "fill_price", "id", "user_id", "nonsense")
    for column in columns:
        with pytest.raises(InvalidInput) as raised:
            update_order("A1", book=book, **{"price": 1.0, column: 1})  # type: ignore[arg-type]
        assert str(raised.value) == (
            f"update_order cannot change {column}: "
            "it takes order_type, price, product, quantity, trigger_price"
        )
    with pytest.raises(InvalidInput, match="update_order cannot change nothing"):
        update_order("A1", book=book)
    assert contents(book) == before


# What its broker tells


@both_books
def test_of_two_reports_of_one_second_the_later_call_stands(user: int, book: Book) -> None:
    """Brokers tell whole seconds, and most change an order more than once in one."""
    row = order_row(user, "A1", reported_at=MONDAY, status="OPEN")
    report_order(**row, book=book)
    report_order(**row | {"price": 801.0, "status_message": "modified"}, book=book)
    order = report_order(**row | {"quantity": 50, "status": "CANCELLED"}, book=book)
    assert (order.quantity, order.price, order.status) == (50, 812.35, "CANCELLED")
    assert order.status_message == "modified"  # what is not told stays
