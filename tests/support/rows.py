"""Small rows that tests write, and the sessions' view of them."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Table, func, insert, select

from openalgo_store import (
    Book,
    Instrument,
    Order,
    Symbol,
    Trade,
    Transaction,
    create_order,
    get_read_session,
    get_trades,
    get_write_session,
    import_trade,
)
from openalgo_store.engine.queries import Query
from openalgo_store.repositories.trading.books import BOOKS
from openalgo_store.tables.accounts import users
from openalgo_store.tables.strategies import strategies
from openalgo_store.tables.symbols import symbols
from openalgo_store.tables.types import OneOf
from openalgo_store.values import clock

ALL_NAMES = Query.of(select(users.c.username).order_by(users.c.id), str)
COUNT_USERS = Query.of(select(func.count()).select_from(users), int)


def user(name: str, **changes: Any) -> dict[str, Any]:
    """A row of users."""
    row = {
        "username": name,
        "username_key": name.casefold(),
        "email": f"{name}@example.org",
        "email_key": f"{name.casefold()}@example.org",
        "password_hash": "-",
        "created_at": clock.now(),
        "is_active": True,
    }
    return row | changes


def add_user(tx: Transaction, name: str, **changes: Any) -> None:
    """Insert one user."""
    tx.run(Query.of(insert(users).values(**user(name, **changes))))


def names() -> list[str]:
    """The name of every user."""
    with get_read_session() as tx:
        return tx.all(ALL_NAMES)


def add_strategy(tx: Transaction, user_id: int, name: str, **changes: Any) -> None:
    """Insert one strategy of a user."""
    row = {
        "user_id": user_id,
        "name": name,
        "strategy_type": "python",
        "is_active": False,
        "created_at": clock.now(),
    }
    tx.run(Query.of(insert(strategies).values(**(row | changes))))


def shares(count: int, *, token: str = "T", exchange: str = "NSE") -> list[Instrument]:
    """A master of so many shares, SHARE0 and on; `token` tells one master from another."""
    return [
        Instrument(
            symbol=f"SHARE{number}",
            exchange=exchange,
            token=f"{token}{number}",
            broker_symbol=f"SHARE{number}-EQ",
            name=f"Share {number % 50}",
            instrument_type="EQ",
            lot_size=1,
            tick_size=0.05,
            strike=0.0,
        )
        for number in range(count)
    ]


def master(broker: str = "zerodha") -> dict[str, Symbol]:
    """What is stored, straight from the table."""
    stored = symbols.select().where(symbols.c.broker == broker)
    with get_read_session() as tx:
        return {each.symbol: each for each in tx.all(Query.of(stored, Symbol))}


def any_row(table: Table) -> dict[str, Any]:
    """A row with a value in every column, which refers to such rows of other tables."""
    return {column.name: _any_value(column.type) for column in table.c}


def _any_value(kind: Any) -> Any:
    if isinstance(kind, OneOf):
        return kind.words[0]
    values: dict[type, Any] = {
        str: "NSE", int: 7, float: 0.05, bool: True, date: MONDAY.date(), datetime: MONDAY,
        object: {"a": [1]}, dict: {"a": [1]},  # JSON, as SQLAlchemy 2.1 and 2.0 call it
    }  # fmt: skip
    return values[getattr(kind, "impl", kind).python_type]


# The books

both_books = pytest.mark.parametrize("book", BOOKS, ids=lambda book: book.database)
MONDAY = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
"""Half past nine in Mumbai, on Monday 2 March 2026."""
HOSTILE = "'; DROP TABLE orders; --"
ODD_TEXTS = (HOSTILE, '"\\u0000"\\', "%s %(x)s {} :id ?", "M&M-EQ", "बजाज 🚀", " .", "NULL", "007")
"""What must come back from a column as it went in."""
ODD_NAMES = tuple(each.strip() for each in ODD_TEXTS)
"""The same as brokers, symbols and order numbers: those have no blanks around them."""


def new_user(name: str = "asha", **changes: Any) -> int:
    """The id of a new user of the main database."""
    added = Query.of(insert(users).values(**user(name, **changes)).returning(users.c.id), int)
    with get_write_session() as tx:
        number = tx.value(added)
    assert number is not None
    return number


def order_row(user_id: int, order_id: str, **changes: Any) -> dict[str, Any]:
    """What create_order takes: 100 shares to be bought at 812.35."""
    row = {
        "order_id": order_id,
        "user_id": user_id,
        "broker": "zerodha",
        "symbol": "SBIN",
        "exchange": "NSE",
        "action": "BUY",
        "quantity": 100,
        "order_type": "LIMIT",
        "product": "CNC",
        "price": 812.35,
        "placed_at": MONDAY,
    }
    return row | changes


def add_order(
    user_id: int, order_id: str, *, book: Book, tx: Transaction | None = None, **changes: Any
) -> Order:
    """A new order of the book."""
    return create_order(**order_row(user_id, order_id, **changes), book=book, tx=tx)


def trade_row(user_id: int, trade_id: str, **changes: Any) -> dict[str, Any]:
    """What import_trade takes: 10 shares bought at 100, without an order."""
    row = {
        "trade_id": trade_id,
        "user_id": user_id,
        "broker": "zerodha",
        "symbol": "SBIN",
        "exchange": "NSE",
        "action": "BUY",
        "product": "CNC",
        "quantity": 10,
        "price": 100.0,
        "traded_at": MONDAY,
    }
    return row | changes


def import_trades(book: Book, rows: Iterable[dict[str, Any]]) -> None:
    """Import many trades at once."""
    with get_write_session(book.database) as tx:
        for row in rows:
            import_trade(**row, book=book, tx=tx)


def add_many_trades(user_id: int, *, book: Book) -> None:
    """Twenty thousand trades, one a minute: of this user and of four others in turn."""
    owners = [user_id, *(new_user(f"user{number}") for number in range(4))]
    rows = [
        trade_row(
            owners[number % 5],
            f"T{number}",
            symbol=f"S{number % 40}",
            traded_at=MONDAY + timedelta(minutes=number),
        )
        for number in range(20_000)
    ]
    with get_write_session(book.database) as tx:
        tx.copy(book.tables.trades, list(rows[0]), [tuple(row.values()) for row in rows])


def all_trades(user_id: int, *, book: Book) -> list[Trade]:
    """Every trade of a user, oldest first."""
    found = part = get_trades(user_id, book=book)
    while part:
        part = get_trades(user_id, after=part[-1].id, book=book)
        found = found + part
    return found


def contents(book: Book) -> dict[str, list[Any]]:
    """Every row of the book's tables, hidden columns too."""
    with get_read_session(book.database) as tx:
        return {
            table.name: tx.all(Query.of(select(table).order_by(table.c.id), tuple))
            for table in book.tables
        }
