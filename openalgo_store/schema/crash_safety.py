"""What the yoyo backends of both engines share: crash safety, one lock, checked records."""

import getpass
import os
import socket
import sys
import time
import uuid
from collections.abc import Iterator
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
from ..threads import sleep
from . import driver_errors, migrate, stock_records


class CrashSafe(DatabaseBackend):  # type: ignore[misc]  # yoyo is untyped
    """A backend of yoyo, as yoyo_backends describes it."""

    engine: str
    _is_locked: bool = False
    _in_transaction: bool = False
    _internal_schema_updated: bool = False
    create_lock_table_sql = DatabaseBackend.create_lock_table_sql.replace(
        "CREATE TABLE", "CREATE TABLE IF NOT EXISTS"
    )

    def connect(self, dburi: Any) -> Any:
        self.url = self._url(dburi)
        return migrate.connect(self.url, create=True)

    def _url(self, dburi: Any) -> URL:
        """What yoyo has read, as SQLAlchemy reads it."""
        return URL.create(
            self.engine,
            username=dburi.username,
            password=dburi.password,
            host=dburi.hostname,
            port=dburi.port,
            database=unquote(dburi.database or ""),
            query=dburi.args,
        )

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

    def apply_migrations(self, migrations: Any, force: bool = False) -> list[str]:
        """Apply what is not recorded, neither by these backends nor by yoyo's own; its ids."""
        for folder, database in _folders(migrations):
            migrate.refuse_strangers(self.connection, folder, database)
            stock_records.take_over(self, folder, database)
        migrations = super().to_apply(migrations)
        super().apply_migrations(migrations, force)
        return [each.id for each in migrations]

    def apply_one(self, migration: Any, force: bool = False, mark: bool = True) -> None:
        with self._one_transaction(migration):
            migration.process_steps(self, "apply", force=force)
            self._check_references(migration)
            with self.transaction():
                self.log_migration(migration, "apply")
                self.mark_one(migration, log=False)

    def rollback_one(self, migration: Any, force: bool = False) -> None:
        with self._one_transaction(migration):
            self._refuse_beneath_others(migration)
            migration.process_steps(self, "rollback", force=force)
            with self.transaction():
                self.log_migration(migration, "rollback")
                self.unmark_one(migration, log=False)

    def mark_one(self, migration: Any, log: bool = True) -> None:
        self.unmark_one(migration, log=False)  # a plain yoyo may have marked it, without checksum
        super().mark_one(migration, log=log)
        self.record(migration)

    def record(self, migration: Any) -> None:
        """Keep the checksum of a migration that is marked."""
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
            raise driver_errors.explain(error, migration.path) from error

    def _check(self, migrations: Any) -> None:
        folders = _folders(migrations)
        if not folders:
            raise MigrationRefused("there are no migrations: check the path of their folder")
        for folder, database in folders:
            migrate.check_records(self.connection, folder, database)

    def _refuse_beneath_others(self, migration: Any) -> None:
        _, database = _place(migration)
        applied = migrate.applied_migrations(self.connection)
        own = [each for each in applied if migrate.database_of(each) == database]
        if own and (newest := max(own)) > migration.id:
            raise MigrationRefused(
                f"{newest} is applied on top of {migration.id}: roll that back first"
            )

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
        sleep(0.05)


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
