"""The specification's way with orders, trades and positions, through SQLAlchemy's ORM."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import Engine, String, case, func
from sqlalchemy.orm import Mapped, Session, mapped_column
from sqlalchemy.types import DateTime

from .orm import Base, get_db_session


class Order(Base):
    """The order book."""

    __tablename__ = "orders"

    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[str] = mapped_column(String(50))
    user_id: Mapped[int]
    broker: Mapped[str] = mapped_column(String(50))
    symbol: Mapped[str] = mapped_column(String(50))
    exchange: Mapped[str] = mapped_column(String(20))
    action: Mapped[str] = mapped_column(String(10))
    quantity: Mapped[int]
    price: Mapped[float | None]
    trigger_price: Mapped[float | None]
    order_type: Mapped[str] = mapped_column(String(20))
    product: Mapped[str] = mapped_column(String(20))
    status: Mapped[str] = mapped_column(String(20))
    fill_price: Mapped[float | None]
    fill_quantity: Mapped[int] = mapped_column(default=0)
    placed_at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), default=lambda: datetime.now(UTC)
    )
    updated_at: Mapped[datetime | None] = mapped_column(
        DateTime(timezone=True), onupdate=lambda: datetime.now(UTC)
    )


class Trade(Base):
    """The trade book, with the broker that our table has beside the specification's columns."""

    __tablename__ = "trades"

    id: Mapped[int] = mapped_column(primary_key=True)
    trade_id: Mapped[str] = mapped_column(String(50))
    order_id: Mapped[str | None] = mapped_column(String(50))
    user_id: Mapped[int]
    broker: Mapped[str] = mapped_column(String(50))
    symbol: Mapped[str] = mapped_column(String(50))
    exchange: Mapped[str] = mapped_column(String(20))
    action: Mapped[str] = mapped_column(String(10))
    product: Mapped[str] = mapped_column(String(20))
    quantity: Mapped[int]
    price: Mapped[float]
    traded_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class Position(Base):
    """Positions: the specification's columns, without the sums of the fills."""

    __tablename__ = "positions"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int]
    broker: Mapped[str] = mapped_column(String(50))
    symbol: Mapped[str] = mapped_column(String(50))
    exchange: Mapped[str] = mapped_column(String(20))
    product: Mapped[str] = mapped_column(String(20))
    quantity: Mapped[int]
    average_price: Mapped[float | None]
    last_price: Mapped[float | None]
    pnl: Mapped[float | None]
    day_quantity: Mapped[int]
    overnight_quantity: Mapped[int]


def find_order(session: Session, order_id: str) -> Order | None:
    """The order with this id."""
    return session.query(Order).filter_by(order_id=order_id).one_or_none()


def get_order(engine: Engine, order_id: str) -> Order | None:
    """The order with this id, in a session of its own."""
    with get_db_session(engine) as session:
        return find_order(session, order_id)


def get_order_history(
    engine: Engine, user_id: int, page: int = 1, per_page: int = 50
) -> list[Order]:
    """A numbered page of the orders of a user, newest first."""
    with get_db_session(engine) as session:
        return (
            session.query(Order)
            .filter(Order.user_id == user_id)
            .order_by(Order.placed_at.desc())
            .offset((page - 1) * per_page)
            .limit(per_page)
            .all()
        )


def get_daily_pnl(engine: Engine, user_id: int, date: date) -> tuple[float, float]:
    """Turnover, and sells less buys, of a day."""
    with get_db_session(engine) as session:
        found = (
            session.query(
                func.sum(Trade.quantity * Trade.price).label("turnover"),
                func.sum(
                    case(
                        (Trade.action == "SELL", Trade.quantity * Trade.price),
                        else_=-Trade.quantity * Trade.price,
                    )
                ).label("realized_pnl"),
            )
            .filter(Trade.user_id == user_id, func.date(Trade.traded_at) == date)
            .first()
        )
        return (found.turnover, found.realized_pnl) if found else (0.0, 0.0)


def create_order(engine: Engine, **order: Any) -> None:
    """One new order; nobody looks whether its user is active."""
    with get_db_session(engine) as session:
        session.add(Order(**order))


def record_fill(
    engine: Engine,
    order_id: str,
    broker: str,
    trade_id: str,
    quantity: int,
    price: float,
    traded_at: datetime,
) -> None:
    """Read order and position, add to them here, write them back: two at once lose one."""
    with get_db_session(engine) as session:
        order = session.query(Order).filter_by(order_id=order_id, broker=broker).one()
        position = (
            session.query(Position)
            .filter_by(
                user_id=order.user_id,
                broker=order.broker,
                symbol=order.symbol,
                exchange=order.exchange,
                product=order.product,
            )
            .one()
        )
        session.add(
            Trade(
                trade_id=trade_id,
                order_id=order_id,
                user_id=order.user_id,
                broker=order.broker,
                symbol=order.symbol,
                exchange=order.exchange,
                action=order.action,
                product=order.product,
                quantity=quantity,
                price=price,
                traded_at=traded_at,
            )
        )
        order.fill_price = _average(order.fill_price, order.fill_quantity, price, quantity)
        order.fill_quantity += quantity
        order.status = "COMPLETE" if order.fill_quantity == order.quantity else "OPEN"
        position.average_price = _average(
            position.average_price, position.quantity, price, quantity
        )
        position.quantity += quantity
        position.day_quantity += quantity


def _average(old: float | None, held: int, price: float, quantity: int) -> float:
    return ((old or 0.0) * held + price * quantity) / (held + quantity)


def bulk_update_positions(engine: Engine, positions_data: Sequence[dict[str, Any]]) -> None:
    """Update many positions, which are known by their ids."""
    with get_db_session(engine) as session:
        session.bulk_update_mappings(Position, positions_data)
