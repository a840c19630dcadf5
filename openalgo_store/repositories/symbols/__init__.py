"""The brokers' symbol masters: reading, loading, looking up."""

from ...instruments import read_instruments, register_reader
from ...instruments.cleaning import Rejected
from ...instruments.layouts import Cells, Layout
from ...records.symbols import (
    ChainRow,
    CurrentExpiries,
    Instrument,
    OptionChain,
    RejectedRow,
    RenamedSymbol,
    Symbol,
    SymbolLoad,
)
from .contracts import (
    get_current_expiries,
    get_expiries,
    get_futures,
    get_option_chain,
    get_underlyings,
)
from .searching import search_symbols
from .symbol_loads import bulk_insert_symbols, last_symbol_load, replace_symbols, symbol_loads
from .symbols import (
    count_symbols,
    get_broker_symbol,
    get_symbol,
    get_symbol_by_broker_symbol,
    get_symbol_by_token,
    get_symbol_token,
    get_symbol_tokens,
    warm_symbol_cache,
)

__all__ = [
    "Cells",
    "ChainRow",
    "CurrentExpiries",
    "Instrument",
    "Layout",
    "OptionChain",
    "Rejected",
    "RejectedRow",
    "RenamedSymbol",
    "Symbol",
    "SymbolLoad",
    "bulk_insert_symbols",
    "count_symbols",
    "get_broker_symbol",
    "get_current_expiries",
    "get_expiries",
    "get_futures",
    "get_option_chain",
    "get_symbol",
    "get_symbol_by_broker_symbol",
    "get_symbol_by_token",
    "get_symbol_token",
    "get_symbol_tokens",
    "get_underlyings",
    "last_symbol_load",
    "read_instruments",
    "register_reader",
    "replace_symbols",
    "search_symbols",
    "symbol_loads",
    "warm_symbol_cache",
]
