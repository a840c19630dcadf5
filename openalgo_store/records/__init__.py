"""The typed records that callers get: plain, immutable, without anything of SQLAlchemy."""

from typing import Any

from .accounts import (
    ApiKey,
    AuthToken,
    CachedKey,
    IssuedApiKey,
    SealedToken,
    User,
)
from .symbols import (
    Instrument,
    RejectedRow,
    RenamedSymbol,
    Symbol,
    SymbolLoad,
)
from .telemetry import (
    LatencyStats,
    LogEntry,
    LogPage,
    TelegramChat,
    TelegramMessage,
    WriterStats,
)
from .trading import (
    DailyPnl,
    Fill,
    Holding,
    Order,
    OrderPage,
    Position,
    Strategy,
    SymbolPnl,
    Trade,
)

Row = tuple[Any, ...]
"""A row on its way to the database, in the order of its columns."""

__all__ = [
    "ApiKey",
    "AuthToken",
    "CachedKey",
    "DailyPnl",
    "Fill",
    "Holding",
    "Instrument",
    "IssuedApiKey",
    "LatencyStats",
    "LogEntry",
    "LogPage",
    "Order",
    "OrderPage",
    "Position",
    "RejectedRow",
    "RenamedSymbol",
    "Row",
    "SealedToken",
    "Strategy",
    "Symbol",
    "SymbolLoad",
    "SymbolPnl",
    "TelegramChat",
    "TelegramMessage",
    "Trade",
    "User",
    "WriterStats",
]
