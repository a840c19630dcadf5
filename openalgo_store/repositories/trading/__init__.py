"""Orders, fills, trades, positions and holdings, in two books."""

from ...records.trading import (
    DailyPnl,
    Fill,
    Holding,
    Order,
    OrderPage,
    Position,
    RealizedLot,
    SymbolPnl,
    Trade,
)
from .books import LIVE, SANDBOX, Book
from .fills import record_fill
from .holdings import bulk_update_holdings, get_holdings
from .orders import (
    create_order,
    get_open_orders,
    get_order,
    get_order_history,
    get_orders_after,
    update_order,
    update_order_status,
)
from .positions import bulk_update_positions, get_positions
from .realized_pnl import get_realized_pnl
from .trades import get_daily_pnl, get_daily_pnl_by_symbol, get_trades, import_trade, record_trade

__all__ = [
    "LIVE",
    "SANDBOX",
    "Book",
    "DailyPnl",
    "Fill",
    "Holding",
    "Order",
    "OrderPage",
    "Position",
    "RealizedLot",
    "SymbolPnl",
    "Trade",
    "bulk_update_holdings",
    "bulk_update_positions",
    "create_order",
    "get_daily_pnl",
    "get_daily_pnl_by_symbol",
    "get_holdings",
    "get_open_orders",
    "get_order",
    "get_order_history",
    "get_orders_after",
    "get_positions",
    "get_realized_pnl",
    "get_trades",
    "import_trade",
    "record_fill",
    "record_trade",
    "update_order",
    "update_order_status",
]
