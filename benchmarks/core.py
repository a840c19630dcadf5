"""Plain SQLAlchemy Core, as programs without an ORM use it: its default pool, its own results.

The Tables are the store's, so that columns and types are the same; each block is a transaction.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, Row, create_engine, event, insert, select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite

from openalgo_store.tables.trading import live
from openalgo_store.values.clock import IST

Found = Row[Any] | None


def get_engine(url: str) -> Engine:
    """The engine that create_engine makes of a URL, and the PRAGMAs of the others."""
    engine = create_engine(url)
    if engine.name == "sqlite":

        @event.listens_for(engine, "connect")
        def prepare(connection: Any, record: Any) -> None:
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("PRAGMA synchronous = NORMAL")

    return engine


def create_order(engine: Engine, **order: Any) -> Found:
    """One new order, which comes back; nobody looks whether its user is active."""
    with engine.begin() as connection:
        return connection.execute(insert(live.orders).values(order).returning(live.orders)).one()


def get_order(engine: Engine, order_id: str) -> Found:
    """The order of this id."""
    with engine.connect() as connection:
        found = connection.execute(select(live.orders).where(live.orders.c.order_id == order_id))
        return found.one_or_none()


def get_orders_after(
    engine: Engine, user_id: int, place: tuple[datetime, int] | None, limit: int
) -> Sequence[Row[Any]]:
    """The orders of a user that follow a place (placed_at, id); without one the newest."""
    c = live.orders.c
    page = select(live.orders).where(c.user_id == user_id)
    if place:
        page = page.where(tuple_(c.placed_at, c.id) < place)
    with engine.connect() as connection:
        return connection.execute(page.order_by(c.placed_at.desc(), c.id.desc()).limit(limit)).all()


def record_fill(
    engine: Engine,
    order_id: str,
    broker: str,
    trade_id: str,
    quantity: int,
    price: float,
    traded_at: datetime,
) -> Found:
    """Read and lock the order, add the trade, update order and position (of a buy)."""
    orders, value = live.orders, round(quantity * price * 1_000_000)
    with engine.begin() as connection:
        order = connection.execute(
            select(orders)
            .where(orders.c.order_id == order_id, orders.c.broker == broker)
            .with_for_update(key_share=True)
        ).one()
        key = {
            name: order._mapping[name]
            for name in ("user_id", "broker", "symbol", "exchange", "product")
        }
        trade = key | {
            "trade_id": trade_id,
            "order_id": order_id,
            "action": order.action,
            "quantity": quantity,
            "price": price,
            "traded_at": traded_at,
            "is_fill": True,
        }
        connection.execute(insert(live.trades).values(trade))
        filled = connection.execute(
            update(orders)
            .where(orders.c.id == order.id)
            .values(
                fill_quantity=orders.c.fill_quantity + quantity,
                fill_value=orders.c.fill_value + value,
                booked_quantity=orders.c.booked_quantity + quantity,
                booked_value=orders.c.booked_value + value,
                fill_price=price,
                status="COMPLETE",
                updated_at=traded_at,
            )
            .returning(orders)
        ).one()
        connection.execute(_adding(engine, key, quantity, value, price, traded_at))
        return filled


def _adding(
    engine: Engine, key: dict[str, Any], quantity: int, value: int, price: float, moment: datetime
) -> Any:
    """The upsert of a position."""
    dialect = sqlite if engine.name == "sqlite" else postgresql
    added = dialect.insert(live.positions).values(
        **key,
        quantity=quantity,
        average_price=price,
        pnl=0.0,
        day_quantity=quantity,
        buy_quantity=quantity,
        buy_value=value,
        trading_day=moment.astimezone(IST).date(),
    )
    c, new = live.positions.c, added.excluded
    sums = ("quantity", "day_quantity", "buy_quantity", "buy_value")
    changes = {name: c[name] + new[name] for name in sums}
    bought = c.buy_quantity + new.buy_quantity
    return added.on_conflict_do_update(
        index_elements=list(key),
        set_=changes | {"average_price": (c.buy_value + new.buy_value) / 1e6 / bought},
        where=(c.trading_day == new.trading_day)
        & (c.adjusted_at.is_(None) | (c.adjusted_at < moment)),
    )
