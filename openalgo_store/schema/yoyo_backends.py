"""The two yoyo backends behind openalgo+sqlite:// and openalgo+postgresql://.

`yoyo apply --batch --database openalgo+sqlite:///databases/openalgo.db migrations/main/sqlite`
and run_migrations are the same code path. Beside yoyo's own tables, openalgo_migrations keeps
the checksum of each applied file. What differs from yoyo's own backends:

- A migration, its log entry and its record are one transaction: a process killed at any moment
  leaves nothing half done. (Not so for a file with `-- transactional: false`: it must be written
  so that it can run twice.)
- The lock is one that the system drops with its process; rows in yoyo_lock mean nothing.
- Files and records that do not fit together are refused before anything runs.
"""

import os
import sqlite3
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy.engine import URL, make_url

from ..errors import MigrationRefused, Unavailable
from ..settings.urls import normalise_url
from . import migrate
from .crash_safety import CrashSafe

if sys.platform == "win32":
    import msvcrt

    def _try_lock(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _try_lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


class _SilentCursor(sqlite3.Cursor):
    """Tells yoyo of no columns: it prints them, and adding a column with a CHECK has some."""

    description = None


class SQLite(CrashSafe):
    """A SQLite file in WAL mode, locked by a file beside it."""

    engine = "sqlite"
    driver_module = "sqlite3"
    list_tables_sql = migrate.TABLES_SQL["sqlite"]

    def cursor(self) -> sqlite3.Cursor:
        return self.connection.cursor(_SilentCursor)  # type: ignore[no-any-return]

    def begin(self) -> None:
        self.execute("BEGIN IMMEDIATE")
        self._in_transaction = True

    def ensure_internal_schema_updated(self) -> None:
        if not self._internal_schema_updated:
            with self.lock():
                self.execute("PRAGMA journal_mode = WAL")
                super().ensure_internal_schema_updated()

    def execute(self, sql: str, params: Mapping[str, Any] | None = None) -> Any:
        """With datetimes as text: sqlite3's adapters are global, and deprecated."""
        texts = {
            name: value.isoformat(" ") if isinstance(value, datetime) else value
            for name, value in (params or {}).items()
        }
        return super().execute(sql, texts)

    def _check_references(self, migration: Any) -> None:
        row = self.execute("PRAGMA foreign_key_check").fetchone()
        if row:
            raise MigrationRefused(f"{migration.path} left rows of {row[0]} that refer to nothing")

    @contextmanager
    def _system_lock(self, deadline: float) -> Iterator[None]:
        path = f"{Path(self.url.database or '').resolve()}.migrate.lock"
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        except OSError as error:
            raise Unavailable(f"the folder must be writable to migrate: {error}") from error
        try:
            while True:
                try:
                    _try_lock(descriptor)
                    break
                except (BlockingIOError, PermissionError):
                    self._wait(deadline)
            yield
        finally:
            os.close(descriptor)


class PostgreSQL(CrashSafe):
    """A PostgreSQL database on psycopg 3, locked by an advisory lock.

    A transaction of a second connection holds it, and not this session: behind a pooler each
    transaction may have another one.
    """

    engine = "postgresql"
    driver_module = "psycopg"
    list_tables_sql = migrate.TABLES_SQL["postgresql"]
    LOCK_KEY = int.from_bytes(b"openalgo")

    def begin(self) -> None:
        self.connection.execute(migrate.BEGIN)
        self._in_transaction = True

    def _url(self, dburi: Any) -> URL:
        written = super()._url(dburi).render_as_string(hide_password=False)
        return make_url(normalise_url(written, "--database"))

    def ensure_internal_schema_updated(self) -> None:
        if not self._internal_schema_updated:
            self._refuse_without_rights()
            super().ensure_internal_schema_updated()

    def _refuse_without_rights(self) -> None:
        """MigrationRefused for a user who may create no table, usual since PostgreSQL 15."""
        schema, user, may_create = self.execute(
            "SELECT quote_ident(current_schema()), quote_ident(current_user), "
            "has_schema_privilege(current_schema(), 'CREATE')"
        ).fetchone()
        if not may_create:
            raise MigrationRefused(
                f"permission denied: {user} may create no table in the schema {schema or 'public'} "
                f"of {self.url.database}: as its owner, or as a superuser in that database, run "
                f"GRANT USAGE, CREATE ON SCHEMA {schema or 'public'} TO {user}"
            )

    @contextmanager
    def _system_lock(self, deadline: float) -> Iterator[None]:
        # CREATE INDEX CONCURRENTLY of who has the lock waits for every snapshot. So nobody waits
        # inside the statement, and it has no parameters: those of PostgreSQL's extended protocol
        # keep their snapshot until the transaction ends.
        ask = f"SELECT pg_try_advisory_xact_lock({self.LOCK_KEY})"
        with migrate.connect(self.url) as holder:
            while True:
                holder.execute("BEGIN; SET LOCAL idle_in_transaction_session_timeout = 0")
                if holder.execute(ask).fetchone()[0]:
                    break
                holder.rollback()
                self._wait(deadline)
            yield
