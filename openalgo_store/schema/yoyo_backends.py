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

import getpass
import os
import socket
import sqlite3
import sys
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from sqlalchemy.engine import URL
from yoyo import internalmigrations
from yoyo.backends.base import DatabaseBackend
from yoyo.migrations import get_migration_hash

from ..errors import MigrationRefused, Unavailable
from . import migrate

if sys.platform == "win32":
    import msvcrt

    def _try_lock(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _try_lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


class _CrashSafe(DatabaseBackend):  # type: ignore[misc]  # yoyo is untyped
    """What both engines share."""

    engine: str
    _is_locked: bool = False
    _in_transaction: bool = False
    _internal_schema_updated: bool = False
    create_lock_table_sql = DatabaseBackend.create_lock_table_sql.replace(
        "CREATE TABLE", "CREATE TABLE IF NOT EXISTS"
    )

    def connect(self, dburi: Any) -> Any:
        self.url = URL.create(
            self.engine,
            username=dburi.username,
            password=dburi.password,
            host=dburi.hostname,
            port=dburi.port,
            database=unquote(dburi.database or ""),  # as SQLAlchemy reads it; yoyo does not
            query=dburi.args,
        )
        return migrate.connect(self.url, create=True)

    def init_database(self) -> None:
        """Nothing: the tables are made when they are needed, and both engines roll DDL back."""

    @contextmanager
    def lock(self, timeout: float = migrate.DEADLINE) -> Iterator[None]:
        """Hold this database alone; Unavailable if another process does so for too long."""
        if self._is_locked:
            yield
            return
        with self._system_lock(time.monotonic() + timeout):
            self._is_locked = True
            try:
                yield
            finally:
                self._is_locked = False

    def break_lock(self) -> None:
        """Remove what a plain yoyo left; a lock of ours ends with its process."""
        self.ensure_internal_schema_updated()

    def ensure_internal_schema_updated(self) -> None:
        """Make yoyo's tables and ours, and remove a lock row that some dead process left."""
        if self._internal_schema_updated:
            return
        with self.lock(), self.transaction():
            self.execute(self.format_sql(self.create_lock_table_sql))
            if internalmigrations.needs_upgrading(self):
                internalmigrations.upgrade(self)
            self.execute(
                "CREATE TABLE IF NOT EXISTS openalgo_migrations ("
                "migration_id VARCHAR(255) PRIMARY KEY, "
                "checksum CHAR(64) NOT NULL, "
                "applied_at TIMESTAMP NOT NULL)"
            )
            self.execute(self.format_sql("DELETE FROM {0.lock_table_quoted}"))
        self._internal_schema_updated = True

    def get_applied_migration_hashes(self) -> list[str]:
        """Read from openalgo_migrations alone, so that looking creates no table."""
        applied = migrate.applied_migrations(self.connection)
        return [get_migration_hash(migration_id) for migration_id in applied]

    def to_apply(self, migrations: Any) -> Any:
        self._check(migrations)
        return super().to_apply(migrations)

    def to_rollback(self, migrations: Any) -> Any:
        self._check(migrations)
        return super().to_rollback(migrations)

    def apply_migrations(self, migrations: Any, force: bool = False) -> None:
        for folder, database in _folders(migrations):
            migrate.refuse_strangers(self.connection, folder, database)
        super().apply_migrations(migrations, force)

    def apply_one(self, migration: Any, force: bool = False, mark: bool = True) -> None:
        with self._one_transaction(migration):
            migration.process_steps(self, "apply", force=force)
            self._check_references(migration)
            with self.transaction():
                self.log_migration(migration, "apply")
                self.mark_one(migration, log=False)

    def rollback_one(self, migration: Any, force: bool = False) -> None:
        with self._one_transaction(migration):
            migration.process_steps(self, "rollback", force=force)
            with self.transaction():
                self.log_migration(migration, "rollback")
                self.unmark_one(migration, log=False)

    def mark_one(self, migration: Any, log: bool = True) -> None:
        self.unmark_one(migration, log=False)  # a plain yoyo may have marked it, without checksum
        super().mark_one(migration, log=log)
        folder, database = _place(migration)
        self.execute(
            "INSERT INTO openalgo_migrations (migration_id, checksum, applied_at) "
            "VALUES (:migration_id, :checksum, :applied_at)",
            {
                "migration_id": migration.id,
                "checksum": migrate.read_folder(folder, database)[migration.id],
                "applied_at": _utc_now(),
            },
        )

    def unmark_one(self, migration: Any, log: bool = True) -> None:
        super().unmark_one(migration, log=log)
        self.execute(
            "DELETE FROM openalgo_migrations WHERE migration_id = :migration_id",
            {"migration_id": migration.id},
        )

    def get_log_data(self, migration: Any = None, operation: str = "apply") -> dict[str, Any]:
        """As yoyo's, but for a user without a name and without asking a name server."""
        return {
            "id": str(uuid.uuid1()),
            "migration_id": migration and migration.id,
            "migration_hash": migration and migration.hash,
            "username": _user(),
            "hostname": socket.gethostname(),
            "created_at_utc": _utc_now(),
            "operation": operation,
        }

    @contextmanager
    def _one_transaction(self, migration: Any) -> Iterator[None]:
        self.ensure_internal_schema_updated()
        migration.load()
        try:
            with self.transaction() if migration.use_transactions else nullcontext():
                yield
        except self.driver.Error as error:
            raise migrate.explain(error, migration.path) from error

    def _check(self, migrations: Any) -> None:
        folders = _folders(migrations)
        if not folders:
            raise MigrationRefused("there are no migrations: check the path of their folder")
        for folder, database in folders:
            migrate.check_records(self.connection, folder, database)

    def _check_references(self, migration: Any) -> None:
        """MigrationRefused if the migration left a row that refers to nothing."""

    def _system_lock(self, deadline: float) -> Any:
        """Hold a lock that the system drops with its process; wait for it until the deadline."""

    def _wait(self, deadline: float) -> None:
        if time.monotonic() > deadline:
            raise Unavailable(
                f"another process is migrating {self.url.render_as_string()} and does not end: "
                "look for it, then try again"
            )
        time.sleep(0.05)


class _SilentCursor(sqlite3.Cursor):
    """Tells yoyo of no columns: it prints them, and adding a column with a CHECK has some."""

    description = None


class SQLite(_CrashSafe):
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


class PostgreSQL(_CrashSafe):
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


def _folders(migrations: Any) -> list[tuple[Path, str]]:
    """The folders that migrations come from, each with its database."""
    return sorted({_place(each) for each in [*migrations, *migrations.post_apply]})


def _place(migration: Any) -> tuple[Path, str]:
    database = migrate.database_of(migration.id)
    if database is None:
        raise MigrationRefused(
            f"{migration.path} does not fit the rule for names: <database>-0001-words.sql"
        )
    return Path(migration.path).parent, database


def _user() -> str:
    try:
        return getpass.getuser()
    except (ImportError, KeyError, OSError):
        return str(os.getuid()) if sys.platform != "win32" else "unknown"


def _utc_now() -> datetime:
    """The moment as yoyo keeps it: UTC, naive."""
    return datetime.now(UTC).replace(tzinfo=None)
