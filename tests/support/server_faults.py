"""What is done to a PostgreSQL server from outside."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
from psycopg import sql
from sqlalchemy.engine import make_url

from tests.support.postgres_server import PostgresServer
from tests.support.waiting import wait_until

VICTIM = "victim"
"""The application_name of a process that is killed."""


@contextmanager
def administering(server: PostgresServer) -> Iterator["psycopg.Connection[Any]"]:
    """A connection to the server's own database."""
    url = server.admin.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection


def terminate(server: PostgresServer, pid: int) -> None:
    """End a session, and wait until it has ended."""
    with administering(server) as admin:
        admin.execute("SELECT pg_terminate_backend(%s, 60000)", (pid,))


def wait_for_the_dead(server: PostgresServer) -> None:
    """Until the server knows that killed processes are gone: what they wrote is undone then."""
    count = f"SELECT count(*) FROM pg_stat_activity WHERE application_name = '{VICTIM}'"
    with administering(server) as admin:
        wait_until(lambda: _one(admin, count) == 0)


@contextmanager
def set_of_database(server: PostgresServer, url: str, setting: str, value: str) -> Iterator[None]:
    """Within the block, new sessions of a database begin with this setting; they end with it."""
    parts = {"setting": sql.Identifier(setting), "value": sql.Literal(value)}
    with administering(server) as admin:
        _alter(admin, url, sql.SQL("SET {setting} = {value}").format(**parts))
        try:
            yield
        finally:
            _alter(admin, url, sql.SQL("RESET {setting}").format(**parts))
            _end_all(admin, url)


@contextmanager
def refusing(server: PostgresServer, url: str) -> Iterator[None]:
    """Within the block, a database has no connection and lets no new one in."""
    with administering(server) as admin:
        _alter(admin, url, sql.SQL("ALLOW_CONNECTIONS false"))
        _end_all(admin, url)
        try:
            yield
        finally:
            _alter(admin, url, sql.SQL("ALLOW_CONNECTIONS true"))


def _alter(admin: "psycopg.Connection[Any]", url: str, change: sql.Composable) -> None:
    name = sql.Identifier(make_url(url).database or "")
    admin.execute(sql.SQL("ALTER DATABASE {} {}").format(name, change))


def _end_all(admin: "psycopg.Connection[Any]", url: str) -> None:
    """Every session of a database."""
    ends = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"
    admin.execute(ends, (make_url(url).database,))


@contextmanager
def stored_in(server: PostgresServer, url: str, folder: Path) -> Iterator[None]:
    """A database is kept in this folder, to which the server must come, and dropped at the end.

    Its pages are soon full, so that what is written needs new ones.
    """
    names = {"space": sql.Identifier(f"t_{uuid4().hex}"), "folder": sql.Literal(str(folder))}
    with administering(server) as admin:
        owner = Path(_one(admin, "SHOW data_directory")).stat()
        folder.mkdir()
        os.chown(folder, owner.st_uid, owner.st_gid)
        admin.execute(sql.SQL("CREATE TABLESPACE {space} LOCATION {folder}").format(**names))
        _alter(admin, url, sql.SQL("SET TABLESPACE {space}").format(**names))
        target = make_url(url).set(drivername="postgresql")
        with psycopg.connect(target.render_as_string(hide_password=False)) as connection:
            for (table,) in connection.execute(_TABLES).fetchall():
                change = sql.SQL("ALTER TABLE {} SET (fillfactor = 10)")
                connection.execute(change.format(sql.Identifier(table)))
        yield
        server.drop_database(url)
        admin.execute(sql.SQL("DROP TABLESPACE {space}").format(**names))


_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()"


def _one(connection: "psycopg.Connection[Any]", query: str) -> Any:
    row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return row[0]
