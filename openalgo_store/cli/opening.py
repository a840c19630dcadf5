"""Where a command finds its databases."""

import os
from pathlib import Path

from ..errors import ConfigurationError
from ..schema import migrate
from ..settings import Settings
from ..settings.env_file import read_env_file
from ..store import Store, use_store

ENV_FILE = Path(".env")


def settings_here() -> Settings:
    """Of the file .env in the current folder and of the environment, which counts more."""
    return Settings.from_env({**read_env_file(ENV_FILE), **os.environ})


def open_as_it_is(*names: str, older: bool = False) -> Store:
    """Use these databases, without bringing anything up to date.

    `older` takes those of an older version too.
    """
    settings = settings_here()
    for name in names:
        url = settings.url(name)
        pending = migrate.pending_migrations(url, name)
        if pending and migrate.schema_version(url, name) is None:
            raise ConfigurationError(
                f"the {name} database is not set up: run `openalgo-store init`"
            )
        if pending and not older:
            raise ConfigurationError(
                f"the {name} database is of an older version: save it (a file by `openalgo-store "
                "backup`, a server's tables by pg_dump), then run `openalgo-store migrate`, which "
                f"applies {', '.join(pending)}"
            )
    store = Store(settings)
    use_store(store)
    return store
