"""A value that a damaged SQLite file gives is told as such, and is not shown."""

import sqlite3
from collections.abc import Callable
from contextlib import closing

import pytest
from sqlalchemy import select

from openalgo_store import (
    LIVE,
    Store,
    Unavailable,
    create_strategy,
    get_order,
    get_order_history,
    get_read_session,
    list_strategies,
    list_users,
    use_store,
)
from openalgo_store.engine.queries import Query
from openalgo_store.tables.accounts import users
from tests.support.rows import add_order, new_user

pytestmark = pytest.mark.only("sqlite")  # another file format than one's own nobody has


def created_at() -> object:
    with get_read_session() as tx:
        return tx.value(Query.of(select(users.c.created_at), object))


@pytest.mark.parametrize(
    ("table", "column", "damaged", "read"),
    [
        ("users", "created_at", b"2026-03-02 0x:00:00.000000", list_users),
        ("users", "created_at", b"2026-03-02 0x:00:00.000000", created_at),
        ("users", "created_at", b"2026-03-02 04:00:00.00000\xff", list_users),
        ("users", "username", b"asha\xff 0x", list_users),
        ("strategies", "config", b'{"secret": 0x', lambda: list_strategies(1)),
        ("orders", "price", b"0x", lambda: get_order("A")),
        ("orders", "placed_at", b"0x", lambda: get_order_history(1)),
    ],
)
def test_a_value_that_cannot_be_read_is_told_and_not_shown(
    store: Store,
    engine_name: str,
    table: str,
    column: str,
    damaged: bytes,
    read: Callable[[], object],
) -> None:
    create_strategy(new_user(), "momentum", "python", config={"fast": 5})
    add_order(1, "A", book=LIVE)
    with closing(sqlite3.connect(store.databases["main"].identity)) as connection, connection:
        connection.execute("PRAGMA ignore_check_constraints = ON")
        connection.execute(f"UPDATE {table} SET {column} = CAST(? AS TEXT)", (damaged,))
    with pytest.raises(Unavailable, match=r"is damaged.* restore it from a backup$") as raised:
        read()
    assert raised.value.statement
    assert "0x" not in f"{raised.value} {raised.value.__cause__!r}"


def test_a_schema_that_cannot_even_be_told_is_damaged(store: Store, engine_name: str) -> None:
    path = store.databases["main"].identity
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA writable_schema = ON")
        damaged = "UPDATE sqlite_master SET sql = CAST(? AS TEXT) WHERE name = 'users'"
        connection.execute(damaged, (b"CREATE TABLE users \xc1",))
    with Store(store.settings) as another, use_store(another):
        with pytest.raises(Unavailable, match=f"^{path} is damaged: restore it from a backup$"):
            list_users()
