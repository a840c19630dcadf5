"""Settings of the databases of a test, here and in the processes that it starts."""

import json
import os

from openalgo_store.settings import DATABASES, Settings

SQLITE_IDLE = int(os.environ.get("OPENALGO_TEST_SQLITE_IDLE", Settings.db_sqlite_idle))
"""How many connections of a SQLite file may be idle: none must do, too."""
POOLER = os.environ.get("OPENALGO_TEST_POOLER", Settings.db_pooler)
"""Whether what the tests ask of PostgreSQL goes through a pooler."""

Urls = dict[str, str]
"""The URL of each of the five databases by its name."""


def settings_of(urls: Urls) -> Settings:
    """Settings of these databases with small pools."""
    values = {("" if name == "main" else f"{name}_") + "database_url": urls[name] for name in urls}
    small = {"db_pool_size": 5, "db_max_overflow": 20, "db_sqlite_idle": SQLITE_IDLE}
    return Settings(**(values | small), db_pooler=POOLER)  # type: ignore[arg-type]


def urls_of(settings: Settings) -> str:
    """The first argument of every program: JSON, the five databases' URLs by name."""
    return json.dumps({name: settings.url(name) for name in DATABASES})
