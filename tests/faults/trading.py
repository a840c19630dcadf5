"""What changes orders, trades, positions and holdings, in both books where much is written."""

from contextlib import suppress
from functools import partial

from openalgo_store import (
    LIVE,
    SANDBOX,
    Book,
    InvalidInput,
    adjust_position,
    bulk_update_holdings,
    bulk_update_positions,
    convert_position,
    create_order,
    get_write_session,
    import_trade,
    record_fill,
    report_order,
    update_order,
    update_order_status,
)
from tests.faults.operation import Operation, user
from tests.support.rows import MONDAY, add_order, order_row, trade_row

SHARES = ("INFY", "SBIN", "TCS", "WIPRO", "ZEEL")
# Moments are given: the clock may be moved on as soon as user() has asked for its id.


def place(number: int, book: Book) -> None:
    create_order(**order_row(user(), f"order {number}"), book=book)


def place_many(count: int, book: Book) -> None:
    owner = user()
    for number in range(count):
        add_order(owner, f"order {number}", book=book)


def fill(number: int, book: Book) -> None:
    record_fill(f"order {number}", f"trade {number}", 40 + number, 812.35, MONDAY, book=book)


def report_one(number: int, book: Book) -> None:
    """An order that was placed elsewhere and is filled in part: a row and a position."""
    filled = {"filled_quantity": 40 + number, "average_price": 812.35, "reported_at": MONDAY}
    report_order(**order_row(user(), f"order {number}", status="OPEN", **filled), book=book)


def import_one(number: int, book: Book) -> None:
    import_trade(**trade_row(user(), f"trade {number}"), book=book)


def open_positions(count: int, book: Book) -> None:
    owner = user()
    for name in SHARES:
        add_order(owner, name, symbol=name, quantity=400, book=book)
        record_fill(name, "trade", 400, 812.35, MONDAY, book=book)


def report_positions(number: int, book: Book) -> None:
    """Some of it corrects; the last price of each row says to which call it belongs."""
    owner = user()
    rows = [
        {
            "user_id": owner,
            "broker": "zerodha",
            "symbol": name,
            "exchange": "NSE",
            "product": "CNC",
            "last_price": 800.0 + number,
            "quantity": 400 + number * (name in SHARES[:3]),
        }
        for name in (*SHARES, f"NEW{number}")
    ]
    bulk_update_positions(rows, reported_at=MONDAY, book=book)


def convert(number: int, book: Book) -> None:
    convert_position(
        user(), "zerodha", "SBIN", "NSE", "CNC", "MIS", 1 + number, converted_at=MONDAY, book=book
    )


def split(number: int, book: Book) -> None:
    adjust_position(
        user(),
        "zerodha",
        "SBIN",
        "NSE",
        "CNC",
        80 + number,
        406.0,
        "1:2",
        adjusted_at=MONDAY,
        book=book,
    )


def report_holdings(number: int, book: Book, replace: bool = False) -> None:
    owner = user()
    rows = [
        {
            "user_id": owner,
            "broker": "zerodha",
            "symbol": name,
            "exchange": "NSE",
            "quantity": number + 1,
            "average_price": 100.0,
            "last_price": 100.0 + number,
        }
        for name in (*SHARES, f"NEW{number}")
    ]
    bulk_update_holdings(rows, replace, book=book)


def trade_in_one_session(number: int, book: Book) -> None:
    """An order, a savepoint that is given up, a fill and the end of the order, all or nothing."""
    owner, order_id = user(), f"order {number}"
    with get_write_session(book.database) as tx:
        add_order(owner, order_id, book=book, tx=tx)
        with suppress(InvalidInput), tx.savepoint():
            add_order(owner, f"never {number}", book=book, tx=tx)
            add_order(owner, f"never {number} either", quantity=0, book=book, tx=tx)
        record_fill(order_id, "T", 60, 812.35, MONDAY, book=book, tx=tx)
        update_order_status(order_id, "CANCELLED", book=book, tx=tx)


def _of(book: Book) -> list[Operation]:
    """The operations of a book."""
    return [
        Operation(name, partial(run, book=book), partial(prepare, book=book), book.database)
        for name, run, prepare in (
            ("create_order", place, _nothing),
            ("update_order", _change, place_many),
            ("update_order_status", _cancel, place_many),
            ("record_fill", fill, place_many),
            ("report_order", report_one, _nothing),
            ("import_trade", import_one, _nothing),
            ("bulk_update_positions", report_positions, open_positions),
            ("convert_position", convert, open_positions),
            ("adjust_position", split, open_positions),
            ("bulk_update_holdings", report_holdings, _nothing),
            ("get_write_session", trade_in_one_session, _nothing),
        )
    ]


def _nothing(count: int, book: Book) -> None:
    """Nothing is needed."""


def _change(number: int, book: Book) -> None:
    update_order(f"order {number}", quantity=120 + number, price=801.5, book=book)


def _cancel(number: int, book: Book) -> None:
    update_order_status(f"order {number}", "CANCELLED", book=book)


_PAPER = ("record_fill", "report_order", "bulk_update_positions", "convert_position")
"""What is tried in the other book as well: the code is the same."""
TRADING = [
    *_of(LIVE),
    Operation(
        "bulk_update_holdings",
        partial(report_holdings, book=LIVE, replace=True),
        partial(_nothing, book=LIVE),
        note="(all that is held)",
    ),
    *(each._replace(note="(sandbox)") for each in _of(SANDBOX) if each.function in _PAPER),
]
