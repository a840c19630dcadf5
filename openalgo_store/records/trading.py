"""Orders, trades, positions, holdings; quantities in units, prices in rupees."""

from datetime import date, datetime
from typing import Literal, NamedTuple

Action = Literal["BUY", "SELL"]
OrderType = Literal["MARKET", "LIMIT", "SL", "SL-M"]
Product = Literal["CNC", "MIS", "NRML", "MTF"]
OrderStatus = Literal["TRIGGER_PENDING", "OPEN", "COMPLETE", "CANCELLED", "REJECTED", "EXPIRED"]
AdjustmentKind = Literal["ADJUSTMENT", "CONVERSION", "REPORT", "CARRIED_OVER"]


class Order(NamedTuple):
    """An order and what became of it; known by its broker and order_id together.

    Prices in rupees, fill_price the average of its fills (None before the first one). It is partly
    filled while it is OPEN with 0 < fill_quantity < quantity. What was filled is the trades, or
    what the broker told where that is more. status_message is why it was rejected or cancelled.
    """

    id: int
    order_id: str
    user_id: int
    broker: str
    symbol: str
    exchange: str
    action: Action
    quantity: int
    price: float | None
    trigger_price: float | None
    order_type: OrderType
    product: Product
    status: OrderStatus
    fill_price: float | None
    fill_quantity: int
    placed_at: datetime
    updated_at: datetime | None
    strategy: str | None
    exchange_order_id: str | None
    status_message: str | None


class OrderPage(NamedTuple):
    """Some orders, newest first; next_cursor leads to older ones and is None at the end."""

    orders: list[Order]
    next_cursor: str | None


class Trade(NamedTuple):
    """One execution; price in rupees. order_id is None for imported history without its order."""

    id: int
    trade_id: str
    order_id: str | None
    user_id: int
    broker: str
    symbol: str
    exchange: str
    action: Action
    product: Product
    quantity: int
    price: float
    traded_at: datetime


class Position(NamedTuple):
    """What a user holds of an instrument in a product, pooled by the trading day.

    The four sums are of trading_day, values in millionths of a rupee, with what was carried into it
    (overnight_quantity, at its average) as the first entry of its side: quantity = buy_quantity -
    sell_quantity, average_price is that of the open side (0 when flat). pnl is the day's profit or
    loss in rupees, with what is open at last_price (at average_price until a last price is known);
    realized_pnl is what was realised before these sums began: on all earlier days, and before an
    adjustment on this one. The two together are all that the position has made.
    """

    id: int
    user_id: int
    broker: str
    symbol: str
    exchange: str
    product: Product
    quantity: int
    average_price: float | None
    last_price: float | None
    pnl: float | None
    day_quantity: int
    overnight_quantity: int
    buy_quantity: int
    buy_value: int
    sell_quantity: int
    sell_value: int
    trading_day: date | None
    realized_pnl: float


class PositionDay(NamedTuple):
    """A position as a trading day left it; prices and P&L in rupees.

    realized_pnl is what that day realised, unrealized_pnl what was open at last_price, the last
    one that was told before the day ended (0 until one was).
    """

    user_id: int
    broker: str
    symbol: str
    exchange: str
    product: Product
    trading_day: date
    quantity: int
    average_price: float
    last_price: float | None
    overnight_quantity: int
    realized_pnl: float
    unrealized_pnl: float


class PositionAdjustment(NamedTuple):
    """What changed a position and was no trade, and how the position was before.

    Of a CONVERSION quantity is what was moved to to_product (less than 0: of a short position). Of
    an ADJUSTMENT (splits, transfers), a REPORT (a broker's figures that were not ours) and what was
    CARRIED_OVER from an older version quantity and average_price are what the position became.
    """

    id: int
    user_id: int
    broker: str
    symbol: str
    exchange: str
    product: Product
    kind: AdjustmentKind
    adjusted_at: datetime
    quantity: int
    average_price: float | None
    overnight_quantity: int | None
    to_product: Product | None
    reason: str | None
    quantity_before: int
    average_before: float | None


class ConvertedPosition(NamedTuple):
    """The two positions after a conversion."""

    from_position: Position
    to_position: Position


class Fill(NamedTuple):
    """What record_fill did: recorded is False if the same fill was there before.

    The order and the position are as they are now; without a position it was only imported.
    """

    recorded: bool
    trade: Trade
    order: Order
    position: Position | None


class Holding(NamedTuple):
    """Shares in the demat account; prices and pnl in rupees, pnl_percent of what was paid."""

    id: int
    user_id: int
    broker: str
    symbol: str
    exchange: str
    isin: str | None
    quantity: int
    average_price: float | None
    last_price: float | None
    pnl: float | None
    pnl_percent: float | None


class DailyPnl(NamedTuple):
    """A day's trades in rupees: turnover is all that was traded, realized_pnl sold less bought.

    realized_pnl is the day's cash flow: profit or loss only of a day that ends flat.
    """

    turnover: float
    realized_pnl: float


class SymbolPnl(NamedTuple):
    """A day's trades of one instrument in rupees; averages are 0 for a side without trades.

    matched_pnl is the profit or loss of the quantity that was both bought and sold that day.
    """

    symbol: str
    exchange: str
    turnover: float
    realized_pnl: float
    buy_quantity: int
    buy_average: float
    sell_quantity: int
    sell_average: float
    net_quantity: int
    matched_pnl: float


class RealizedLot(NamedTuple):
    """Units that were bought and sold, the first ones first, at prices in rupees; pnl without fees.

    LONG was bought first, SHORT sold first. The trades are known by their `id`; None for units that
    a report of the broker brought. holding_days are Indian calendar days, 0 within one.
    """

    broker: str
    symbol: str
    exchange: str
    product: Product
    quantity: int
    side: Literal["LONG", "SHORT"]
    entry_trade_id: int | None
    entry_at: datetime
    entry_price: float
    exit_trade_id: int | None
    exit_at: datetime
    exit_price: float
    pnl: float
    holding_days: int


class BookDifference(NamedTuple):
    """Something in a book that does not add up; row_id is None for a row that is missing."""

    table: str
    row_id: int | None
    what: str
