"""Fills: what an exchange executed of an order goes into trade, order and position at once."""

from datetime import date, datetime

from ...engine.expected import expect_one
from ...engine.transaction import Transaction
from ...errors import Conflict, IllegalOrderState, InvalidInput
from ...records.trading import Fill, Order, Position, Trade
from ...sessions import writing
from ...tables.types import Whole
from ...values import clock
from ...values.arguments import not_blank
from ...values.days import trading_day
from ...values.money import MOST_MILLIONTHS, check_rupees, traded_value
from ...values.numbers import check_quantity
from .books import LIVE, Book, BookSql, check_book
from .order_locks import lock_order

_add_fill_to_order = BookSql("trading/orders.sql", "orders").query(
    "add_fill_to_order", Order, value=Whole(), most=Whole()
)
_trades = BookSql("trading/trades.sql", "trades")
_get_trade = _trades.query("get_trade", Trade)
_add_trade = _trades.query("add_trade", Trade)
_positions = BookSql("trading/positions.sql", "positions")
_get_position = _positions.query("get_position", Position)
_add_to_position = _positions.query("add_to_position", Position, most=Whole())


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
    quantity, price = check_quantity(quantity), check_rupees(price)
    with writing(check_book(book).database, tx) as tx:
        order = lock_order(order_id, book, tx)
        refusal = _refusal(order, quantity)
        trade = None
        if refusal is None:  # the trade first: what is not added here is not counted below
            trade = tx.one(
                _add_trade[book],
                trade_id=trade_id,
                order_id=order_id,
                action=order.action,
                quantity=quantity,
                price=price,
                traded_at=traded_at,
                **_position_key(order),
            )
        if trade is None:
            known = _known_trade(order, trade_id, refusal, book, tx)
            _refuse_another(known, quantity, price)
            return Fill(False, known, order, tx.one(_get_position[book], **_position_key(order)))
        position = _position_with(order, quantity, value, day, book, tx)
        filled = tx.one(
            _add_fill_to_order[book],
            id=order.id,
            quantity=quantity,
            value=value,
            most=MOST_MILLIONTHS,
            updated_at=clock.now(),
        )
        if filled is None:
            raise _beyond_sums(f"the fills of order {order_id} are", tx)
    return Fill(True, trade, filled, position)


def _refusal(order: Order, quantity: int) -> IllegalOrderState | None:
    """Why an order cannot take so many more; it is locked, so that this stays true."""
    if order.status == "REJECTED":
        why = "is REJECTED and cannot be filled"
    elif order.fill_quantity + quantity > order.quantity:
        why = (
            f"is {order.status} with {order.fill_quantity} of {order.quantity} filled: "
            f"{quantity} more would be too many"
        )
    else:
        return None
    return IllegalOrderState(f"order {order.order_id} {why}", order.order_id, order.status)


def _known_trade(
    order: Order,
    trade_id: str,
    refusal: IllegalOrderState | None,
    book: Book,
    tx: Transaction,
) -> Trade:
    """The trade that is there already; where there is none, the refusal is raised."""
    key = {"order_id": order.order_id, "trade_id": trade_id}
    if refusal is None:
        return expect_one(tx, _get_trade[book], **key)
    known = tx.one(_get_trade[book], **key)
    if known is None:
        raise refusal
    return known


def _refuse_another(known: Trade, quantity: int, price: float) -> None:
    if (known.quantity, known.price) != (quantity, price):
        raise Conflict(
            f"trade {known.trade_id} of order {known.order_id} is booked with {known.quantity} at "
            f"{known.price}: a trade number names one execution of an order"
        )


def _position_with(
    order: Order, quantity: int, value: int, day: date, book: Book, tx: Transaction
) -> Position:
    """The position after it has grown by a fill; opened by its first one."""
    bought = order.action == "BUY"
    position = tx.one(
        _add_to_position[book],
        **_position_key(order),
        quantity=quantity if bought else -quantity,
        buy_quantity=quantity if bought else 0,
        buy_value=value if bought else 0,
        sell_quantity=0 if bought else quantity,
        sell_value=0 if bought else value,
        trading_day=day,
        most=MOST_MILLIONTHS,
    )
    if position is None:
        raise _beyond_sums(f"the position in {order.symbol} has grown", tx)
    return position


def _beyond_sums(sum_of: str, tx: Transaction) -> InvalidInput:
    """The error of a sum that is too big; the trade is written by then and must not be kept."""
    error = InvalidInput(
        f"{sum_of} beyond what can be added up: check the quantities and prices of the fills"
    )
    tx.fail(error)
    return error


def _position_key(order: Order) -> dict[str, object]:
    """What the position of an order is found by."""
    return {
        "user_id": order.user_id,
        "broker": order.broker,
        "symbol": order.symbol,
        "exchange": order.exchange,
        "product": order.product,
    }
