"""Migrations: what a database has, what it lacks, and how it is brought up.

Nothing pending costs one query and does not import yoyo. The rules about files and records that
are checked here hold for the literal `yoyo` commands too: see yoyo_backends.
"""

import hashlib
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from glob import escape
from pathlib import Path
from typing import Any

from sqlalchemy.engine import URL, make_url

from ..errors import ConfigurationError, MigrationRefused
from ..settings import project_folder, variable_of
from ..settings.urls import hide_password
from .driver_errors import explain

DEADLINE = 60
"""Seconds that a migration waits for another one, or for a lock."""

TABLES_SQL = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'table'",
    "postgresql": "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()",
}

BEGIN = f"BEGIN; SET LOCAL lock_timeout = '{DEADLINE}s'"
"""How a transaction of PostgreSQL begins, also through a pooler."""

_MIGRATION = re.compile(r"([a-z]+)-\d{4}-[a-z0-9-]+")
_CREATED_TABLE = re.compile(r'^\s*CREATE TABLE (?:IF NOT EXISTS )?"?(\w+)', re.I | re.M)


def run_migrations(url: str, database: str) -> list[str]:
    """Apply what is pending, each migration whole or not at all; the ids applied by this call."""
    if not pending_migrations(url, database):
        return []
    from yoyo import get_backend, read_migrations

    target = make_url(url)
    yoyo_url = target.set(drivername=f"openalgo+{_engine(target)}")
    folder = _folder(target, database)
    with (
        _explained(url, database),
        get_backend(yoyo_url.render_as_string(hide_password=False)) as backend,
        backend.lock(),
    ):
        pending = backend.to_apply(read_migrations(escape(str(folder))))
        applied: list[str] = backend.apply_migrations(pending)
    return applied


def pending_migrations(url: str, database: str) -> list[str]:
    """The ids of the migrations that the database lacks; a SQLite file is not created for it.

    Raises MigrationRefused when the files and the database do not fit together.
    """
    target = make_url(url)
    if _is_absent(target):
        return list(read_folder(_folder(target, database), database))
    with looking(url, database) as connection:
        return pending_on(connection, url, database)


def schema_version(url: str, database: str) -> str | None:
    """The id of the newest applied migration, or None."""
    if _is_absent(make_url(url)):
        return None
    with looking(url, database) as connection:
        return version_on(connection, database)


@contextmanager
def looking(url: str, database: str) -> Iterator[Any]:
    """A connection to look with, which makes no file; what goes wrong is told as above."""
    with _explained(url, database), closing(connect(make_url(url))) as connection:
        yield connection


def pending_on(connection: Any, url: str, database: str) -> list[str]:
    """The pending migrations of the database at the other end of a connection."""
    folder = _folder(make_url(url), database)
    pending = check_records(connection, folder, database)
    if pending:
        refuse_strangers(connection, folder, database)
    return pending


def version_on(connection: Any, database: str) -> str | None:
    """The newest applied migration of the database at the other end of a connection."""
    return max(applied_migrations(connection, database), default=None)


def connect(url: URL, *, create: bool = False) -> Any:
    """A connection of the driver alone, in autocommit mode; `create` makes a missing SQLite file.

    It waits for a lock at most DEADLINE seconds. SQLite's foreign keys are off, as its rebuilding
    of tables needs. Nothing is kept in a session of PostgreSQL but that limit, which a pooler that
    takes no options may drop: see BEGIN.
    """
    is_sqlite = _engine(url) == "sqlite"
    connection = _open_file(url, create) if is_sqlite else _log_in(url)
    try:
        if is_sqlite:
            encoding = connection.execute("PRAGMA encoding").fetchone()[0]
        else:
            encoding = connection.info.parameter_status("server_encoding")
            refuse_old_engine("PostgreSQL", divmod(connection.info.server_version, 10_000))
        refuse_other_encoding(encoding, url)
    except BaseException:
        connection.close()
        raise
    return connection


def _open_file(url: URL, create: bool) -> Any:
    refuse_old_engine("SQLite", sqlite3.sqlite_version_info)
    location = Path(url.database or "").resolve().as_uri()
    return sqlite3.connect(
        f"{location}?mode={'rwc' if create else 'rw'}",
        uri=True,
        timeout=DEADLINE,
        isolation_level=None,
    )


def _log_in(url: URL) -> Any:
    import psycopg

    own = str(url.query.get("options", ""))
    arguments: dict[str, Any] = {"connect_timeout": 10, "client_encoding": "utf8"}
    arguments |= dict(url.query) | {"autocommit": True, "prepare_threshold": None}
    arguments |= url.translate_connect_args(username="user", database="dbname")
    try:
        options = f"{own} -c lock_timeout={DEADLINE}s".strip()
        return psycopg.connect(**arguments | {"options": options})
    except psycopg.OperationalError as error:
        if "unsupported startup parameter" not in str(error):
            raise
        return psycopg.connect(**arguments | {"options": own})


def refuse_other_encoding(encoding: str | None, url: URL) -> None:
    """ConfigurationError for a database that does not hold every text, and in code-point order."""
    if encoding not in ("UTF8", "UTF-8", None):  # some poolers do not tell
        mend = "CREATE DATABASE name ENCODING 'UTF8' TEMPLATE template0 LOCALE 'C'"
        if _engine(url) == "sqlite":
            mend = "a new file"
        raise ConfigurationError(
            f"the database {url.database} is encoded in {encoding}, and openalgo_store needs "
            f"UTF-8: make another ({mend}) and name that one"
        )


def refuse_old_engine(engine: str, version: tuple[int, ...]) -> None:
    """ConfigurationError for an engine that lacks what the statements of sql/ need."""
    if version < (oldest := _OLDEST[engine]):
        shown, needed = (".".join(map(str, each)) for each in (version, oldest))
        raise ConfigurationError(
            f"this is {engine} {shown}, and openalgo_store needs {needed} or later: upgrade it"
        )


_OLDEST = {"SQLite": (3, 35), "PostgreSQL": (14,)}
"""SQLite 3.35 brought RETURNING; PostgreSQL 13 is no longer maintained."""


def read_folder(folder: Path, database: str) -> dict[str, str]:
    """The migrations of a folder: the checksum of each by its id, in order."""
    files = sorted(path for path in folder.glob("*") if path.suffix in (".sql", ".py"))
    names = {path.name for path in files}
    found = {}
    for path in files:
        if path.name.endswith(".rollback.sql"):
            if path.name.replace(".rollback.sql", ".sql") not in names:
                raise MigrationRefused(f"{path} has no migration beside it: remove or rename it")
            continue
        if path.suffix != ".sql" or database_of(path.stem) != database:
            raise MigrationRefused(
                f"{path} is no migration of {database}: name it {database}-0001-words.sql, "
                "lower case, or remove it"
            )
        if f"{path.stem}.rollback.sql" not in names:
            raise MigrationRefused(f"{path} has no {path.stem}.rollback.sql beside it: write it")
        text = path.read_text(encoding="utf-8")  # which gives every line end as \n
        found[path.stem] = hashlib.sha256(text.encode()).hexdigest()
    if not found:
        raise MigrationRefused(f"{folder} holds no migrations: check the path, or install again")
    return found


def database_of(migration_id: str) -> str | None:
    """The database that a migration belongs to, or None for a name outside the rule."""
    match = _MIGRATION.fullmatch(migration_id)
    return match and match[1]


def applied_migrations(connection: Any, database: str | None = None) -> dict[str, str]:
    """The checksum of each applied migration: of one database, or of all that live here."""
    rows = _rows(connection, "SELECT migration_id, checksum FROM openalgo_migrations")
    return {name: sum_ for name, sum_ in rows if database in (None, database_of(name))}


def unchecked_migrations(connection: Any, folder: Path, database: str) -> list[str]:
    """The ids that yoyo's own backends recorded, which keep no checksums, in order.

    Raises MigrationRefused unless these are the first of the folder, without a gap.
    """
    rows = _rows(connection, "SELECT migration_id FROM _yoyo_migration")
    recorded = sorted(name for (name,) in rows if database_of(name) == database)
    files = list(read_folder(folder, database))
    if recorded != files[: len(recorded)]:
        odd = min(set(recorded) ^ set(files[: len(recorded)]))
        raise MigrationRefused(
            f"yoyo's own records of {variable_of(database)} are not those of {folder}: {odd} is "
            "in one of the two alone. Name an empty database, or mend them with `yoyo mark`"
        )
    applied = applied_migrations(connection, database)
    return [name for name in recorded if name not in applied]


def _rows(connection: Any, query: str) -> list[tuple[str, ...]]:
    """The rows of a query, none where its table is not there."""
    try:
        return list(connection.execute(query).fetchall())
    except Exception as error:
        absent = getattr(error, "sqlstate", None) == "42P01" or "no such table" in str(error)
        if absent:
            return []
        raise


def check_records(connection: Any, folder: Path, database: str) -> list[str]:
    """The ids that are not applied; MigrationRefused if an applied one is gone or was edited."""
    files = read_folder(folder, database)
    applied = applied_migrations(connection, database)
    for name in sorted(applied):
        if name not in files:
            raise MigrationRefused(
                f"{name} is applied, but {folder} has no such file: restore it, "
                "or install the version of openalgo-store that brought it"
            )
        if files[name] != applied[name]:
            raise MigrationRefused(
                f"{folder / name}.sql was edited after it was applied: restore it and "
                "put the change into a new migration"
            )
    return [name for name in files if name not in applied]


def refuse_strangers(connection: Any, folder: Path, database: str) -> None:
    """MigrationRefused if nothing is recorded and yet one of the migrations' tables exists.

    What yoyo's own backends recorded is compared with the tables before anything is applied.
    """
    if applied_migrations(connection, database):
        return
    if unchecked_migrations(connection, folder, database):
        return
    ours: set[str] = set()
    for name in read_folder(folder, database):
        text = (folder / f"{name}.sql").read_text(encoding="utf-8")
        ours.update(table.lower() for table in _CREATED_TABLE.findall(text))
    engine = "sqlite" if isinstance(connection, sqlite3.Connection) else "postgresql"
    there = {table.lower() for (table,) in connection.execute(TABLES_SQL[engine])}
    # Another process may have applied them between the two queries: then the record is there now.
    if (strangers := sorted(ours & there)) and not applied_migrations(connection, database):
        raise MigrationRefused(
            f"the database of {variable_of(database)} has the table {strangers[0]} but no record "
            "of a migration: something else made it. Name an empty database, or, if the tables "
            "are known to equal these migrations, record them with `yoyo mark`"
        )


@contextmanager
def _explained(url: str, database: str) -> Iterator[None]:
    """Turn the driver's errors into the store's; the variable to look at stands in front."""
    driver_error: type[Exception] = sqlite3.Error
    if _engine(make_url(url)) == "postgresql":
        import psycopg

        driver_error = psycopg.Error
    try:
        yield
    except ConfigurationError as error:
        raise ConfigurationError(f"{variable_of(database)}: {error}") from error.__cause__
    except driver_error as error:
        raise explain(error, f"{variable_of(database)} ({hide_password(url)})") from error


def _engine(url: URL) -> str:
    return url.get_backend_name()


def _folder(url: URL, database: str) -> Path:
    return project_folder("migrations") / database / _engine(url)


def _is_absent(url: URL) -> bool:
    return _engine(url) == "sqlite" and not Path(url.database or "").exists()
