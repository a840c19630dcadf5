"""Positions: what a broker reports of them."""

import math
from datetime import timedelta
from typing import Any

import pytest

from openalgo_store import (
    LIVE,
    SANDBOX,
    Book,
    Conflict,
    InvalidInput,
    PositionAdjustment,
    SessionMisuse,
    bulk_update_positions,
    get_position_adjustments,
    get_positions,
    get_read_session,
    get_write_session,
    record_fill,
)
from openalgo_store.values import clock
from tests.contract.trading.conftest import TUESDAY, Traded, fill
from tests.support.rows import MONDAY, ODD_NAMES, add_order, both_books, contents


def key(user: int, symbol: str = "SBIN", **changes: Any) -> dict[str, Any]:
    """A row of a report about a position of `fill`."""
    row = {"user_id": user, "broker": "zerodha", "symbol": symbol, "exchange": "NSE"}
    return row | {"product": "CNC"} | changes


@both_books
def test_what_is_reported_becomes_ours_and_the_correction_is_kept(
    user: int, book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "now", lambda: TUESDAY)
    filled = fill(user, [Traded(40, 103.0), Traded(-10, 110.0)], book=book)
    other = fill(user, [Traded(1, 1.0)], book=book, symbol="INFY")
    reported: dict[str, Any] = {
        "quantity": -7, "average_price": 99.5, "last_price": 98.25, "pnl": 12.34,
        "day_quantity": -37, "overnight_quantity": 30,
    }  # fmt: skip
    (correction,) = bulk_update_positions([key(user, **reported)], book=book)
    assert correction == PositionAdjustment(
        id=correction.id, **key(user), kind="REPORT", adjusted_at=TUESDAY, quantity=-7,
        average_price=99.5, overnight_quantity=30, to_product=None, reason=None,
        quantity_before=30, average_before=103.0,
    )  # fmt: skip
    assert get_position_adjustments(user, TUESDAY.date(), TUESDAY.date(), book=book) == [correction]
    found = get_positions(user, day=MONDAY.date(), book=book)
    assert found == [
        other,
        filled._replace(
            **reported, trading_day=TUESDAY.date(), realized_pnl=70.0, buy_quantity=0, buy_value=0,
            sell_quantity=7, sell_value=696_500_000,
        ),
    ]  # fmt: skip
    monkeypatch.setattr(clock, "now", lambda: TUESDAY + timedelta(seconds=1))
    assert bulk_update_positions([key(user, **reported)], book=book) == []
    assert get_positions(user, day=MONDAY.date(), book=book) == found


@both_books
def test_of_day_and_overnight_quantity_one_follows_from_the_other(user: int, book: Book) -> None:
    fill(user, [Traded(40, 103.0)], book=book)
    for reported, day, overnight in (
        ({"last_price": 103.0}, 0, 40),  # what was traded on an earlier day
        ({"day_quantity": 0}, 0, 40),
        ({"overnight_quantity": 15}, 25, 15),
        ({"quantity": 75, "overnight_quantity": 60}, 15, 60),
        ({"day_quantity": -5}, -5, 80),
        ({"day_quantity": 1, "overnight_quantity": 2}, 73, 2),
        ({"last_price": 104.0}, 73, 2),
    ):
        bulk_update_positions([key(user, **reported)], book=book)
        (found,) = get_positions(user, book=book)
        assert (found.day_quantity, found.overnight_quantity) == (day, overnight), reported


@both_books
def test_pnl_follows_when_it_is_not_told(user: int, book: Book) -> None:
    fill(user, [Traded(40, 103.0), Traded(-10, 110.0)], book=book)  # 3,020 paid in all
    steps: list[tuple[dict[str, Any], float, float]] = [
        ({"last_price": 100.0}, -20.0, 0.0),
        ({"average_price": 103.0}, -20.0, 0.0),  # as it is: nothing is corrected
        ({"average_price": 50.0}, 1500.0, 70.0),
        ({"last_price": 0.1}, -1497.0, 70.0),
        ({"day_quantity": 3, "last_price": None}, -1497.0, 70.0),
        ({"quantity": 20, "last_price": 100.0}, 1000.0, 70.0),
        ({"last_price": 200.0, "pnl": 1.5}, 1.5, 70.0),
        ({"quantity": -20, "average_price": 190.0}, -200.0, 70.0),
        ({"quantity": 0}, 0.0, 70.0),
    ]
    for number, (reported, pnl, realized) in enumerate(steps, 1):
        at = MONDAY + timedelta(minutes=number)
        bulk_update_positions([key(user, **reported)], reported_at=at, book=book)
        (position,) = get_positions(user, day=MONDAY.date(), book=book)
        assert (position.pnl, position.realized_pnl) == (pnl, realized), reported


@both_books
def test_pnl_is_exact_where_no_last_price_is_known(user: int, book: Book) -> None:
    bought = fill(user, [Traded(9, 284.62), Traded(52, 381.9), Traded(17, 59.0)], book=book)
    matched = fill(user, [Traded(3, 10.0), Traded(-1, 12.0)], book=book, symbol="INFY")
    rows = [key(user), key(user, "INFY", quantity=2)]
    assert bulk_update_positions(rows, reported_at=MONDAY, book=book) == []
    found = get_positions(user, day=MONDAY.date(), book=book)
    assert [each.pnl for each in found] == [2.0, 0.0]  # of the second its average leaves 4e-12
    assert found == [matched, bought]


@both_books
def test_positions_that_are_not_there_are_opened(user: int, book: Book) -> None:
    fill(user, [Traded(40, 103.0)], book=book)
    rows: list[dict[str, Any]] = [
        key(user, "ZEEL", last_price=1.0),
        key(user, "ACC"),
        key(user, product="MIS", quantity=3, average_price=2.5),
        key(user, exchange="BSE"),
        key(user, last_price=104.0),
        key(user, broker="fyers", quantity=-1, average_price=7.0),
        key(user, "sbin"),
    ]
    corrections = bulk_update_positions(iter(rows), book=book)
    assert [(each.broker, each.quantity_before) for each in corrections] == [
        ("fyers", 0),
        ("zerodha", 0),
    ]
    found = get_positions(user, book=book)
    assert [(e.broker, e.symbol, e.exchange, e.product, e.quantity) for e in found] == [
        ("fyers", "SBIN", "NSE", "CNC", -1),
        ("zerodha", "ACC", "NSE", "CNC", 0),
        ("zerodha", "SBIN", "BSE", "CNC", 0),
        ("zerodha", "SBIN", "NSE", "CNC", 40),
        ("zerodha", "SBIN", "NSE", "MIS", 3),
        ("zerodha", "ZEEL", "NSE", "CNC", 0),
        ("zerodha", "sbin", "NSE", "CNC", 0),
    ]
    assert {each.average_price for each in found if not each.quantity} == {0.0}
    assert [each.last_price for each in found if each.last_price] == [104.0, 1.0]
    assert bulk_update_positions([], book=book) == []


def test_a_live_position_is_a_users(user: int) -> None:
    fill(user, [Traded(40, 103.0)], book=LIVE)
    before = contents(LIVE)
    rows = [key(user, last_price=1.0), key(user, "INFY"), key(99)]
    with pytest.raises(Conflict, match=r"positions\.user_id must name a row of users"):
        bulk_update_positions(rows)
    assert contents(LIVE) == before
    assert bulk_update_positions(rows, book=SANDBOX) == []
    assert [each.symbol for each in get_positions(99, book=SANDBOX)] == ["SBIN"]


BAD_ROWS: list[tuple[dict[str, Any], str]] = [
    ({"symbol": "SBIN"}, "row 3 has the key of a row before it"),
    ({"buy_quantity": 5, "id": 1}, "row 3: buy_quantity, id cannot be set: a row has user_id"),
    ({"product": None}, "row 3 needs all of user_id, broker, symbol, exchange, product"),
    ({"product": "BO"}, "row 3: product: product must be one of CNC, MIS, NRML, MTF"),
    ({"exchange": "nse"}, "row 3: the exchange must be one of"),
    ({"symbol": " TCS"}, "row 3: the symbol has blanks around it"),
    ({"broker": ""}, "row 3: the broker is empty"),
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
    ({"last_price": 2**61 / 1_000_000}, "row 3: last_price: an amount of more than two million"),
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
    for text in ODD_NAMES:
        add_order(user, text, book=book, symbol=text, broker=text)
        record_fill(text, "T", 1, 100.0, MONDAY, book=book)
    rows = [key(user, text, broker=text, last_price=7.5) for text in ODD_NAMES]
    assert bulk_update_positions(rows, book=book) == []
    assert [each.last_price for each in get_positions(user, book=book)] == [7.5] * len(ODD_NAMES)


@both_books
def test_a_report_of_many_batches_is_all_or_nothing(user: int, book: Book) -> None:
    names = [f"S{number}" for number in range(2500)]
    ten = {"quantity": 10, "buy_quantity": 10, "buy_value": 10_000_000, "average_price": 1.0}
    stored = [key(user, name, **ten, trading_day=MONDAY.date()) for name in names]
    with get_write_session(book.database) as tx:
        tx.copy(book.tables.positions, list(stored[0]), [tuple(each.values()) for each in stored])
    before = contents(book)
    rows = [key(user, name, last_price=float(place)) for place, name in enumerate(names)]
    with pytest.raises(InvalidInput, match="row 2501: pnl: NaN"):
        bulk_update_positions([*rows, key(user, "LAST", pnl=math.nan)], book=book)
    with pytest.raises(ZeroDivisionError), get_write_session(book.database) as tx:
        assert bulk_update_positions(rows, book=book, tx=tx) == []
        _ = 1 / 0
    assert contents(book) == before
    extra = [key(user, f"X{number}", quantity=-5, average_price=9.5) for number in range(3)]
    corrections = bulk_update_positions([*extra, *rows], book=book)
    assert [each.symbol for each in corrections] == ["X0", "X1", "X2"]
    found = {
        each.symbol: (each.quantity, each.last_price) for each in get_positions(user, book=book)
    }
    assert found == {name: (10, float(place)) for place, name in enumerate(names)} | {
        each["symbol"]: (-5, None) for each in extra
    }
    assert len(contents(book)[book.tables.position_days.name]) == 2500  # Monday of each


@both_books
def test_a_roll_that_realises_beyond_what_can_be_added_up_is_refused(user: int, book: Book) -> None:
    for day in range(4):
        at = MONDAY + timedelta(days=day)
        fills = [Traded(1, 0.01, at), Traded(-1, 2.3e12, at)]
        if day == 3:  # what three such days have made is carried
            before = contents(book)
            with pytest.raises(InvalidInput, match="the position in SBIN has grown beyond"):
                bulk_update_positions([key(user, last_price=5.0)], reported_at=at, book=book)
            assert contents(book) == before
        else:
            bulk_update_positions([key(user, last_price=5.0)], reported_at=at, book=book)
            fill(user, fills, name=str(day), book=book)


@both_books
def test_large_numbers_are_reported_exactly_and_too_large_ones_refused(
    user: int, book: Book
) -> None:
    fill(user, [Traded(1, 1.0)], book=book)
    for quantity in (2**62 - 1, -(2**62 - 1), 2**53 + 1, 0):
        reported = key(user, quantity=quantity, average_price=0.000001, overnight_quantity=quantity)
        bulk_update_positions([reported | {"last_price": 0.1 + 0.2, "pnl": -1e-6}], book=book)
        (found,) = get_positions(user, book=book)
        assert (found.quantity, found.overnight_quantity, found.day_quantity) == (quantity,) * 2 + (
            0,
        )
        assert found.buy_value - found.sell_value == quantity
        assert (found.last_price, found.pnl) == (0.3, -0.000001)
    before = contents(book)
    for quantity, price in ((2**62, 0.000001), (-(2**63), 1e-6), (2**60, 1.0), (10**7, 2e12)):
        report = key(user, quantity=quantity, average_price=price)
        with pytest.raises(InvalidInput, match="the position in SBIN has grown beyond"):
            bulk_update_positions([report], book=book)
    assert contents(book) == before
