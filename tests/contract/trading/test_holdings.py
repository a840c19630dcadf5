"""Holdings: what a broker reports of a demat account, opened and changed alike."""

import math
from typing import Any

import pytest

from openalgo_store import (
    LIVE,
    SANDBOX,
    Book,
    Conflict,
    Holding,
    InvalidInput,
    SessionMisuse,
    TransactionFailed,
    bulk_update_holdings,
    get_holdings,
    get_read_session,
    get_write_session,
)
from tests.support.rows import ODD_NAMES, both_books, contents, new_user


def row(user: int, symbol: str = "SBIN", **changes: Any) -> dict[str, Any]:
    """A row of a report: the key, and what is told of it."""
    return {"user_id": user, "broker": "zerodha", "symbol": symbol, "exchange": "NSE"} | changes


def only(user: int, book: Book) -> Holding:
    """The one holding there is."""
    (found,) = get_holdings(user, book=book)
    return found


@both_books
def test_a_report_opens_a_holding_with_every_column(user: int, book: Book) -> None:
    reported: dict[str, Any] = {
        "isin": "INE062A01020", "quantity": 40, "average_price": 512.5, "last_price": 812.35,
        "pnl": 11_994.01, "pnl_percent": 58.5073,
    }  # fmt: skip
    assert bulk_update_holdings([row(user, **reported)], book=book) == 1
    found = only(user, book)
    assert found == Holding(found.id, user, "zerodha", "SBIN", "NSE", **reported)
    assert bulk_update_holdings([row(user, **reported)], book=book) == 1
    assert only(user, book) == found
    assert bulk_update_holdings([row(user, "INFY")], book=book) == 1
    bare, _ = get_holdings(user, book=book)
    assert bare == Holding(bare.id, user, "zerodha", "INFY", "NSE", None, 0, *[None] * 4)
    assert get_holdings(99, book=book) == []
    assert bulk_update_holdings([], book=book) == 0


@both_books
def test_what_is_not_told_stays_and_the_gain_follows(user: int, book: Book) -> None:
    steps: list[tuple[dict[str, Any], tuple[Any, ...]]] = [
        ({}, (None, 0, None, None, None, None)),
        ({"quantity": 40}, (None, 40, None, None, None, None)),
        ({"last_price": 110.0}, (None, 40, None, 110.0, None, None)),
        ({"average_price": 100.0}, (None, 40, 100.0, 110.0, 400.0, 10.0)),
        ({"isin": "INE062A01020"}, ("INE062A01020", 40, 100.0, 110.0, 400.0, 10.0)),
        ({"last_price": 75.0}, ("INE062A01020", 40, 100.0, 75.0, -1000.0, -25.0)),
        ({"quantity": 0}, ("INE062A01020", 0, 100.0, 75.0, 0.0, -25.0)),
        ({"quantity": 10, "pnl": 1.25}, ("INE062A01020", 10, 100.0, 75.0, 1.25, -25.0)),
        ({"pnl_percent": 3.0}, ("INE062A01020", 10, 100.0, 75.0, -250.0, 3.0)),
        ({"average_price": 0.0}, ("INE062A01020", 10, 0.0, 75.0, 750.0, 3.0)),  # a bonus share
        ({"isin": None, "last_price": None}, ("INE062A01020", 10, 0.0, 75.0, 750.0, 3.0)),
    ]
    for reported, expected in steps:
        bulk_update_holdings([row(user, **reported)], book=book)
        assert only(user, book)[5:] == expected, reported


@both_books
def test_a_holding_is_known_by_owner_broker_and_instrument(user: int, book: Book) -> None:
    other = new_user("binod")
    rows = [
        row(owner, quantity=number) | change
        for owner in (other, user)
        for number, change in enumerate(
            ({}, {"broker": "fyers"}, {"symbol": "sbin"}, {"exchange": "BSE"}), 1
        )
    ]
    assert bulk_update_holdings(iter(rows), book=book) == 8
    assert bulk_update_holdings(reversed(rows), book=book) == 8
    for owner in (user, other):
        found = get_holdings(owner, book=book)
        assert [each.quantity for each in found] == [2, 4, 1, 3]  # by broker, symbol, exchange
        assert {each.user_id for each in found} == {owner}


@both_books
def test_any_text_comes_back_the_same(user: int, book: Book) -> None:
    rows = [
        row(user, text, broker=text, isin=text[:20], quantity=number)
        for number, text in enumerate(ODD_NAMES)
    ]
    assert [bulk_update_holdings(rows, book=book) for _ in range(2)] == [len(rows)] * 2
    found = [(each.symbol, each.isin) for each in get_holdings(user, book=book)]
    assert found == sorted((text, text[:20]) for text in ODD_NAMES)


BAD_ROWS: list[tuple[dict[str, Any], str]] = [
    ({"symbol": "SBIN"}, "row 3 has the key of a row before it"),
    ({"product": "CNC"}, "row 3: product cannot be set: a row has user_id, broker, symbol"),
    ({"exchange": None}, "row 3 needs all of user_id, broker, symbol, exchange"),
    ({"user_id": "1"}, "row 3: user_id: a whole number is needed, not str"),
    ({"broker": {}}, "row 3: broker: text is needed, not dict"),
    ({"exchange": "nse"}, "row 3: the exchange must be one of"),
    ({"symbol": "TCS "}, "row 3: the symbol has blanks around it"),
    ({"broker": " "}, "row 3: the broker is empty"),
    ({"isin": "X" * 21}, "row 3: isin: text of 21 characters"),
    ({"isin": "X\0"}, "row 3: isin: text with a NUL character"),
    ({"isin": 7}, "row 3: isin: text is needed, not int"),
    ({"quantity": 1.0}, "row 3: quantity: a whole number is needed, not float"),
    ({"quantity": 2**63}, "row 3: quantity: a whole number of more than 64 bits"),
    ({"last_price": math.nan}, "row 3: last_price: NaN and infinity are not numbers"),
    ({"pnl_percent": math.inf}, "row 3: pnl_percent: NaN and infinity are not numbers"),
    ({"average_price": "1.0"}, "row 3: average_price: a number is needed, not str"),
]


@both_books
def test_a_bad_row_is_told_by_its_number_and_nothing_is_written(user: int, book: Book) -> None:
    bulk_update_holdings([row(user, quantity=1)], book=book)
    before = contents(book)
    good = [row(user, quantity=2), row(user, "INFY", quantity=2)]
    bad: list[tuple[Any, str]] = [(row(user, "TCS") | change, text) for change, text in BAD_ROWS]
    bad.append((["TCS"], "row 3 is list, not a mapping"))
    with get_write_session(book.database) as tx:
        for each, message in bad:
            for session in (None, tx):
                with pytest.raises(InvalidInput, match=message):
                    bulk_update_holdings([*good, each], book=book, tx=session)
    assert contents(book) == before
    with get_read_session(book.database) as tx:
        with pytest.raises(SessionMisuse, match="a read session cannot write"):
            bulk_update_holdings(good, book=book, tx=tx)


def test_live_shares_are_a_users(user: int) -> None:
    bulk_update_holdings([row(user, quantity=1)])
    before = contents(LIVE)
    rows = [row(user, quantity=2), row(user, "INFY"), row(99, "TCS")]
    with pytest.raises(Conflict, match=r"holdings\.user_id must name a row of users") as raised:
        bulk_update_holdings(rows)
    assert raised.value.constraint == "fk_holdings_user_id"
    with pytest.raises(TransactionFailed), get_write_session() as tx:
        bulk_update_holdings(rows[:2], tx=tx)
        with pytest.raises(Conflict):
            bulk_update_holdings(rows[2:], tx=tx)
    many = [row(user, f"S{number}", quantity=1) for number in range(2500)]
    with pytest.raises(Conflict):
        bulk_update_holdings([row(99), *many])  # of the last batch, for they are sorted
    assert contents(LIVE) == before
    assert bulk_update_holdings(rows, book=SANDBOX) == 3
    assert get_holdings(99, book=SANDBOX)[0].symbol == "TCS"


@both_books
def test_a_report_of_many_batches_is_all_or_nothing(user: int, book: Book) -> None:
    bulk_update_holdings([row(user, "S7", quantity=1)], book=book)
    before = contents(book)
    rows = [row(user, f"S{number}", quantity=number) for number in range(2500)]
    with pytest.raises(InvalidInput, match="row 2501: pnl: NaN"):
        bulk_update_holdings([*rows, row(user, "LAST", pnl=math.nan)], book=book)
    with pytest.raises(ZeroDivisionError), get_write_session(book.database) as tx:
        assert bulk_update_holdings(rows, book=book, tx=tx) == 2500
        _ = 1 / 0
    assert contents(book) == before
    assert bulk_update_holdings(rows, book=book) == 2500
    stored = {each.symbol: each.quantity for each in get_holdings(user, book=book)}
    assert stored == {each["symbol"]: each["quantity"] for each in rows}


# All that is held


def held(user: int, book: Book) -> list[tuple[str, str, int]]:
    """Broker, symbol and quantity of each holding."""
    return [(each.broker, each.symbol, each.quantity) for each in get_holdings(user, book=book)]


@both_books
def test_what_a_whole_report_lacks_was_sold_and_goes(user: int, book: Book) -> None:
    binod = new_user("binod")
    names = ("INFY", "SBIN", "TCS")
    for owner in (user, binod):
        for broker in ("fyers", "zerodha"):
            rows = [row(owner, name, broker=broker, quantity=1) for name in names]
            bulk_update_holdings(rows, book=book)
    others = get_holdings(binod, book=book)
    kept = get_holdings(user, book=book)[4]
    report = [row(user, "SBIN", quantity=7), row(user, "WIPRO", quantity=2)]
    assert bulk_update_holdings(report, replace=True, book=book) == 2
    fyers = [("fyers", name, 1) for name in names]
    assert held(user, book) == [*fyers, ("zerodha", "SBIN", 7), ("zerodha", "WIPRO", 2)]
    assert get_holdings(user, book=book)[3].id == kept.id
    assert get_holdings(binod, book=book) == others
    assert bulk_update_holdings(report, replace=True, book=book) == 2
    assert len(held(user, book)) == 5
    bulk_update_holdings([row(user, "TCS", quantity=3)], book=book)  # tells of this one alone
    assert len(held(user, book)) == 6


@both_books
def test_one_instrument_on_two_exchanges_is_two_holdings(user: int, book: Book) -> None:
    both = [row(user, quantity=1), row(user, exchange="BSE", quantity=2)]
    bulk_update_holdings(both, book=book)
    bulk_update_holdings(both[1:], True, book=book)
    assert held(user, book) == [("zerodha", "SBIN", 2)]


@both_books
def test_a_whole_report_may_be_of_several_owners_and_of_any_length(user: int, book: Book) -> None:
    binod = new_user("binod")
    for owner in (user, binod):
        bulk_update_holdings([row(owner, "SOLD"), row(owner, "SOLD", broker="fyers")], book=book)
    many = [row(user, f"S{number:04}", quantity=number) for number in range(2500)]
    report = [*many, row(binod, quantity=5), row(binod, quantity=6, broker="fyers")]
    assert bulk_update_holdings(report, replace=True, book=book) == 2502
    assert held(user, book) == [("fyers", "SOLD", 0)] + [
        ("zerodha", each["symbol"], each["quantity"]) for each in many
    ]
    assert held(binod, book) == [("fyers", "SBIN", 6), ("zerodha", "SBIN", 5)]
    with pytest.raises(ZeroDivisionError), get_write_session(book.database) as tx:
        bulk_update_holdings(report[:1], replace=True, book=book, tx=tx)
        assert len(get_holdings(user, book=book, tx=tx)) == 2
        _ = 1 / 0
    assert len(held(user, book)) == 2501


@both_books
def test_an_empty_report_takes_nothing_away_unless_it_is_forced(user: int, book: Book) -> None:
    both = [row(user, quantity=1), row(user, broker="fyers", quantity=2)]
    bulk_update_holdings(both, book=book)
    before = contents(book)
    owner: dict[str, Any] = {"user_id": user, "broker": "zerodha"}
    for given in ({}, {"force": True}, {"force": True, "user_id": user}, owner):
        with pytest.raises(InvalidInput, match="an empty report would take all holdings away"):
            bulk_update_holdings([], replace=True, book=book, **given)
    with pytest.raises(InvalidInput, match="force must be True or False"):
        bulk_update_holdings([], replace=True, force="yes", book=book, **owner)  # type: ignore[arg-type]
    assert contents(book) == before
    assert bulk_update_holdings([], replace=True, force=True, book=book, **owner) == 0
    assert held(user, book) == [("fyers", "SBIN", 2)]


@both_books
def test_a_whole_report_of_one_owner_has_rows_of_nobody_else(user: int, book: Book) -> None:
    bulk_update_holdings([row(user, quantity=1)], book=book)
    before = contents(book)
    owner: dict[str, Any] = {"user_id": user, "broker": "zerodha"}
    for change in ({"user_id": new_user("binod")}, {"broker": "fyers"}):
        report = [row(user, "INFY"), row(user, "TCS", **change)]
        with pytest.raises(InvalidInput, match="the report has rows of another user or broker"):
            bulk_update_holdings(report, replace=True, book=book, **owner)
    with pytest.raises(InvalidInput, match="row 2: quantity"):
        bulk_update_holdings([row(user), row(user, "TCS", quantity="1")], True, book=book)
    assert contents(book) == before
    assert bulk_update_holdings([row(user, "INFY", quantity=2)], True, book=book, **owner) == 1
    assert held(user, book) == [("zerodha", "INFY", 2)]


@both_books
def test_a_user_id_without_its_broker_is_refused(user: int, book: Book) -> None:
    bulk_update_holdings([row(user, "SBIN", quantity=1), row(user, "INFY", quantity=2)], book=book)
    for owner in ({"user_id": user + 1}, {"broker": "kotak"}):
        with pytest.raises(InvalidInput, match="give both"):
            bulk_update_holdings([row(user, "SBIN")], True, **owner, book=book)
    assert len(get_holdings(user, book=book)) == 2
