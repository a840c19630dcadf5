"""openalgo_store: the data layer of OpenAlgo. Everything public is imported from here."""

from .cache import CacheStats
from .config import Settings
from .dialects import get_engine_options
from .errors import (
    ConfigurationError,
    Conflict,
    InvalidInput,
    MigrationRefused,
    NotFound,
    SessionMisuse,
    StoreError,
    SymbolLoadRefused,
    TransactionFailed,
    Unavailable,
    WrongDatabase,
)
from .instruments import read_instruments
from .records import Instrument, RejectedRow, RenamedSymbol, Symbol, SymbolLoad
from .repositories.symbol_loads import (
    bulk_insert_symbols,
    last_symbol_load,
    replace_symbols,
    symbol_loads,
)
from .repositories.symbols import (
    count_symbols,
    get_broker_symbol,
    get_symbol,
    get_symbol_by_broker_symbol,
    get_symbol_by_token,
    get_symbol_token,
    get_symbol_tokens,
    warm_symbol_cache,
)
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
    get_db_session,
    get_engine,
    get_read_session,
    get_ttl_to_session_end,
    get_write_session,
    use_store,
)
from .transaction import Transaction

__all__ = [
    "CacheStats",
    "ConfigurationError",
    "Conflict",
    "Instrument",
    "InvalidInput",
    "MigrationRefused",
    "NotFound",
    "RejectedRow",
    "RenamedSymbol",
    "SessionMisuse",
    "Settings",
    "Store",
    "StoreError",
    "Symbol",
    "SymbolLoad",
    "SymbolLoadRefused",
    "Transaction",
    "TransactionFailed",
    "Unavailable",
    "WrongDatabase",
    "bulk_insert_symbols",
    "cache_stats",
    "close_databases",
    "count_symbols",
    "get_broker_symbol",
    "get_db_session",
    "get_engine",
    "get_engine_options",
    "get_pending_migrations",
    "get_read_session",
    "get_schema_version",
    "get_symbol",
    "get_symbol_by_broker_symbol",
    "get_symbol_by_token",
    "get_symbol_token",
    "get_symbol_tokens",
    "get_ttl_to_session_end",
    "get_write_session",
    "init_databases",
    "last_symbol_load",
    "read_instruments",
    "replace_symbols",
    "run_pending_migrations",
    "symbol_loads",
    "use_store",
    "warm_symbol_cache",
]
