"""The raw drivers on orders, trades and positions."""

from typing import Any

from .raw import Raw, Row, Table

ORDERS = Table(
    "orders",
    {
        "order_id": "text",
        "user_id": "bigint",
        "broker": "text",
        "symbol": "text",
        "exchange": "text",
        "action": "text",
        "quantity": "bigint",
        "price": "double precision",
        "order_type": "text",
        "product": "text",
        "status": "text",
        "fill_price": "double precision",
        "fill_quantity": "bigint",
        "fill_value": "bigint",
        "placed_at": "timestamptz",
    },
)
TRADES = Table(
    "trades",
    {
        "trade_id": "text",
        "order_id": "text",
        "user_id": "bigint",
        "broker": "text",
        "symbol": "text",
        "exchange": "text",
        "action": "text",
        "product": "text",
        "quantity": "bigint",
        "price": "double precision",
        "traded_at": "timestamptz",
    },
)
POSITIONS = Table(
    "positions",
    {
        "user_id": "bigint",
        "broker": "text",
        "symbol": "text",
        "exchange": "text",
        "product": "text",
        "average_price": "double precision",
        "pnl": "double precision",
    },
)

_ADD_ORDER, _ADD_TRADE = ORDERS.insert, TRADES.insert
_FIRST_PAGE = """
SELECT id, order_id, user_id, broker, symbol, exchange, action, quantity, price, trigger_price,
       order_type, product, status, fill_price, fill_quantity, placed_at, updated_at
FROM orders
WHERE user_id = ?
ORDER BY placed_at DESC, id DESC
LIMIT ?
"""
_NEXT_PAGE = """
SELECT id, order_id, user_id, broker, symbol, exchange, action, quantity, price, trigger_price,
       order_type, product, status, fill_price, fill_quantity, placed_at, updated_at
FROM orders
WHERE user_id = ? AND (placed_at, id) < (?, ?)
ORDER BY placed_at DESC, id DESC
LIMIT ?
"""
_NUMBERED_PAGE = """
SELECT id, order_id, user_id, broker, symbol, exchange, action, quantity, price, trigger_price,
       order_type, product, status, fill_price, fill_quantity, placed_at, updated_at
FROM orders
WHERE user_id = ?
ORDER BY placed_at DESC, id DESC
LIMIT ? OFFSET ?
"""
_PLACED_AT, _ID = -2, 0
_DAILY_PNL = """
SELECT SUM(quantity * price),
       SUM(CASE action WHEN 'SELL' THEN quantity * price ELSE -quantity * price END)
FROM trades
WHERE user_id = ? AND traded_at >= ? AND traded_at < ?
"""
_FILL_ORDER = """
UPDATE orders
SET fill_quantity = fill_quantity + ?, fill_value = fill_value + ?, fill_price = ?,
    status = ?, updated_at = ?
WHERE order_id = ?
"""
_FILL_POSITION = """
UPDATE positions
SET quantity = quantity + ?, day_quantity = day_quantity + ?, buy_quantity = buy_quantity + ?,
    buy_value = buy_value + ?, average_price = ?, pnl = ?
WHERE user_id = ? AND broker = ? AND symbol = ? AND exchange = ? AND product = ?
"""
_UPDATE_POSITION = """
UPDATE positions SET quantity = ?, average_price = ?, last_price = ?, pnl = ? WHERE id = ?
"""


def first_page(raw: Raw, user_id: int, limit: int) -> list[Row]:
    """The newest orders of a user."""
    found = raw.connection.execute(raw.statement(_FIRST_PAGE), (user_id, limit))
    return list(found.fetchall())


def next_page(raw: Raw, user_id: int, before: Row, limit: int) -> list[Row]:
    """The orders that follow one in a history."""
    place = (user_id, before[_PLACED_AT], before[_ID], limit)
    return list(raw.connection.execute(raw.statement(_NEXT_PAGE), place).fetchall())


def numbered_page(raw: Raw, user_id: int, offset: int, limit: int) -> list[Row]:
    """The orders after so many."""
    found = raw.connection.execute(raw.statement(_NUMBERED_PAGE), (user_id, limit, offset))
    return list(found.fetchall())


def daily_pnl(raw: Raw, user_id: int, begin: Any, end: Any) -> Row:
    """Turnover, and sells less buys, between two moments."""
    span = raw.storable((user_id, begin, end))
    found: Row = raw.connection.execute(raw.statement(_DAILY_PNL), span).fetchone()
    return found


def add_order(raw: Raw, order: Row) -> None:
    """One order, by the statement that the driver has prepared; it commits itself."""
    raw.connection.execute(raw.statement(_ADD_ORDER), order)


def add_fill(raw: Raw, order: Row, trade: Row, position: Row) -> None:
    """The parameters of three statements, in one transaction."""
    raw.begin()
    raw.connection.execute(raw.statement(_FILL_ORDER), order)
    raw.connection.execute(raw.statement(_ADD_TRADE), trade)
    raw.connection.execute(raw.statement(_FILL_POSITION), position)
    raw.connection.execute("COMMIT")


def position_ids(raw: Raw, user_id: int) -> dict[str, int]:
    """The numbers of a user's positions by symbol."""
    sql = raw.statement("SELECT symbol, id FROM positions WHERE user_id = ?")
    return dict(raw.connection.execute(sql, (user_id,)).fetchall())


def update_positions(raw: Raw, rows: list[Row]) -> None:
    """executemany by primary key, in one transaction."""
    raw.begin()
    raw.connection.cursor().executemany(raw.statement(_UPDATE_POSITION), rows)
    raw.connection.execute("COMMIT")
