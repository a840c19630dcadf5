"""Orders: what is refused, with one clear error and without a trace."""

import math
import pickle
from collections.abc import Callable
from copy import copy
from datetime import datetime
from typing import Any

import pytest

from openalgo_store import (
    LIVE,
    SANDBOX,
    Book,
    IllegalOrderState,
    InvalidInput,
    NotFound,
    SessionMisuse,
    create_order,
    get_open_orders,
    get_order,
    get_order_history,
    get_read_session,
    get_write_session,
    update_order,
    update_order_status,
)
from tests.support.rows import (
    MONDAY,
    ODD_TEXTS,
    add_order,
    both_books,
    contents,
    order_row,
)

NAIVE = datetime(2026, 3, 2, 9, 30)


BAD_ORDERS: list[tuple[dict[str, Any], str]] = [
    ({"quantity": 0}, "a quantity must be 1 or more"),
    ({"quantity": -5}, "a quantity must be 1 or more"),
    ({"quantity": True}, "a whole number is needed, not bool"),
    ({"quantity": 5.0}, "a whole number is needed, not float"),
    ({"quantity": "5"}, "a whole number is needed, not str"),
    ({"quantity": 2**63}, "a whole number of more than 64 bits"),
    ({"order_id": ""}, "the order_id is empty"),
    ({"order_id": "A2 "}, "the order_id has blanks around it"),
    ({"symbol": " "}, "the symbol is empty"),
    ({"symbol": "\tSBIN"}, "the symbol has blanks around it"),
    ({"broker": ""}, "the broker is empty"),
    ({"broker": "zerodha\n"}, "the broker has blanks around it"),
    ({"symbol": "SBIN\ufeff"}, "the symbol has blanks around it"),
    ({"broker": "\u200bzerodha"}, "the broker has blanks around it"),
    ({"exchange": ""}, "the exchange must be one of"),
    ({"exchange": "nse"}, "the exchange must be one of"),
    ({"exchange": "NSE "}, "the exchange must be one of"),
    ({"exchange": 1}, "text is needed, not int"),
    ({"price": 10**400}, "more digits than a double holds"),
    ({"price": math.nan}, "NaN and infinity are not numbers"),
    ({"price": math.inf}, "NaN and infinity are not numbers"),
    ({"price": "812.35"}, "a number is needed, not str"),
    ({"price": True}, "a number is needed, not bool"),
    ({"trigger_price": -math.inf}, "NaN and infinity are not numbers"),
    ({"placed_at": NAIVE}, "has no time zone"),
    ({"placed_at": "2026-03-02"}, "a datetime is needed, not str"),
    ({"placed_at": MONDAY.date()}, "a datetime is needed, not date"),
    ({"placed_at": 0}, "a datetime is needed, not int"),
    ({"action": "HOLD"}, "action must be one of BUY, SELL"),
    ({"action": "buy"}, "action must be one of BUY, SELL"),
    ({"order_type": "ICEBERG"}, "order_type must be one of MARKET, LIMIT, SL, SL-M"),
    ({"product": ""}, "product must be one of CNC, MIS, NRML, MTF"),
    ({"status": "PARTIAL"}, "status must be one of TRIGGER_PENDING, OPEN, COMPLETE"),
    ({"order_id": "9" * 51}, "text of 51 characters where the column holds 50"),
    ({"order_id": 5}, "text is needed, not int"),
    ({"symbol": "A\0B"}, "text with a NUL character"),
    ({"symbol": "A\ud800B"}, "text with a lone surrogate"),
]
BAD_USERS: list[tuple[dict[str, Any], str]] = [
    ({"user_id": "1"}, "a whole number is needed, not str"),
    ({"user_id": 1.5}, "a whole number is needed, not float"),
    ({"user_id": True}, "a whole number is needed, not bool"),
    ({"user_id": 2**63}, "a whole number of more than 64 bits"),
]
BAD_CHANGES = [
    (change, message)
    for change, message in BAD_ORDERS
    if change.keys() <= {"quantity", "price", "trigger_price", "order_type", "product"}
]


@both_books
def test_a_bad_order_is_one_clear_error_and_leaves_nothing(user: int, book: Book) -> None:
    add_order(user, "A1", book=book)
    before = contents(book)
    for change, message in BAD_ORDERS + BAD_USERS:
        with pytest.raises(InvalidInput, match=message):
            create_order(**order_row(user, "A2") | change, book=book)
        with pytest.raises(InvalidInput, match=message), get_write_session(book.database) as tx:
            add_order(user, "A3", book=book, tx=tx)
            create_order(**order_row(user, "A2") | change, book=book, tx=tx)
    assert contents(book) == before


@both_books
def test_a_bad_change_is_one_clear_error_and_leaves_nothing(user: int, book: Book) -> None:
    add_order(user, "A1", book=book)
    before = contents(book)
    for change, message in BAD_CHANGES:
        with pytest.raises(InvalidInput, match=message):
            update_order("A1", book=book, **change)
    for name in ("product", "order_type"):
        with pytest.raises(InvalidInput, match=f"{book.prefix}orders.{name} needs a value"):
            update_order("A1", book=book, **{name: None})
    with pytest.raises(InvalidInput, match="a whole number is needed, not NoneType"):
        update_order("A1", quantity=None, book=book)
    for status in ("PARTIAL", "open", "", None):
        with pytest.raises(InvalidInput, match="status must be one of TRIGGER_PENDING, OPEN"):
            update_order_status("A1", status, book=book)  # type: ignore[arg-type]
    assert contents(book) == before


@both_books
def test_what_is_refused_before_it_is_sent_lets_the_session_go_on(user: int, book: Book) -> None:
    add_order(user, "A1", book=book)
    with get_write_session(book.database) as tx:
        for change, message in BAD_ORDERS + BAD_USERS:
            with pytest.raises(InvalidInput, match=message):
                create_order(**order_row(user, "A2") | change, book=book, tx=tx)
        for change, message in BAD_CHANGES:
            with pytest.raises(InvalidInput, match=message):
                update_order("A1", book=book, tx=tx, **change)
        with pytest.raises(NotFound):
            update_order("A2", price=1.0, book=book, tx=tx)
        update_order_status("A1", "COMPLETE", book=book, tx=tx)
        for status in ("OPEN", "CANCELLED"):
            with pytest.raises(IllegalOrderState):
                update_order_status("A1", status, book=book, tx=tx)
        with pytest.raises(IllegalOrderState):
            update_order("A1", price=1.0, book=book, tx=tx)
        add_order(user, "A3", book=book, tx=tx)
    assert [each.order_id for each in get_open_orders(user, book=book)] == ["A3"]
    kept = {each.order_id: each.status for each in get_order_history(user, book=book)}
    assert kept == {"A1": "COMPLETE", "A3": "OPEN"}


@both_books
def test_a_refusal_tells_programs_which_order_and_what_it_is(user: int, book: Book) -> None:
    add_order(user, "A1", book=book, status="CANCELLED")
    with pytest.raises(IllegalOrderState) as raised:
        update_order("A1", price=1.0, book=book)
    for error in (raised.value, pickle.loads(pickle.dumps(raised.value)), copy(raised.value)):
        assert (error.order_id, error.status) == ("A1", "CANCELLED")
        assert str(error) == "order A1 is CANCELLED: only an open order can be changed"
    bare = type(raised.value)(*raised.value.args)
    assert (str(bare), bare.order_id, bare.status) == (str(raised.value), None, None)


@both_books
def test_an_order_that_is_not_there_cannot_be_changed(user: int, book: Book) -> None:
    other = SANDBOX if book is LIVE else LIVE
    add_order(user, "A1", book=other)
    before = contents(book), contents(other)
    for name in ("A1", "", *ODD_TEXTS):
        with pytest.raises(NotFound, match="there is no order"):
            update_order(name, price=1.0, book=book)
        with pytest.raises(NotFound, match="there is no order"):
            update_order_status(name, "CANCELLED", book=book)
        assert get_order(name, book=book) is None
    assert (contents(book), contents(other)) == before


@both_books
def test_a_read_session_changes_no_order(user: int, book: Book) -> None:
    add_order(user, "A1", book=book)
    before = contents(book)
    with get_read_session(book.database) as tx:
        writes: list[Callable[[], object]] = [
            lambda: add_order(user, "A2", book=book, tx=tx),
            lambda: update_order("A1", price=1.0, book=book, tx=tx),
            lambda: update_order_status("A1", "CANCELLED", book=book, tx=tx),
        ]
        for write in writes:
            with pytest.raises(SessionMisuse, match="a read session cannot write"):
                write()
        assert len(get_open_orders(user, book=book, tx=tx)) == 1
    assert contents(book) == before


@both_books
def test_the_database_itself_knows_the_words(user: int, book: Book) -> None:
    orders = book.tables.orders.name
    add_order(user, "A1", book=book)
    before = contents(book)
    for column in ("action", "order_type", "product", "status"):
        for word in ("'HOLD'", "''", "'buy'", "'OPEN '"):
            with pytest.raises(InvalidInput, match=f"breaks the rule ck_{orders}_{column}:"):
                with get_write_session(book.database) as tx:
                    tx.connection.exec_driver_sql(f"UPDATE {orders} SET {column} = {word}")
    assert contents(book) == before
