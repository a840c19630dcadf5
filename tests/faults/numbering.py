"""Ids are moved on, so that the next ones are beyond 2^31."""

import sqlite3
from contextlib import closing
from typing import Any

import psycopg
from sqlalchemy import Table
from sqlalchemy.engine import make_url

from openalgo_store import Settings
from openalgo_store.tables import METADATA

BEYOND = 2**31 - 2
"""What is added to every id: a first row has 2^31 - 1 then, the next one more than 32 bits."""


def move_ids(settings: Settings, database: str, *, users: bool) -> None:
    """Add to the id of each row in a database: of the users, or of all but the users.

    The users must have nothing yet, since tokens are sealed for the number of their user.
    """
    url = make_url(settings.url(database))
    tables = [
        table
        for table in METADATA[database].sorted_tables
        if "id" in table.c and (table.name == "users") == users
    ]
    if url.get_backend_name() == "sqlite":
        with closing(sqlite3.connect(url.database or "", isolation_level=None)) as connection:
            for table in tables:
                _move(connection, table)
                if table.dialect_options["sqlite"]["autoincrement"]:
                    numbers = "UPDATE sqlite_sequence SET seq = seq + ? WHERE name = ?"
                    connection.execute(numbers, (BEYOND, table.name))
        return
    target = url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(target) as connection:
        for table in tables:
            _move(connection, table)
            newest = f"SELECT coalesce(max(id), {BEYOND}) FROM {table.name}"
            sequence = f"pg_get_serial_sequence('{table.name}', 'id')"
            connection.execute(f"SELECT setval({sequence}, ({newest}))".encode())


def _move(connection: Any, table: Table) -> None:
    """Away first, so that no id meets another one on its way."""
    connection.execute(f"UPDATE {table.name} SET id = -id")
    connection.execute(f"UPDATE {table.name} SET id = {BEYOND} - id")
