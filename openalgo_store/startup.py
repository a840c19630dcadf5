"""Start-up: folders, engines, migrations, warm caches, in this order; all of it or none."""

import os
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy.engine import make_url

from .errors import ConfigurationError
from .repositories.accounts.api_keys import warm_api_key_cache
from .repositories.accounts.sentinels import check_secrets
from .repositories.symbols.symbols import warm_symbol_cache
from .schema import migrate
from .settings import DATABASES, Settings, variable_of
from .store import Store, current_store, log, open_store, use_store


def init_databases(settings: Settings | None = None, *, warm: bool = True) -> Store:
    """Open the five databases, bring their schema up to date and make the store the current one.

    Without settings the environment counts. It may be called again, and by many processes at
    once. `warm`, for a process that serves, checks that secrets are the database's own and fills
    the caches. At any error nothing stays open and the error says why.
    """
    chosen = settings or Settings.from_env(os.environ)
    make_folders(chosen)
    before = open_store()
    store = before if before and before.settings == chosen else Store(chosen)
    try:
        for name in DATABASES:
            migrate.run_migrations(chosen.url(name), name)
        use_store(store)
        if warm:
            for warning in pool_warnings(store):
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
    """Apply what is pending, in one database or in all; the ids that were applied."""
    settings = current_store().settings
    names = DATABASES if database is None else (database,)
    return [each for name in names for each in migrate.run_migrations(settings.url(name), name)]


def get_pending_migrations(database: str = "main") -> list[str]:
    """The ids of the migrations that are not applied yet."""
    return migrate.pending_migrations(current_store().settings.url(database), database)


def get_schema_version(database: str = "main") -> str | None:
    """The id of the newest applied migration, or None."""
    return migrate.schema_version(current_store().settings.url(database), database)


def make_folders(settings: Settings) -> None:
    """Make the folders of SQLite files; ConfigurationError names the variable of one that fails."""
    for name in DATABASES:
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


def pool_warnings(store: Store) -> Iterator[str]:
    """A warning for each server whose connection limit the pools together could exceed."""
    wanted: dict[str, int] = {}
    limits: dict[str, int] = {}
    each_pool = store.settings.db_pool_size + store.settings.db_max_overflow
    for dialect in store.dialects:
        with dialect.engine.connect() as connection:
            limit = dialect.connection_limit(connection)
        if limit is not None:
            server = dialect.identity.partition("/")[0]
            wanted[server] = wanted.get(server, 0) + each_pool
            limits[server] = limit
    if (server := store.databases["main"].identity.partition("/")[0]) in wanted:
        wanted[server] += 1  # on which it looks whether other processes have changed something
    for server, count in wanted.items():
        if count > limits[server]:
            yield (
                f"the pools may ask {server} for {count} connections, it allows {limits[server]}: "
                "lower DB_POOL_SIZE and DB_MAX_OVERFLOW, or raise its max_connections"
            )
