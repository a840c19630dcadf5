"""Copying main into a database of the other engine, beside the raw drivers reading and writing."""

import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import JSON, Boolean, Table

from openalgo_store import get_write_session
from openalgo_store.operations.copying import copy_database
from openalgo_store.tables import METADATA
from openalgo_store.tables.accounts import users
from openalgo_store.tables.trading import live
from openalgo_store.tables.types import StrictJson

from .child import usage_of
from .measure import Figure, in_turns, seconds
from .raw import Row
from .setting import Database, Setting
from .targets import SQLITE

TABLES = [each for each in METADATA["main"].sorted_tables if each.name != "cache_epochs"]
MORNING = datetime(2026, 8, 17, 4, tzinfo=UTC)
AT_ONCE = 2_000


def run(setting: Setting) -> list[Figure]:
    """From each engine to the other; nothing where there is but one."""
    figures = []
    with setting.new_databases("original", "copied") as found:
        if len(found) < 2:
            return []
        for each, other in (found, found[::-1]):
            figures += _copies(each["original"], other["copied"], setting)
    return figures


def _copies(origin: Database, goal: Database, setting: Setting) -> list[Figure]:
    rows = _fill(origin, setting)

    def raw() -> tuple[float, ...]:
        _empty(goal)
        return (seconds(partial(_copy_raw, origin, goal)),)

    def ours() -> tuple[float, ...]:
        _empty(goal)
        return (seconds(lambda: copy_database("main", origin.store, goal.store, tell=print)),)

    found = in_turns({"raw": raw, "ours": ours}, setting.scale.repeat)
    _empty(goal)
    with tempfile.TemporaryDirectory() as folder:
        named = Path(folder, "goal")
        named.write_text(goal.url)
        used = usage_of("copy_ours", origin.url, named)
    return [
        Figure.of(f"copy {rows:,} rows to the other engine", origin.name, "s", found),
        Figure.of("copy to the other engine, a row", origin.name, "µs", found, 1e6 / rows),
        Figure("copy to the other engine, peak", origin.name, "MiB", {"ours": [used.peak]}),
    ]


def _fill(database: Database, setting: Setting) -> int:
    """A day's symbols, and half as many orders with a trade each; how many rows that are."""
    database.hold(setting.today)
    symbols = len(setting.today.rows)
    orders, people = symbols // 2, max(1, symbols // 200)
    with get_write_session() as tx:
        tx.copy(users, *_named(_user(number) for number in range(people)))
        tx.copy(live.orders, *_named(_order(n, n % people + 1) for n in range(orders)))
        tx.copy(live.trades, *_named(_trade(n, n % people + 1) for n in range(orders)))
    database.raw.analyse()
    return symbols + people + 2 * orders


def _named(rows: Iterator[dict[str, Any]]) -> tuple[list[str], list[Row]]:
    """The names of columns, and the values."""
    found = list(rows)
    return [*found[0]], [tuple(each.values()) for each in found]


def _user(number: int) -> dict[str, Any]:
    name, email = f"user{number}", f"user{number}@example.org"
    return {
        "username": name, "username_key": name, "email": email, "email_key": email,
        "password_hash": "-", "created_at": MORNING, "is_active": True,
    }  # fmt: skip


def _order(number: int, user: int) -> dict[str, Any]:
    return {
        "order_id": f"26081700{number:07}", "user_id": user, "broker": "zerodha",
        "symbol": f"S{number % 500}", "exchange": "NSE", "action": "BUY", "quantity": 10,
        "order_type": "LIMIT", "product": "CNC", "price": 100.5, "status": "COMPLETE",
        "placed_at": MORNING + timedelta(seconds=number), "fill_quantity": 10,
        "fill_value": 1_005_000_000, "booked_quantity": 10, "booked_value": 1_005_000_000,
    }  # fmt: skip


def _trade(number: int, user: int) -> dict[str, Any]:
    return {
        "order_id": f"26081700{number:07}", "trade_id": f"T{number}", "user_id": user,
        "broker": "zerodha", "symbol": f"S{number % 500}", "exchange": "NSE", "action": "BUY",
        "product": "CNC", "quantity": 10, "price": 100.5,
        "traded_at": MORNING + timedelta(seconds=number), "is_fill": True,
    }  # fmt: skip


def _empty(database: Database) -> None:
    if database.name == SQLITE:
        for table in reversed(TABLES):
            database.raw.connection.execute(f"DELETE FROM {table.name}")  # noqa: S608
        database.raw.settle()
    else:
        database.raw.connection.execute(f"TRUNCATE {', '.join(each.name for each in TABLES)}")


def _copy_raw(origin: Database, goal: Database) -> None:
    """Reading a table and writing it, one after the other, without a look at any value."""
    goal.raw.begin()
    for table in TABLES:
        names = ", ".join(table.c.keys())
        if goal.name == SQLITE:
            marks = ", ".join("?" for _ in table.c)
            insert = f"INSERT INTO {table.name} ({names}) VALUES ({marks})"  # noqa: S608
            goal.raw.connection.executemany(insert, _rows_of_server(origin, table))
        else:
            select = f"SELECT {names} FROM {table.name}"  # noqa: S608
            into = f"COPY {table.name} ({names}) FROM STDIN"
            with goal.raw.connection.cursor().copy(into) as copy:
                for row in origin.raw.connection.execute(select):
                    copy.write_row(row)
    goal.raw.connection.execute("COMMIT")


def _rows_of_server(origin: Database, table: Table) -> Iterator[Row]:
    """Days, moments and JSON as text, flags as numbers: the server does that fastest."""
    columns = []
    for each in table.c:
        name = each.name
        if isinstance(each.type, Boolean):
            columns.append(f"{name}::int")
        elif isinstance(each.type, (StrictJson, JSON)):
            columns.append(f"{name}::text")
        elif each.type.python_type is datetime:
            columns.append(f"to_char({name} AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')")
        elif each.type.python_type.__name__ == "date":
            columns.append(f"{name}::text")
        else:
            columns.append(name)
    with origin.raw.connection.transaction(), origin.raw.connection.cursor("copied") as cursor:
        cursor.execute(f"SELECT {', '.join(columns)} FROM {table.name}")  # noqa: S608
        while rows := cursor.fetchmany(AT_ONCE):
            yield from rows
