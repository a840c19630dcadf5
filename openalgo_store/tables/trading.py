"""Orders, trades, positions and holdings: built once for the main database, once for the sandbox.

Prices and P&L in rupees, quantities in units.
"""

from typing import NamedTuple, get_args

from sqlalchemy import Column, Date, ForeignKey, Index, MetaData, Table, UniqueConstraint

from ..records import trading as words
from .columns import counter_column, id_column, text_column
from .metadata import METADATA
from .types import Quantity, Rupees, UTCDateTime, Whole

ACTIONS: tuple[words.Action, ...] = get_args(words.Action)
ORDER_TYPES: tuple[words.OrderType, ...] = get_args(words.OrderType)
PRODUCTS: tuple[words.Product, ...] = get_args(words.Product)
STATUSES: tuple[words.OrderStatus, ...] = get_args(words.OrderStatus)
OPEN_STATUSES: tuple[words.OrderStatus, ...] = ("TRIGGER_PENDING", "OPEN")


class TradingTables(NamedTuple):
    """The four tables of one book."""

    orders: Table
    trades: Table
    positions: Table
    holdings: Table


def trading_tables(metadata: MetaData, prefix: str) -> TradingTables:
    """The tables of a book: prefix "" beside users, "sandbox_" in a database without them."""
    return TradingTables(
        orders=_orders(metadata, prefix),
        trades=_trades(metadata, prefix),
        positions=_positions(metadata, prefix),
        holdings=_holdings(metadata, prefix),
    )


def _orders(metadata: MetaData, prefix: str) -> Table:
    orders = Table(
        f"{prefix}orders",
        metadata,
        id_column(),
        text_column("order_id", 50, nullable=False, unique=True),
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
        Column("fill_price", Rupees),
        counter_column("fill_quantity"),
        Column("placed_at", UTCDateTime, nullable=False),
        Column("updated_at", UTCDateTime),
        counter_column("fill_value"),  # in millionths of a rupee, as the values of positions
        Index(f"ix_{prefix}orders_symbol_date", "symbol", "placed_at"),
    )
    c = orders.c
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
        text_column("order_id", 50, ForeignKey(f"{prefix}orders.order_id")),
        _user_id(prefix),
        text_column("broker", 50, nullable=False),
        text_column("symbol", 50, nullable=False),
        text_column("exchange", 20, nullable=False),
        text_column("action", 10, one_of=ACTIONS, nullable=False),
        text_column("product", 20, one_of=PRODUCTS, nullable=False),
        Column("quantity", Quantity, nullable=False),
        Column("price", Rupees, nullable=False),
        Column("traded_at", UTCDateTime, nullable=False),
        # Exchange trade numbers repeat across segments and days.
        UniqueConstraint("order_id", "trade_id"),
        # Holds all that the P&L of a day reads, so that it never goes to the table.
        Index(
            f"ix_{prefix}trades_user_date",
            *("user_id", "traded_at", "symbol", "exchange", "action", "quantity", "price"),
        ),
        # Holds all that adds up what was bought and sold of each position, in its order.
        Index(
            f"ix_{prefix}trades_position",
            *("user_id", "broker", "symbol", "exchange", "product"),
            *("traded_at", "action", "quantity"),
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
        _user_id(prefix),
        text_column("broker", 50, nullable=False),
        text_column("symbol", 50, nullable=False),
        text_column("exchange", 20, nullable=False),
        text_column("product", 20, one_of=PRODUCTS, nullable=False),
        counter_column("quantity"),
        Column("average_price", Rupees),
        Column("last_price", Rupees),
        Column("pnl", Rupees),
        counter_column("day_quantity"),
        counter_column("overnight_quantity"),
        # The values are in millionths of a rupee: whole numbers add up alike in any order.
        counter_column("buy_quantity"),
        counter_column("buy_value"),
        counter_column("sell_quantity"),
        counter_column("sell_value"),
        Column("trading_day", Date),  # the Indian day that day_quantity counts
        UniqueConstraint("user_id", "broker", "symbol", "exchange", "product"),
    )


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
    )


def _user_id(prefix: str) -> Column[int]:
    """The owner: a foreign key where users are, a plain number in any other database."""
    references = () if prefix else (ForeignKey("users.id"),)
    return Column("user_id", Whole, *references, nullable=False)


live = trading_tables(METADATA["main"], prefix="")
sandbox = trading_tables(METADATA["sandbox"], prefix="sandbox_")
