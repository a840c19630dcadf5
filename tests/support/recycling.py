"""Migrated PostgreSQL databases that serve one test after another: emptying one is far quicker
than making a new one. A test that changed the schema has its database dropped.

A connection to each is kept while tests run, since a new one takes longer to look up all tables
than to empty them.
"""

from contextlib import suppress
from typing import Any

import psycopg
from sqlalchemy.engine import make_url

from tests.support.leaks import Leaks
from tests.support.postgres_server import KEEPER, PostgresServer

_BOOKKEEPING = ("_yoyo_log", "_yoyo_version", "_yoyo_migration", "openalgo_migrations", "yoyo_lock")

_SCHEMA = """
SELECT md5(string_agg(line, ',' ORDER BY line)) FROM (
    SELECT concat_ws(' ', c.relname, a.attname, a.xmin)
    FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid
    WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'i')
    UNION ALL
    SELECT concat_ws(' ', conname, xmin) FROM pg_constraint
    WHERE connamespace = current_schema()::regnamespace
    UNION ALL
    SELECT concat_ws(' ', tgname, xmin) FROM pg_trigger WHERE NOT tgisinternal
    UNION ALL
    SELECT m::text FROM openalgo_migrations AS m
) AS schema (line)
"""
"""Which transaction made each column, index and rule: copies of a template have that in common."""

_DISCONNECT = """
SELECT pg_terminate_backend(pid, CASE WHEN state = 'idle' THEN 0 ELSE 5000 END)
FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""

_WRITTEN = "SELECT pg_snapshot_xmax(pg_current_snapshot())::text"
"""The transactions that have ended on the server; one that wrote nothing is none."""

_TABLES = """
SELECT relname, pg_relation_size(oid) > 100000 FROM pg_class
WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r' AND relname <> ALL (%s)
AND pg_relation_size(oid) > 0
"""
"""Those that have had rows, and whether many."""

_RESTART = """
SELECT setval(format('%I', sequencename)::regclass, start_value, false) FROM pg_sequences
WHERE schemaname = current_schema() AND last_value IS NOT NULL
"""


class RecycledDatabases:
    """Copies of a migrated template, taken for a test and given back after it."""

    def __init__(self, server: PostgresServer, template: str) -> None:
        self._server = server
        self._template = template
        self._free: list[str] = []
        self._kept: dict[str, psycopg.Connection[Any]] = {}
        self._written: dict[str, str] = {}
        with server.connect(template) as connection:
            self._schema = _one(connection, _SCHEMA)

    def take(self) -> str:
        """The URL of an empty database."""
        if not self._free:
            return self._server.create_database(self._template)
        url = self._free.pop()
        with suppress(psycopg.OperationalError):  # it may have been ended meanwhile
            self._written[url] = _one(self._kept[url], _WRITTEN)
        return url

    def give_back(self, url: str, leaks: Leaks | None = None) -> None:
        """Look for leaks and empty it for the next test, or drop it if it is not what it was."""
        recyclable = False
        try:
            self._server.disconnect(str(make_url(url).database))
            kept = self._connected(url)
            recyclable = _one(kept, _WRITTEN) == self._written.pop(url, None)
            if not recyclable:
                if leaks:
                    leaks.check_tables(kept)
                with suppress(psycopg.Error):  # a test may have left anything behind
                    recyclable = _one(kept, _SCHEMA) == self._schema
                    if recyclable:
                        _empty(kept)
        finally:
            if recyclable:
                self._free.append(url)
            else:
                self._forget(url)
                self._server.drop_database(url)

    def close(self) -> None:
        """Nobody takes one any more."""
        for url in list(self._kept):
            self._forget(url)

    def _connected(self, url: str) -> psycopg.Connection[Any]:
        """The connection that is kept to it, or a new one; all others are ended."""
        with suppress(KeyError, psycopg.OperationalError):
            self._kept[url].execute(_DISCONNECT)
            return self._kept[url]
        self._forget(url)
        kept = self._kept[url] = self._server.connect(url, KEEPER)
        kept.execute("SET session_replication_role TO replica")  # rows are removed in any order
        kept.execute(_DISCONNECT)
        return kept

    def _forget(self, url: str) -> None:
        self._written.pop(url, None)
        if kept := self._kept.pop(url, None):
            kept.close()


def _empty(connection: psycopg.Connection[Any]) -> None:
    """Remove all rows but those of the migrations, and number new ones from 1 again.

    To cut a table off makes new files, which takes as long as to delete thousands of rows.
    """
    tables = connection.execute(_TABLES, [list(_BOOKKEEPING)]).fetchall()
    if large := [name for name, is_large in tables if is_large]:
        connection.execute(f"TRUNCATE {', '.join(large)} CASCADE".encode())
    deletes = [f"DELETE FROM {name}" for name, is_large in tables if not is_large]
    connection.execute(";".join([*deletes, _RESTART]).encode())


def _one(connection: psycopg.Connection[Any], query: str) -> Any:
    row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return row[0]
