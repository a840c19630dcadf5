"""Orders, trades, positions and holdings: built once for the main database, once for the sandbox.

Prices and P&L in rupees, quantities in units.
"""

from typing import Any, NamedTuple, get_args

from sqlalchemy import (
    Column,
    Date,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    MetaData,
    Table,
    UniqueConstraint,
)

from ..records import trading as words
from .columns import counter_column, flag_column, id_column, text_column
from .metadata import METADATA
from .types import Average, Quantity, Rupees, StrictJson, UTCDateTime, Whole

ACTIONS: tuple[words.Action, ...] = get_args(words.Action)
ORDER_TYPES: tuple[words.OrderType, ...] = get_args(words.OrderType)
PRODUCTS: tuple[words.Product, ...] = get_args(words.Product)
STATUSES: tuple[words.OrderStatus, ...] = get_args(words.OrderStatus)
ADJUSTMENT_KINDS: tuple[words.AdjustmentKind, ...] = get_args(words.AdjustmentKind)
OPEN_STATUSES: tuple[words.OrderStatus, ...] = ("TRIGGER_PENDING", "OPEN")


class TradingTables(NamedTuple):
    """The tables of one book."""

    orders: Table
    trades: Table
    positions: Table
    position_days: Table
    position_adjustments: Table
    holdings: Table


def trading_tables(metadata: MetaData, prefix: str) -> TradingTables:
    """The tables of a book: prefix "" beside users, "sandbox_" in a database without them."""
    return TradingTables(
        orders=_orders(metadata, prefix),
        trades=_trades(metadata, prefix),
        positions=_positions(metadata, prefix),
        position_days=_position_days(metadata, prefix),
        position_adjustments=_position_adjustments(metadata, prefix),
        holdings=_holdings(metadata, prefix),
    )


def _orders(metadata: MetaData, prefix: str) -> Table:
    orders = Table(
        f"{prefix}orders",
        metadata,
        id_column(),
        text_column("order_id", 50, nullable=False),
        _user_id(prefix),
        text_column("broker", 50, nullable=False),
        text_column("symbol", 50, nullable=False),
        text_column("exchange", 20, nullable=False),
        text_column("action", 10, one_of=ACTIONS, nullable=False),
        Column("quantity", Quantity, nullable=False),
        Column("price", Rupees),
        Column("trigger_price", Rupees),
        text_column("order_type", 20, one_of=ORDER_TYPES, nullable=False),
        text_column("product", 20, one_of=PRODUCTS, nullable=False),
        text_column("status", 20, one_of=STATUSES, nullable=False),
        Column("fill_price", Average),
        counter_column("fill_quantity"),
        Column("placed_at", UTCDateTime, nullable=False),
        Column("updated_at", UTCDateTime),
        counter_column("fill_value"),  # in millionths of a rupee, as the values of positions
        text_column("strategy", 100),
        text_column("exchange_order_id", 50),
        text_column("status_message", 1000),
        # What was filled is the greater of these two: the trades, and what the broker told.
        counter_column("booked_quantity"),
        counter_column("booked_value"),
        counter_column("reported_quantity"),
        counter_column("reported_value"),
        Column("reported_fill_at", UTCDateTime),  # the first report of that quantity
        Column("reported_at", UTCDateTime),  # the newest report
        Column("reported_points", StrictJson),  # of which reported_quantity is the last one
        # Brokers' numbers meet. It begins with the number, which is asked for without a broker too.
        UniqueConstraint("order_id", "broker"),
        Index(f"ix_{prefix}orders_symbol_date", "symbol", "placed_at"),
    )
    c = orders.c
    Index(  # of columns that no fill changes, or PostgreSQL would write every index at each
        f"ix_{prefix}orders_reported",
        *(c.user_id, c.reported_fill_at),
        sqlite_where=c.reported_fill_at.is_not(None),
        postgresql_where=c.reported_fill_at.is_not(None),
    )
    newest_first = (c.placed_at.desc(), c.id.desc())
    Index(f"ix_{prefix}orders_user_id_placed_at_id", c.user_id, *newest_first)
    Index(f"ix_{prefix}orders_user_status", c.user_id, c.status, *newest_first)
    return orders


def _trades(metadata: MetaData, prefix: str) -> Table:
    trades = Table(
        f"{prefix}trades",
        metadata,
        id_column(),
        text_column("trade_id", 50, nullable=False),
        text_column("order_id", 50),
        _user_id(prefix),
        text_column("broker", 50, nullable=False),
        text_column("symbol", 50, nullable=False),
        text_column("exchange", 20, nullable=False),
        text_column("action", 10, one_of=ACTIONS, nullable=False),
        text_column("product", 20, one_of=PRODUCTS, nullable=False),
        Column("quantity", Quantity, nullable=False),
        Column("price", Rupees, nullable=False),
        Column("traded_at", UTCDateTime, nullable=False),
        flag_column("is_fill", default=False),  # counted in its order and position
        # Exchange trade numbers repeat across segments and days.
        UniqueConstraint("order_id", "broker", "trade_id"),
        ForeignKeyConstraint(
            ["order_id", "broker"], [f"{prefix}orders.order_id", f"{prefix}orders.broker"]
        ),
        # Holds all that the P&L of a day reads, so that it never goes to the table.
        Index(
            f"ix_{prefix}trades_user_date",
            *("user_id", "traded_at", "symbol", "exchange", "action", "quantity", "price"),
        ),
        # Holds all that adds up what was bought and sold of each position, in its order, and the
        # ids, which an index of SQLite has of itself.
        Index(
            f"ix_{prefix}trades_position",
            *("user_id", "broker", "symbol", "exchange", "product"),
            *("traded_at", "action", "quantity", "price"),
            postgresql_include=["id"],
        ),
    )
    c = trades.c
    Index(  # a trade without an order is known by all of these together
        f"uq_{prefix}trades_imported",
        *(c.user_id, c.broker, c.exchange, c.symbol, c.trade_id, c.traded_at, c.action, c.product),
        unique=True,
        sqlite_where=c.order_id.is_(None),
        postgresql_where=c.order_id.is_(None),
    )
    return trades


def _positions(metadata: MetaData, prefix: str) -> Table:
    return Table(
        f"{prefix}positions",
        metadata,
        id_column(),
        *_position_key(prefix),
        counter_column("quantity"),
        Column("average_price", Rupees),
        Column("last_price", Rupees),
        Column("pnl", Rupees),
        counter_column("day_quantity"),
        *_sums(),
        Column("trading_day", Date),  # the Indian day that the sums are of
        *_realized(),
        Column("adjusted_at", UTCDateTime),  # the last adjustment of that day
        Column("priced_at", UTCDateTime),  # when last_price was told, or made unknown
        UniqueConstraint("user_id", "broker", "symbol", "exchange", "product"),
    )


def _position_days(metadata: MetaData, prefix: str) -> Table:
    """The closed days: each as its last moment left the position."""
    return Table(
        f"{prefix}position_days",
        metadata,
        id_column(),
        *_position_key(prefix),
        Column("trading_day", Date, nullable=False),
        *_sums(),
        *_realized(),
        Column("last_price", Rupees),  # as it was known when the day ended
        Column("priced_at", UTCDateTime),
        UniqueConstraint(
            *("user_id", "broker", "symbol", "exchange", "product", "trading_day"),
            name=f"uq_{prefix}position_days_of_position",
        ),
        Index(f"ix_{prefix}position_days_user_day", "user_id", "trading_day"),
    )


def _position_adjustments(metadata: MetaData, prefix: str) -> Table:
    """What changed positions and was no trade."""
    return Table(
        f"{prefix}position_adjustments",
        metadata,
        id_column(),
        *_position_key(prefix),
        text_column("kind", 20, one_of=ADJUSTMENT_KINDS, nullable=False),
        Column("adjusted_at", UTCDateTime, nullable=False),
        # Of a conversion the units that are moved, less than 0 for a short position; else what
        # the position is from then on.
        counter_column("quantity"),
        Column("average_price", Rupees),
        Column("overnight_quantity", Whole),
        text_column("to_product", 20, one_of=PRODUCTS),
        text_column("reason", 200),
        counter_column("quantity_before"),
        Column("average_before", Rupees),
        Index(
            f"ix_{prefix}position_adjustments_instrument",
            *("user_id", "broker", "symbol", "exchange", "adjusted_at"),
        ),
        sqlite_autoincrement=True,
    )


def _position_key(prefix: str) -> tuple[Column[Any], ...]:
    """What a position is known by."""
    return (
        _user_id(prefix),
        text_column("broker", 50, nullable=False),
        text_column("symbol", 50, nullable=False),
        text_column("exchange", 20, nullable=False),
        text_column("product", 20, one_of=PRODUCTS, nullable=False),
    )


def _sums() -> tuple[Column[int], ...]:
    """What was traded, with what was carried into the day as the first entry of its side.

    The values are in millionths of a rupee: whole numbers add up alike in any order.
    """
    return (
        counter_column("overnight_quantity"),
        counter_column("buy_quantity"),
        counter_column("buy_value"),
        counter_column("sell_quantity"),
        counter_column("sell_value"),
    )


def _realized() -> tuple[Column[int], ...]:
    """What was realised before these sums began, on all days; and what of it on this one.

    That is what an adjustment has closed, for the sums begin anew at it.
    """
    return counter_column("realized_value"), counter_column("realized_today")


def _holdings(metadata: MetaData, prefix: str) -> Table:
    return Table(
        f"{prefix}holdings",
        metadata,
        id_column(),
        _user_id(prefix),
        text_column("broker", 50, nullable=False),
        text_column("symbol", 50, nullable=False),
        text_column("exchange", 20, nullable=False),
        text_column("isin", 20),
        counter_column("quantity"),
        Column("average_price", Rupees),
        Column("last_price", Rupees),
        Column("pnl", Rupees),
        Column("pnl_percent", Rupees),
        UniqueConstraint("user_id", "broker", "symbol", "exchange"),
        sqlite_autoincrement=True,
    )


def _user_id(prefix: str) -> Column[int]:
    """The owner: a foreign key where users are, a plain number in any other database."""
    references = () if prefix else (ForeignKey("users.id"),)
    return Column("user_id", Whole, *references, nullable=False)


live = trading_tables(METADATA["main"], prefix="")
sandbox = trading_tables(METADATA["sandbox"], prefix="sandbox_")
