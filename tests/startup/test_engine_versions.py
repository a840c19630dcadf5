"""An engine that is too old is refused when a store starts, before anything is made in it."""

import sqlite3

import psycopg
import pytest

from openalgo_store import ConfigurationError, Settings, init_databases
from openalgo_store.schema.migrate import refuse_old_engine


def test_an_old_engine_stops_the_start(
    settings: Settings, engine_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if engine_name == "sqlite":
        monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 34, 1))
    else:
        old = property(lambda _: 130_021)
        monkeypatch.setattr(psycopg.ConnectionInfo, "server_version", old)
    with pytest.raises(ConfigurationError, match=r"this is (SQLite 3.34.1|PostgreSQL 13.21)"):
        init_databases(settings)
    monkeypatch.undo()
    init_databases(settings).close()  # nothing was half made


@pytest.mark.parametrize(
    ("engine", "version"),
    [
        ("SQLite", (3, 35, 0)),
        ("SQLite", (3, 50, 1)),
        ("PostgreSQL", (14, 0)),
        ("PostgreSQL", (18, 6)),
    ],
)
def test_an_engine_that_is_new_enough_is_taken(engine: str, version: tuple[int, ...]) -> None:
    refuse_old_engine(engine, version)
