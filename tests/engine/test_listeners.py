"""Other code may listen to every Engine, and change a connection: the store's own rules hold."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event

from openalgo_store import Store, StoreError, get_engine, get_read_session, get_write_session
from tests.support.rows import ALL_NAMES, add_user


@pytest.fixture
def meddling() -> Iterator[list[Any]]:
    """A listener as applications have it, for SQLite files of their own."""
    met: list[Any] = []

    def connect(connection: Any, record: Any) -> None:
        met.append(connection)
        if hasattr(connection, "row_factory") and hasattr(connection, "isolation_level"):
            connection.isolation_level = "DEFERRED"
            connection.row_factory = sqlite3.Row
        cursor = connection.cursor()
        for pragma in ("synchronous = OFF", "foreign_keys = OFF", "busy_timeout = 7"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    event.listen(Engine, "connect", connect)
    yield met
    event.remove(Engine, "connect", connect)


OURS = {"foreign_keys": 1, "synchronous": 1, "busy_timeout": 30_000, "journal_mode": "wal"}


def settings_of(connection: Connection) -> dict[str, object]:
    """What the store sets on each connection."""
    return {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in OURS}


@pytest.mark.only("sqlite")
def test_pragmas_hold_although_a_listener_sets_others(
    store: Store, meddling: list[Any], engine_name: str
) -> None:
    with get_read_session() as tx:
        assert settings_of(tx.connection) == OURS
    with get_write_session() as tx:
        assert settings_of(tx.connection) == OURS
    assert meddling == []  # it listens to what an Engine opens
    with get_engine().begin() as connection:
        driver: Any = connection.connection.driver_connection
        assert (driver.isolation_level, driver.row_factory) == (None, None)
        assert settings_of(connection) == OURS
    assert len(meddling) == 1
    with pytest.raises(ZeroDivisionError), get_write_session() as tx:
        add_user(tx, "asha")
        _ = 1 / 0
    with get_read_session() as tx:
        assert tx.all(ALL_NAMES) == []


def take_rows_as_dicts(driver: Any) -> None:
    driver.row_factory = sqlite3.Row


def leave_references_for_later(driver: Any) -> None:
    """As it stays where nothing is committed behind it."""
    driver.execute("ROLLBACK")
    driver.execute("PRAGMA defer_foreign_keys = ON")


CHANGES: dict[str, Callable[[Any], object]] = {
    "row_factory": take_rows_as_dicts,
    "defer_foreign_keys": leave_references_for_later,
    "ignore_check_constraints": lambda driver: driver.execute(
        "PRAGMA ignore_check_constraints = ON"
    ),
    "a table of its own": lambda driver: driver.execute("CREATE TEMP TABLE users (username)"),
}
"""What a caller may do to the connection of his session, which outlives his transaction."""


@pytest.mark.only("sqlite")
@pytest.mark.parametrize("change", CHANGES)
def test_what_a_caller_changes_of_a_connection_ends_with_his_session(
    store: Store, engine_name: str, change: str
) -> None:
    with get_write_session() as tx:
        add_user(tx, "asha")
    with suppress(StoreError), get_write_session() as tx:
        used = tx.driver_connection
        CHANGES[change](used)
    assert used.is_closed
    for session in (get_read_session, get_write_session):
        with session() as tx:
            driver = tx._state.connected()
            assert driver.row_factory is None
            for name in ("defer_foreign_keys", "ignore_check_constraints"):
                assert driver.execute(f"PRAGMA {name}").fetchone() == (0,)
            assert tx.all(ALL_NAMES) == ["asha"]


@pytest.mark.only("sqlite")
def test_a_connection_that_is_inside_a_transaction_is_never_idle(
    store: Store, engine_name: str
) -> None:
    files = store.databases["main"]
    held = files.check_out()
    driver: Any = held.driver_connection
    driver.execute("BEGIN IMMEDIATE")
    files.give_back(held)
    assert driver.is_closed
    with get_write_session() as tx:
        add_user(tx, "asha")
