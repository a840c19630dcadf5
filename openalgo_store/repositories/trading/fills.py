"""Fills: what an exchange executed of an order goes into trade, order and position at once."""

from datetime import date, datetime

from ...engine.transaction import Transaction
from ...errors import Conflict, IllegalOrderState, InvalidInput, NotFound
from ...records.trading import Fill, Order, Position, Trade
from ...sessions import writing
from ...tables.types import Whole
from ...values import clock
from ...values.arguments import not_blank
from ...values.days import trading_day
from ...values.money import MOST_MILLIONTHS, check_rupees, traded_value
from .books import LIVE, Book, BookSql

_orders = BookSql("trading/orders.sql", "orders")
_lock_order = _orders.query("lock_order", Order)
_add_fill_to_order = _orders.query("add_fill_to_order", Order, value=Whole(), most=Whole())
_trades = BookSql("trading/trades.sql", "trades")
_get_trade = _trades.query("get_trade", Trade)
_add_trade = _trades.query("add_trade", Trade)
_positions = BookSql("trading/positions.sql", "positions")
_get_position = _positions.query("get_position", Position)
_open_position = _positions.command("open_position")
_add_to_position = _positions.query(
    "add_to_position",
    Position,
    bought=Whole(),
    bought_value=Whole(),
    sold=Whole(),
    sold_value=Whole(),
    most=Whole(),
)


def record_fill(
    order_id: str,
    trade_id: str,
    quantity: int,
    price: float,
    traded_at: datetime,
    *,
    book: Book = LIVE,
    tx: Transaction | None = None,
) -> Fill:
    """Book one execution of an order; price in rupees. The same one again changes nothing.

    An order is OPEN until its whole quantity is filled, then COMPLETE; a fill that comes after
    CANCELLED is booked too, and the status stays. Raises NotFound; IllegalOrderState for a
    REJECTED order and for more than its quantity; Conflict for this trade_id with another quantity
    or price; InvalidInput. Nothing is written then.
    """
    not_blank("trade_id", trade_id)
    day = trading_day(traded_at)
    value = traded_value(quantity, price)
    price = check_rupees(price)
    with writing(book.database, tx) as tx:
        order = tx.one(_lock_order[book], order_id=order_id)
        if order is None:
            raise NotFound(f"there is no order {order_id}")
        known = tx.one(_get_trade[book], order_id=order_id, trade_id=trade_id)
        if known is not None:
            _refuse_another(known, quantity, price)
            position = tx.one(_get_position[book], **_key(order))
            return Fill(False, known, order, position)
        _refuse_too_much(order, quantity)
        position = _position_with(order, quantity, value, day, book, tx)
        trade = tx.one(
            _add_trade[book],
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
        filled = tx.one(
            _add_fill_to_order[book],
            id=order.id,
            quantity=quantity,
            value=value,
            most=MOST_MILLIONTHS,
            updated_at=clock.now(),
        )
        if filled is None:
            too_much = InvalidInput(
                f"the fills of order {order_id} are beyond what can be added up: "
                "check its quantities and prices"
            )
            tx.fail(too_much)  # the trade and the position must not be kept
            raise too_much
    assert trade is not None  # nobody else can add one to a locked order
    return Fill(True, trade, filled, position)


def _refuse_another(known: Trade, quantity: int, price: float) -> None:
    if (known.quantity, known.price) != (quantity, price):
        raise Conflict(
            f"trade {known.trade_id} of order {known.order_id} is booked with {known.quantity} at "
            f"{known.price}: a trade number names one execution of an order"
        )


def _refuse_too_much(order: Order, quantity: int) -> None:
    if order.status == "REJECTED":
        raise IllegalOrderState(f"order {order.order_id} is REJECTED and cannot be filled")
    if order.fill_quantity + quantity > order.quantity:
        raise IllegalOrderState(
            f"order {order.order_id} is {order.status} with {order.fill_quantity} of "
            f"{order.quantity} filled: {quantity} more would be too many"
        )


def _position_with(
    order: Order, quantity: int, value: int, day: date, book: Book, tx: Transaction
) -> Position:
    """The position after it has grown by a fill; opened by its first one."""
    bought = order.action == "BUY"
    fill: dict[str, object] = {
        "bought": quantity if bought else 0,
        "bought_value": value if bought else 0,
        "sold": 0 if bought else quantity,
        "sold_value": 0 if bought else value,
        "trading_day": day,
        "most": MOST_MILLIONTHS,
    }
    key = _key(order)
    position = tx.one(_add_to_position[book], **key, **fill)
    if position is None and tx.run(_open_position[book], **key) is not None:
        position = tx.one(_add_to_position[book], **key, **fill)
    if position is None:
        raise InvalidInput(
            f"the position in {order.symbol} has grown beyond what can be added up: "
            "check the quantities and prices of its fills"
        )
    return position


def _key(order: Order) -> dict[str, object]:
    """What the position of an order is found by."""
    return {
        "user_id": order.user_id,
        "broker": order.broker,
        "symbol": order.symbol,
        "exchange": order.exchange,
        "product": order.product,
    }
