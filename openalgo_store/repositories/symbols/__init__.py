"""The brokers' symbol masters: reading, loading, looking up."""

from ...instruments import read_instruments, register_reader
from ...instruments.cleaning import Rejected
from ...instruments.layouts import Cells, Layout
from ...records.symbols import Instrument, RejectedRow, RenamedSymbol, Symbol, SymbolLoad
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
    "Instrument",
    "Layout",
    "Rejected",
    "RejectedRow",
    "RenamedSymbol",
    "Symbol",
    "SymbolLoad",
    "bulk_insert_symbols",
    "count_symbols",
    "get_broker_symbol",
    "get_symbol",
    "get_symbol_by_broker_symbol",
    "get_symbol_by_token",
    "get_symbol_token",
    "get_symbol_tokens",
    "last_symbol_load",
    "read_instruments",
    "register_reader",
    "replace_symbols",
    "symbol_loads",
    "warm_symbol_cache",
]
