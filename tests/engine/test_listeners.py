"""Other code in the process may listen to every Engine: the store's own rules hold all the same."""

import sqlite3
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event

from openalgo_store import Store, get_engine, get_read_session, get_write_session
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
