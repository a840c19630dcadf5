"""Start-up: folders, engines, migrations, warm caches, in this order; all of it or none."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from sqlalchemy.engine import make_url

from .errors import ConfigurationError
from .repositories.accounts.api_keys import warm_api_key_cache
from .repositories.accounts.sentinels import check_secrets
from .repositories.symbols.symbols import warm_symbol_cache
from .schema import migrate
from .settings import DATABASES, Settings, chosen_settings, variable_of
from .store import Store, current_store, log, open_store, use_store


def init_databases(settings: Settings | None = None, *, warm: bool = True) -> Store:
    """Open the five databases, bring their schema up to date and make the store the current one.

    Without settings the environment counts. It may be called again, and by many processes at
    once. `warm`, for a process that serves, checks that secrets are the database's own and fills
    the caches. At any error nothing stays open and the error says why.
    """
    chosen = chosen_settings(settings)
    make_folders(chosen)
    before = open_store()
    store = before if before and before.settings == chosen else Store(chosen)
    try:
        _migrate(store)
        use_store(store)
        if warm:
            for warning in (*pool_warnings(store), *read_only_warnings(store)):
                log.warning(warning)
            check_secrets(store)
            warm_symbol_cache()
            warm_api_key_cache()
    except BaseException:
        if store is not before:
            store.close()
            use_store(before)
        raise
    return store


def run_pending_migrations(database: str | None = None) -> list[str]:
    """Apply what is pending, in one database or in all; the ids that were applied.

    Raises MigrationRefused where migrations and database do not fit together, ConfigurationError
    for an engine that is too old, Unavailable.
    """
    names = DATABASES if database is None else (database,)
    applied = _migrate(current_store(), names)
    return [each for name in names for each in applied[name]]


def _migrate(store: Store, names: Sequence[str] = DATABASES) -> dict[str, list[str]]:
    """What was pending and is applied; a replica is not read until it has got that."""
    applied = migrate_databases(store.settings, names)
    if applied.get("main") and store.replica:
        store.replica.note_write()
    return applied


def get_pending_migrations(database: str = "main") -> list[str]:
    """The ids of the migrations that are not applied yet."""
    return migrate.pending_migrations(current_store().settings.url(database), database)


def get_schema_version(database: str = "main") -> str | None:
    """The id of the newest applied migration, or None."""
    return migrate.schema_version(current_store().settings.url(database), database)


def migrate_databases(settings: Settings, names: Sequence[str] = DATABASES) -> dict[str, list[str]]:
    """Apply what is pending, and tell what was; each is looked at before one is changed."""
    pending = {name: migrate.pending_migrations(settings.url(name), name) for name in names}
    return {
        name: migrate.run_migrations(settings.url(name), name) if pending[name] else []
        for name in names
    }


def make_folders(settings: Settings, names: Sequence[str] = DATABASES) -> None:
    """Make the folders of SQLite files.

    Raises ConfigurationError, which names the variable, for a folder or a file that cannot serve:
    a file that is read-only would only fail at its first write.
    """
    for name in names:
        path = make_url(settings.url(name)).database or ""
        if not Path(path).is_absolute():  # a PostgreSQL database has no folder
            continue
        folder = Path(path).parent
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigurationError(
                f"{variable_of(name)}: the folder {folder} cannot be made ({error.strerror}): "
                "choose one that can"
            ) from error
        if not os.access(folder, os.W_OK | os.X_OK):
            raise ConfigurationError(
                f"{variable_of(name)}: the folder {folder} cannot be written: change its rights "
                "or choose another"
            )
        if Path(path).is_dir():
            raise ConfigurationError(f"{variable_of(name)}: {path} is a folder: name a file in it")
        for file in (path, f"{path}-wal", f"{path}-shm"):
            if Path(file).exists() and not os.access(file, os.R_OK | os.W_OK):
                raise ConfigurationError(
                    f"{variable_of(name)}: the file {file} is read-only for this user: change its "
                    "rights or its owner"
                )


def pool_warnings(store: Store) -> Iterator[str]:
    """A warning for each server whose connection limit the pools together could exceed."""
    wanted: dict[str, int] = {}
    limits: dict[str, int] = {}
    each_pool = store.settings.db_pool_size + store.settings.db_max_overflow
    for dialect in store.dialects:
        replica = store.replica
        if replica and dialect is replica.dialect and replica.status().problem:
            continue
        with dialect.engine.connect() as connection:
            limit = dialect.connection_limit(connection)
        if limit is not None:
            server = dialect.identity.rpartition("/")[0]
            wanted[server] = wanted.get(server, 0) + each_pool
            limits[server] = limit
    if (server := store.databases["main"].identity.rpartition("/")[0]) in wanted:
        wanted[server] += 1  # on which it looks whether other processes have changed something
    for server, count in wanted.items():
        if count > limits[server]:
            yield (
                f"the pools may ask {server} for {count} connections, it allows {limits[server]}: "
                "lower DB_POOL_SIZE and DB_MAX_OVERFLOW, or raise its max_connections"
            )


READ_ONLY = "is read-only, so writes will fail: name its primary, or let it take writes"


def read_only_warnings(store: Store) -> Iterator[str]:
    """A warning for each database that takes no writes, as after its server became a standby."""
    for name, dialect in store.databases.items():
        with dialect.engine.connect() as connection:
            if dialect.is_read_only(connection.connection.driver_connection):
                yield f"{variable_of(name)}: {dialect.identity} {READ_ONLY}"
