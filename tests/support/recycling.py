"""Migrated PostgreSQL databases that serve one test after another: emptying one is far quicker
than making a new one. A test that changed the schema has its database dropped.
"""

from typing import Any

import psycopg
from sqlalchemy.engine import make_url

from tests.support.postgres_server import PostgresServer

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
        with server.connect(template) as connection:
            self._schema = _one(connection, _SCHEMA)

    def take(self) -> str:
        """The URL of an empty database."""
        return self._free.pop() if self._free else self._server.create_database(self._template)

    def give_back(self, url: str) -> None:
        """Empty it for the next test, or drop it if it is no longer what it was."""
        try:
            self._server.disconnect(str(make_url(url).database))
            with self._server.connect(url) as connection:
                connection.execute(_DISCONNECT)
                recyclable = _one(connection, _SCHEMA) == self._schema
                if recyclable:
                    _empty(connection)
        except psycopg.Error:  # a test may have left anything behind
            recyclable = False
        if recyclable:
            self._free.append(url)
        else:
            self._server.drop_database(url)


def _empty(connection: psycopg.Connection[Any]) -> None:
    """Remove all rows but those of the migrations, and number new ones from 1 again.

    To cut a table off makes new files, which takes as long as to delete thousands of rows.
    """
    tables = connection.execute(_TABLES, [list(_BOOKKEEPING)]).fetchall()
    if large := [name for name, is_large in tables if is_large]:
        connection.execute(f"TRUNCATE {', '.join(large)} CASCADE".encode())
    connection.execute("SET session_replication_role TO replica")  # in any order
    for name, is_large in tables:
        if not is_large:
            connection.execute(f"DELETE FROM {name}".encode())
    connection.execute(_RESTART)


def _one(connection: psycopg.Connection[Any], query: str) -> Any:
    row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return row[0]
