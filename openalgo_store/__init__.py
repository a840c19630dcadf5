"""openalgo_store: the data layer of OpenAlgo. Everything public is imported from here.

Each area of `repositories` says in its `__all__` what is public of it.
"""

from . import errors
from .background.shutdown import flush_on_sigterm, flush_writers, writer_stats
from .caching.statistics import CacheStats
from .engine import get_engine_options
from .engine.queries import Query
from .engine.retrying import retrying
from .engine.transaction import Transaction
from .errors import *  # noqa: F403
from .operations.health import DatabaseHealth, Health, check_health
from .records.telemetry import WriterStats
from .repositories import accounts, messaging, strategies, symbols, telemetry, trading
from .repositories.accounts import *  # noqa: F403
from .repositories.messaging import *  # noqa: F403
from .repositories.strategies import *  # noqa: F403
from .repositories.symbols import *  # noqa: F403
from .repositories.telemetry import *  # noqa: F403
from .repositories.trading import *  # noqa: F403
from .sessions import get_db_session, get_read_session, get_write_session
from .settings import Settings
from .settings.env_file import read_env_file
from .startup import (
    get_pending_migrations,
    get_schema_version,
    init_databases,
    run_pending_migrations,
)
from .store import (
    Store,
    cache_stats,
    close_databases,
    get_engine,
    get_ttl_to_session_end,
    use_store,
)

_AREAS = (accounts, trading, strategies, symbols, telemetry, messaging)

__all__ = [
    "CacheStats",
    "DatabaseHealth",
    "Health",
    "Query",
    "Settings",
    "Store",
    "Transaction",
    "WriterStats",
    "cache_stats",
    "check_health",
    "close_databases",
    "flush_on_sigterm",
    "flush_writers",
    "get_db_session",
    "get_engine",
    "get_engine_options",
    "get_pending_migrations",
    "get_read_session",
    "get_schema_version",
    "get_ttl_to_session_end",
    "get_write_session",
    "init_databases",
    "read_env_file",
    "retrying",
    "run_pending_migrations",
    "use_store",
    "writer_stats",
    *errors.__all__,
    *(name for area in _AREAS for name in area.__all__),
]
