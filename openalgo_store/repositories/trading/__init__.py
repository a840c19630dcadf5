"""Orders, fills, trades, positions and holdings, in two books."""

from ...records.trading import (
    ConvertedPosition,
    DailyPnl,
    Fill,
    Holding,
    Order,
    OrderPage,
    Position,
    PositionAdjustment,
    PositionDay,
    RealizedLot,
    SymbolPnl,
    Trade,
)
from .adjustments import adjust_position, convert_position, get_position_adjustments
from .books import LIVE, SANDBOX, Book
from .fills import record_fill
from .holdings import bulk_update_holdings, get_holdings
from .order_reports import report_order
from .orders import (
    create_order,
    get_open_orders,
    get_order,
    get_order_history,
    get_orders_after,
    update_order,
    update_order_status,
)
from .position_reports import bulk_update_positions
from .positions import get_position_history, get_positions
from .realized_pnl import get_realized_pnl
from .trades import get_daily_pnl, get_daily_pnl_by_symbol, get_trades, import_trade, record_trade

__all__ = [
    "LIVE",
    "SANDBOX",
    "Book",
    "ConvertedPosition",
    "DailyPnl",
    "Fill",
    "Holding",
    "Order",
    "OrderPage",
    "Position",
    "PositionAdjustment",
    "PositionDay",
    "RealizedLot",
    "SymbolPnl",
    "Trade",
    "adjust_position",
    "bulk_update_holdings",
    "bulk_update_positions",
    "convert_position",
    "create_order",
    "get_daily_pnl",
    "get_daily_pnl_by_symbol",
    "get_holdings",
    "get_open_orders",
    "get_order",
    "get_order_history",
    "get_orders_after",
    "get_position_adjustments",
    "get_position_history",
    "get_positions",
    "get_realized_pnl",
    "get_trades",
    "import_trade",
    "record_fill",
    "record_trade",
    "report_order",
    "update_order",
    "update_order_status",
]
