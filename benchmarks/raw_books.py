"""The raw drivers on orders, trades and positions."""

from datetime import datetime

from openalgo_store.values.clock import IST

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
        "booked_quantity": "bigint",
        "booked_value": "bigint",
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
        "quantity": "bigint",
        "average_price": "double precision",
        "pnl": "double precision",
        "buy_quantity": "bigint",
        "buy_value": "bigint",
        "trading_day": "date",
    },
)

_ORDER = """
       id, order_id, user_id, broker, symbol, exchange, action, quantity, price, trigger_price,
       order_type, product, status, fill_price, fill_quantity, placed_at, updated_at, strategy,
       exchange_order_id, status_message
"""
_PLACED_AT, _ID = -5, 0
ADD_ORDER = f"""
INSERT INTO orders (
    order_id, user_id, broker, symbol, exchange, action, quantity, price, trigger_price,
    order_type, product, status, placed_at
)
SELECT ?, ?, ?, ?, ?, ?, ?, ?, CAST(? AS DOUBLE PRECISION), ?, ?, ?, ?
WHERE EXISTS (SELECT 1 FROM users WHERE id = ? AND is_active)
RETURNING {_ORDER}
"""  # noqa: S608
GET_ORDER = f"SELECT {_ORDER} FROM orders WHERE order_id = ?"  # noqa: S608
_GET_ORDER_OF_BROKER = f"{GET_ORDER} AND broker = ?"
_FIRST_PAGE = f"""
SELECT {_ORDER}
FROM orders
WHERE user_id = ?
ORDER BY placed_at DESC, id DESC
LIMIT ?
"""  # noqa: S608
_NEXT_PAGE = f"""
SELECT {_ORDER}
FROM orders
WHERE user_id = ? AND (placed_at, id) < (?, ?)
ORDER BY placed_at DESC, id DESC
LIMIT ?
"""  # noqa: S608
_NUMBERED_PAGE = f"""
SELECT {_ORDER}
FROM orders
WHERE user_id = ?
ORDER BY placed_at DESC, id DESC
LIMIT ? OFFSET ?
"""  # noqa: S608
_DAILY_PNL = """
SELECT SUM(quantity * price),
       SUM(CASE action WHEN 'SELL' THEN quantity * price ELSE -quantity * price END)
FROM trades
WHERE user_id = ? AND traded_at >= ? AND traded_at < ?
"""
_ADD_TRADE = """
INSERT INTO trades (
    trade_id, order_id, user_id, broker, symbol, exchange, action, product, quantity, price,
    traded_at, is_fill
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, TRUE)
ON CONFLICT DO NOTHING
RETURNING id, trade_id, order_id, user_id, broker, symbol, exchange, action, product, quantity,
          price, traded_at
"""
_ADD_TO_POSITION = """
INSERT INTO positions AS p (
    user_id, broker, symbol, exchange, product, quantity, average_price, pnl, day_quantity,
    buy_quantity, buy_value, sell_quantity, sell_value, trading_day
) VALUES (?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?, ?, ?, ?)
ON CONFLICT (user_id, broker, symbol, exchange, product) DO UPDATE SET
    quantity = p.quantity + excluded.quantity,
    average_price = CASE
        WHEN p.quantity + excluded.quantity > 0
        THEN CAST(p.buy_value + excluded.buy_value AS DOUBLE PRECISION)
            / (CAST(p.buy_quantity + excluded.buy_quantity AS DOUBLE PRECISION) * 1000000)
        WHEN p.quantity + excluded.quantity < 0
        THEN CAST(p.sell_value + excluded.sell_value AS DOUBLE PRECISION)
            / (CAST(p.sell_quantity + excluded.sell_quantity AS DOUBLE PRECISION) * 1000000)
        ELSE 0.0
    END,
    pnl = CAST(p.sell_value + excluded.sell_value - p.buy_value - excluded.buy_value
               AS DOUBLE PRECISION) / 1000000
        + (p.quantity + excluded.quantity) * COALESCE(p.last_price, excluded.average_price),
    day_quantity = p.day_quantity + excluded.day_quantity,
    buy_quantity = p.buy_quantity + excluded.buy_quantity,
    buy_value = p.buy_value + excluded.buy_value,
    sell_quantity = p.sell_quantity + excluded.sell_quantity,
    sell_value = p.sell_value + excluded.sell_value
WHERE p.trading_day = excluded.trading_day AND (p.adjusted_at IS NULL OR p.adjusted_at < ?)
RETURNING id, user_id, broker, symbol, exchange, product, quantity, average_price, last_price,
          pnl, day_quantity, overnight_quantity, buy_quantity, buy_value, sell_quantity,
          sell_value, trading_day, CAST(realized_value AS DOUBLE PRECISION) / 1000000
"""
_FILL_ORDER = f"""
UPDATE orders SET
    fill_quantity = fill_quantity + ?,
    fill_value = fill_value + ?,
    fill_price = CAST(fill_value + ? AS DOUBLE PRECISION)
        / (CAST(fill_quantity + ? AS DOUBLE PRECISION) * 1000000),
    booked_quantity = booked_quantity + ?,
    booked_value = booked_value + ?,
    status = CASE WHEN fill_quantity + ? >= quantity THEN 'COMPLETE' ELSE 'OPEN' END,
    updated_at = ?
WHERE id = ?
RETURNING {_ORDER}
"""  # noqa: S608
_UPDATE_POSITION = """
UPDATE positions SET quantity = ?, average_price = ?, last_price = ?, pnl = ? WHERE id = ?
"""


def first_page(raw: Raw, user_id: int, limit: int) -> list[Row]:
    """The newest orders of a user."""
    return raw.all(raw.statement(_FIRST_PAGE), (user_id, limit))


def next_page(raw: Raw, user_id: int, before: Row, limit: int) -> list[Row]:
    """The orders that follow one in a history."""
    place = (user_id, before[_PLACED_AT], before[_ID], limit)
    return raw.all(raw.statement(_NEXT_PAGE), place)


def numbered_page(raw: Raw, user_id: int, offset: int, limit: int) -> list[Row]:
    """The orders after so many."""
    return raw.all(raw.statement(_NUMBERED_PAGE), (user_id, limit, offset))


def daily_pnl(raw: Raw, user_id: int, begin: datetime, end: datetime) -> Row:
    """Turnover, and sells less buys, between two moments."""
    return raw.all(raw.statement(_DAILY_PNL), raw.storable((user_id, begin, end)))[0]


def add_order(raw: Raw, order: Row) -> Row | None:
    """One order of an active user: a row of the columns of ADD_ORDER; it comes back."""
    return raw.one(raw.statement(ADD_ORDER), order)


def add_fill(
    raw: Raw,
    order_id: str,
    broker: str,
    trade_id: str,
    quantity: int,
    price: float,
    traded_at: datetime,
) -> None:
    """Read and lock the order, add the trade, update order and position: one transaction."""
    value, (moment, day) = round(quantity * price * 1_000_000), _moment_and_day(raw, traded_at)
    with raw.transaction() as connection:
        locked = raw.locking(_GET_ORDER_OF_BROKER)
        order = connection.execute(locked, (order_id, broker)).fetchone()
        number, _, user_id, _, symbol, exchange, action = order[:7]
        product, bought = order[11], action == "BUY"
        signed = quantity if bought else -quantity
        sums = (quantity, value, 0, 0) if bought else (0, 0, quantity, value)
        connection.execute(
            raw.statement(_ADD_TRADE),
            (trade_id, order_id, user_id, broker, symbol, exchange, action, product, quantity,
             price, moment),
        ).fetchone()  # fmt: skip
        connection.execute(
            raw.statement(_FILL_ORDER),
            (quantity, value, value, quantity, quantity, value, quantity, moment, number),
        ).fetchone()
        connection.execute(
            raw.statement(_ADD_TO_POSITION),
            (user_id, broker, symbol, exchange, product, signed, price, signed, *sums, day, moment),
        ).fetchone()


def position_ids(raw: Raw, user_id: int) -> dict[str, int]:
    """The numbers of a user's positions by symbol."""
    sql = raw.statement("SELECT symbol, id FROM positions WHERE user_id = ?")
    return dict(raw.connection.execute(sql, (user_id,)).fetchall())


def update_positions(raw: Raw, rows: list[Row]) -> None:
    """executemany by primary key, in one transaction."""
    with raw.transaction() as connection:
        connection.cursor().executemany(raw.statement(_UPDATE_POSITION), rows)


def _moment_and_day(raw: Raw, moment: datetime) -> Row:
    return raw.storable((moment, moment.astimezone(IST).date()))
