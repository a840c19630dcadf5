"""Positions: what a broker reports of them."""

import math
from collections.abc import Mapping
from typing import Any

import pytest

from openalgo_store import (
    Book,
    InvalidInput,
    SessionMisuse,
    bulk_update_positions,
    get_positions,
    get_read_session,
    get_write_session,
    record_fill,
)
from openalgo_store.values import clock
from tests.contract.trading.conftest import TUESDAY, Traded, fill
from tests.support.rows import MONDAY, ODD_TEXTS, add_order, both_books, contents


def key(user: int, symbol: str = "SBIN", **changes: Any) -> dict[str, Any]:
    """A row of a report about a position of `fill`."""
    row = {"user_id": user, "broker": "zerodha", "symbol": symbol, "exchange": "NSE"}
    return row | {"product": "CNC"} | changes


@both_books
def test_a_report_sets_what_it_tells_and_leaves_the_sums(
    user: int, book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "now", lambda: TUESDAY)
    filled = fill(user, [Traded(40, 103.0), Traded(-10, 110.0)], book=book)
    other = fill(user, [Traded(1, 1.0)], book=book, symbol="INFY")
    reported: dict[str, Any] = {
        "quantity": -7, "average_price": 99.5, "last_price": 98.25, "pnl": 12.34,
        "day_quantity": -37, "overnight_quantity": 30,
    }  # fmt: skip
    assert bulk_update_positions([key(user, **reported)], book=book) == []
    found = get_positions(user, day=MONDAY.date(), book=book)
    assert found == [other, filled._replace(**reported, trading_day=TUESDAY.date())]


@both_books
def test_of_day_and_overnight_quantity_one_follows_from_the_other(user: int, book: Book) -> None:
    fill(user, [Traded(40, 103.0)], book=book)
    for reported, day, overnight in (
        ({"last_price": 103.0}, 0, 40),  # what was traded on an earlier day
        ({"day_quantity": 0}, 0, 40),
        ({"overnight_quantity": 15}, 25, 15),
        ({"quantity": 75, "overnight_quantity": 60}, 15, 60),
        ({"day_quantity": -5}, -5, 80),
        ({"day_quantity": 1, "overnight_quantity": 2}, 1, 2),
        ({"last_price": 104.0}, 1, 2),
    ):
        bulk_update_positions([key(user, **reported)], book=book)
        (found,) = get_positions(user, book=book)
        assert (found.day_quantity, found.overnight_quantity) == (day, overnight), reported


@both_books
def test_the_next_fill_counts_from_the_sums_again(user: int, book: Book) -> None:
    fill(user, [Traded(40, 103.0), Traded(-10, 110.0)], book=book)
    report = key(user, quantity=-7, average_price=99.5, last_price=105.0, pnl=12.34)
    bulk_update_positions([report], book=book)
    add_order(user, "A1", book=book)
    position = record_fill("A1", "T1", 40, 105.0, MONDAY, book=book).position
    assert position is not None
    assert (position.quantity, position.average_price) == (70, 104.0)
    assert position.last_price == 105.0
    assert position.pnl == 10 * 110 - 40 * 103 - 40 * 105 + 70 * 105


@both_books
def test_pnl_follows_when_it_is_not_told(user: int, book: Book) -> None:
    fill(user, [Traded(40, 103.0), Traded(-10, 110.0)], book=book)  # 3,020 paid in all
    for reported, pnl in (
        ({"last_price": 100.0}, -20.0),
        ({"average_price": 50.0}, -20.0),
        ({"last_price": 0.1}, -3017.0),
        ({"day_quantity": 3, "last_price": None}, -3017.0),
        ({"quantity": 20, "last_price": 100.0}, -3017.0),  # not what was filled: nobody can tell
        ({"quantity": 0}, -3017.0),
        ({"last_price": 200.0, "pnl": 1.5}, 1.5),
        ({}, 1.5),
        ({"quantity": 30}, 2980.0),
    ):
        assert bulk_update_positions([key(user, **reported)], book=book) == []
        (position,) = get_positions(user, book=book)
        assert position.pnl == pnl, reported


@both_books
def test_rows_without_a_position_come_back_in_their_order(user: int, book: Book) -> None:
    fill(user, [Traded(40, 103.0)], book=book)
    unknown: list[Mapping[str, Any]] = [
        key(user, "ZEEL", last_price=1.0),
        key(user, "ACC"),
        key(user, product="MIS", quantity=3),
        key(user, exchange="BSE"),
        key(user, broker="fyers"),
        key(99),
        key(user, "sbin"),
    ]
    rows = [*unknown[:4], key(user, last_price=104.0), *unknown[4:]]
    assert bulk_update_positions(iter(rows), book=book) == unknown
    (position,) = get_positions(user, book=book)
    assert position.last_price == 104.0
    assert bulk_update_positions([], book=book) == []


BAD_ROWS: list[tuple[dict[str, Any], str]] = [
    ({"symbol": "SBIN"}, "row 3 has the key of a row before it"),
    ({"buy_quantity": 5, "id": 1}, "row 3: buy_quantity, id cannot be set: a row has user_id"),
    ({"product": None}, "row 3 needs all of user_id, broker, symbol, exchange, product"),
    ({"product": "MTF"}, "row 3: product: product must be one of CNC, MIS, NRML"),
    ({"user_id": "1"}, "row 3: user_id: a whole number is needed, not str"),
    ({"user_id": 2**63}, "row 3: user_id: a whole number of more than 64 bits"),
    ({"broker": ["zerodha"]}, "row 3: broker: text is needed, not list"),
    ({"symbol": "A" * 51}, "row 3: symbol: text of 51 characters"),
    ({"symbol": "A\0"}, "row 3: symbol: text with a NUL character"),
    ({"symbol": "A\ud800"}, "row 3: symbol: text with a lone surrogate"),
    ({"quantity": 1.0}, "row 3: quantity: a whole number is needed, not float"),
    ({"quantity": True}, "row 3: quantity: a whole number is needed, not bool"),
    ({"day_quantity": 2**63}, "row 3: day_quantity: a whole number of more than 64 bits"),
    ({"last_price": math.nan}, "row 3: last_price: NaN and infinity are not numbers"),
    ({"pnl": -math.inf}, "row 3: pnl: NaN and infinity are not numbers"),
    ({"average_price": "1.0"}, "row 3: average_price: a number is needed, not str"),
    ({"last_price": 1e303}, "row 3: last_price: an amount of more than two million million"),
]


@both_books
def test_a_bad_row_is_told_by_its_number_and_nothing_is_written(user: int, book: Book) -> None:
    for symbol in ("SBIN", "INFY", "TCS"):
        fill(user, [Traded(40, 103.0)], book=book, symbol=symbol)
    before = contents(book)
    good = [key(user, last_price=1.0), key(user, "INFY", last_price=1.0)]
    bad: list[tuple[Any, str]] = [(key(user, "TCS") | change, text) for change, text in BAD_ROWS]
    lacking = key(user, "TCS")
    del lacking["exchange"]
    bad += [(lacking, "row 3 needs all of"), ("TCS", "row 3 is str, not a mapping")]
    for row, message in bad:
        with pytest.raises(InvalidInput, match=message):
            bulk_update_positions([*good, row], book=book)
    with get_write_session(book.database) as tx:
        for row, message in bad:
            with pytest.raises(InvalidInput, match=message):
                bulk_update_positions([*good, row], book=book, tx=tx)
    assert contents(book) == before
    with get_read_session(book.database) as tx:
        with pytest.raises(SessionMisuse, match="a read session cannot write"):
            bulk_update_positions(good, book=book, tx=tx)


@both_books
def test_any_text_finds_its_position(user: int, book: Book) -> None:
    for text in ODD_TEXTS:
        add_order(user, text, book=book, symbol=text, broker=text, exchange=text[:20])
        record_fill(text, "T", 1, 100.0, MONDAY, book=book)
    rows = [key(user, text, broker=text, exchange=text[:20], last_price=7.5) for text in ODD_TEXTS]
    assert bulk_update_positions(rows, book=book) == []
    assert [each.last_price for each in get_positions(user, book=book)] == [7.5] * len(ODD_TEXTS)


@both_books
def test_a_report_of_many_batches_is_all_or_nothing(user: int, book: Book) -> None:
    positions, orders = book.tables.positions, 2500
    columns = ["user_id", "broker", "symbol", "exchange", "product", "quantity"]
    names = [f"S{number}" for number in range(orders)]
    with get_write_session(book.database) as tx:
        tx.copy(positions, columns, [(user, "zerodha", name, "NSE", "CNC", 10) for name in names])
    before = contents(book)
    rows = [key(user, name, last_price=float(place)) for place, name in enumerate(names)]
    with pytest.raises(InvalidInput, match="row 2501: pnl: NaN"):
        bulk_update_positions([*rows, key(user, "LAST", pnl=math.nan)], book=book)
    with pytest.raises(ZeroDivisionError), get_write_session(book.database) as tx:
        assert bulk_update_positions(rows, book=book, tx=tx) == []
        _ = 1 / 0
    assert contents(book) == before
    extra = [key(user, f"X{number}") for number in range(3)]
    assert bulk_update_positions([*extra, *rows], book=book) == extra
    stored = {each.symbol: each.last_price for each in get_positions(user, book=book)}
    assert stored == {name: float(place) for place, name in enumerate(names)}


@both_books
def test_numbers_of_64_bits_are_reported_exactly(user: int, book: Book) -> None:
    fill(user, [Traded(1, 1.0)], book=book)
    for quantity in (2**63 - 1, -(2**63), 2**53 + 1, 0):
        reported: dict[str, Any] = {
            "quantity": quantity,
            "day_quantity": quantity,
            "overnight_quantity": quantity,
        }
        bulk_update_positions([key(user, **reported, last_price=0.1 + 0.2, pnl=-1e-6)], book=book)
        (found,) = get_positions(user, book=book)
        assert (found.quantity, found.day_quantity, found.overnight_quantity) == (quantity,) * 3
        assert (found.last_price, found.pnl) == (0.3, -0.000001)
