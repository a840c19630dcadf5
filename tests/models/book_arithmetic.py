"""What follows from fills and trades: the formulas of the books in exact whole numbers."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from fractions import Fraction

from openalgo_store import SymbolPnl, Trade

MILLION = 1_000_000
INDIA = timedelta(hours=5, minutes=30)


def millionths(rupees: float) -> int:
    """A price as a whole number."""
    return round(Fraction(rupees) * MILLION)


def rupees(value: int) -> float:
    """A whole number as a price."""
    return float(value) / MILLION


def price_of(value: int, quantity: int) -> float:
    """The average price of what came to a value."""
    return float(value) / (float(quantity) * MILLION)


def day_of(moment: datetime) -> date:
    """The Indian day of a moment in UTC."""
    return (moment + INDIA).date()


def sums_of(trades: Sequence[Trade]) -> tuple[int, int, int, int]:
    """Quantity and value of what was bought, and of what was sold."""
    bought, bought_value, sold, sold_value = 0, 0, 0, 0
    for trade in trades:
        value = trade.quantity * millionths(trade.price)
        if trade.action == "BUY":
            bought, bought_value = bought + trade.quantity, bought_value + value
        else:
            sold, sold_value = sold + trade.quantity, sold_value + value
    return bought, bought_value, sold, sold_value


def symbol_pnl(
    symbol: str, exchange: str, bought: int, bought_value: int, sold: int, sold_value: int
) -> SymbolPnl:
    buy_average = bought_value / (MILLION * bought) if bought else 0.0
    sell_average = sold_value / (MILLION * sold) if sold else 0.0
    return SymbolPnl(
        symbol=symbol,
        exchange=exchange,
        turnover=(bought_value + sold_value) / MILLION,
        realized_pnl=(sold_value - bought_value) / MILLION,
        buy_quantity=bought,
        buy_average=buy_average,
        sell_quantity=sold,
        sell_average=sell_average,
        net_quantity=bought - sold,
        matched_pnl=min(bought, sold) * (sell_average - buy_average),
    )
