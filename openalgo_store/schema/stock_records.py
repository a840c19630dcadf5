"""Databases that yoyo's own backends made: their records become ours if their tables are equal.

Those backends keep no checksums. So what the recorded migrations make is made once more, in a file
or in temporary tables that vanish, and every column, constraint and index is compared.
"""

import logging
from collections.abc import Sequence
from glob import escape
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from yoyo import read_migrations

from ..errors import MigrationRefused
from . import migrate

_SCHEMA_SQL = {
    "sqlite": """
        SELECT tbl_name, type || ' ' || name, coalesce(replace(sql, '"', ''), '')
        FROM sqlite_master
    """,
    "postgresql": """
        WITH tables AS (
            SELECT oid, relname FROM pg_class
            WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r'
        )
        SELECT relname, 'column ' || attname,
               concat_ws(' ', format_type(atttypid, atttypmod), attcollation::regcollation,
                         attnotnull, attidentity, pg_get_expr(adbin, adrelid))
        FROM tables JOIN pg_attribute ON attrelid = tables.oid
        LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
        WHERE attnum > 0 AND NOT attisdropped
        UNION ALL
        SELECT relname, 'constraint ' || conname, pg_get_constraintdef(pg_constraint.oid, true)
        FROM tables JOIN pg_constraint ON conrelid = tables.oid
        UNION ALL
        SELECT relname, 'index ' || indexrelid::regclass, pg_get_indexdef(indexrelid, 0, true)
        FROM tables JOIN pg_index ON indrelid = tables.oid
    """,
}
"""Of each table in sight: its name, a part of it, and how that is defined."""

_Parts = set[tuple[str, str, str]]

_log = logging.getLogger("openalgo_store")


def take_over(backend: Any, folder: Path, database: str) -> None:
    """Record with a checksum what yoyo's own backends recorded without.

    Raises MigrationRefused, and records nothing, if the tables are not what the migrations make.
    """
    unchecked = migrate.unchecked_migrations(backend.connection, folder, database)
    if not unchecked:
        return
    recorded = [m for m in read_migrations(escape(str(folder))) if m.id <= unchecked[-1]]
    found, expected = _parts(backend), _made_once_more(backend, recorded)
    ours = {table for table, _, _ in expected}
    for table, part, _ in sorted(expected ^ {each for each in found if each[0] in ours}):
        raise MigrationRefused(
            f"yoyo recorded {recorded[-1].id}, but the {part} of {table} is not what these "
            "migrations make: change it by hand, or name an empty database"
        )
    backend.ensure_internal_schema_updated()
    with backend.transaction():
        for migration in recorded:
            if migration.id in unchecked:
                backend.record(migration)
    _log.info("%s: took over %s, which yoyo applied", database, ", ".join(unchecked))


def _parts(backend: Any) -> _Parts:
    rows = backend.execute(_SCHEMA_SQL[backend.engine]).fetchall()
    return {(table, part, " ".join(definition.split())) for table, part, definition in rows}


def _made_once_more(backend: Any, migrations: Sequence[Any]) -> _Parts:
    """What these migrations make of an empty database."""
    for each in migrations:
        each.load()
        if not each.use_transactions:
            raise MigrationRefused(
                f"yoyo recorded {each.id}, which runs outside of transactions, so that nobody can "
                "compare what it made: look at it, then record it with `yoyo mark`"
            )
    if backend.engine == "postgresql":
        with backend.transaction(rollback_on_exit=True):
            backend.execute("SET LOCAL search_path = pg_temp")
            return _applied(backend, migrations)
    with TemporaryDirectory() as folder:
        empty = backend.uri._replace(database=f"{folder}/empty.db")
        with type(backend)(empty, backend.migration_table) as scratch:
            return _applied(scratch, migrations)


def _applied(backend: Any, migrations: Sequence[Any]) -> _Parts:
    for each in migrations:
        each.process_steps(backend, "apply")
    return _parts(backend)
