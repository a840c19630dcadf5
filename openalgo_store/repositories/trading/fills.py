"""Fills: what an exchange executed of an order goes into trade, order and position at once."""

from datetime import datetime
from typing import Any

from ...engine.expected import expect_one
from ...engine.transaction import Transaction
from ...errors import Conflict, IllegalOrderState, InvalidInput
from ...records.trading import Fill, Order, OrderStatus, Trade
from ...sessions import writing
from ...values import clock
from ...values.arguments import not_blank
from ...values.days import check_moment, trading_day
from ...values.money import MOST_MILLIONTHS, check_price, price_of, traded_value
from ...values.numbers import check_quantity
from .books import LIVE, Book, BookSql, check_book
from .effective_fills import OrderFills, status_of
from .order_locks import LockedOrder, lock_order
from .position_changes import change_position, position_of
from .position_fold import Traded

_set_order_fills = BookSql("trading/orders.sql", "orders").command("set_order_fills")
_trades = BookSql("trading/trades.sql", "trades")
_get_trade = _trades.query("get_trade", Trade)
_add_trade = _trades.query("add_trade", int)


def record_fill(
    order_id: str,
    trade_id: str,
    quantity: int,
    price: float,
    traded_at: datetime,
    *,
    broker: str | None = None,
    book: Book = LIVE,
    tx: Transaction | None = None,
) -> Fill:
    """Book one execution of an order; price in rupees. The same one again changes nothing.

    What was executed is a fact: it is booked after CANCELLED or EXPIRED too (the status stays), and
    beyond the quantity that is known here, when it has overtaken the report of a change. What a
    broker had told by `report_order` counts once. A fill of an earlier day goes into that day, and
    every later day of the position follows.

    `broker` is needed where two brokers have an order of this id. Raises NotFound for an unknown
    order (report it first); IllegalOrderState for a REJECTED one; Conflict for this trade_id with
    another quantity or price, and for an id of two brokers; InvalidInput, as for a price of 0.
    Nothing is written then.
    """
    not_blank("trade_id", trade_id)
    traded_at = check_moment(traded_at)
    day = trading_day(traded_at)
    value = traded_value(quantity, price)
    quantity, price = check_quantity(quantity), check_price(price)
    with writing(check_book(book).database, tx) as tx:
        locked = lock_order(order_id, broker, book, tx)
        order, before = locked
        row: dict[str, Any] = {
            "trade_id": trade_id,
            "order_id": order_id,
            "user_id": order.user_id,
            "broker": order.broker,
            "symbol": order.symbol,
            "exchange": order.exchange,
            "action": order.action,
            "product": order.product,
            "quantity": quantity,
            "price": price,
            "traded_at": traded_at,
        }
        number = None
        if order.status != "REJECTED":  # the trade first: what is not added is not counted below
            number = tx.value(_add_trade[book], **row, is_fill=True)
        if number is None:
            known = _known_trade(order, trade_id, book, tx)
            _refuse_another(known, quantity, price)
            return Fill(False, known, order, position_of(order, book, tx))
        after = before.with_trade(quantity, value)
        filled = set_fills(locked, after, order.status, book, tx)
        booked = Traded(order.product, traded_at, order.action, quantity, value)
        position = change_position(filled, before, after, (booked, day), book, tx)
    return Fill(True, Trade(number, **row), filled, position)


def set_fills(
    locked: LockedOrder, fills: OrderFills, told: OrderStatus, book: Book, tx: Transaction
) -> Order:
    """The order with what was filled of it, and with the status that follows."""
    order = locked.order
    most = 2 * MOST_MILLIONTHS
    if abs(fills.booked_value) >= most or fills.quantity >= most or abs(fills.value) >= most:
        error = InvalidInput(
            f"the fills of order {order.order_id} are beyond what can be added up: check the "
            "quantities and prices of the fills"
        )
        tx.fail(error)  # the trade is written by then and must not be kept
        raise error
    filled = order._replace(
        status=status_of(told, fills.quantity, order.quantity),
        fill_price=price_of(fills.value, fills.quantity),
        fill_quantity=fills.quantity,
        updated_at=clock.now(),
    )
    tx.run(
        _set_order_fills[book],
        id=order.id,
        status=filled.status,
        fill_price=filled.fill_price,
        fill_quantity=fills.quantity,
        fill_value=fills.value,
        booked_quantity=fills.booked_quantity,
        booked_value=fills.booked_value,
        updated_at=filled.updated_at,
    )
    return filled  # nobody else changes it: it is locked


def _known_trade(order: Order, trade_id: str, book: Book, tx: Transaction) -> Trade:
    """The trade that is there already; a rejected order without it is refused."""
    key = {"order_id": order.order_id, "trade_id": trade_id, "broker": order.broker}
    if order.status != "REJECTED":
        return expect_one(tx, _get_trade[book], **key)
    known = tx.one(_get_trade[book], **key)
    if known is None:
        raise IllegalOrderState(
            f"order {order.order_id} is REJECTED and cannot be filled: report what it is now",
            order.order_id,
            order.status,
        )
    return known


def _refuse_another(known: Trade, quantity: int, price: float) -> None:
    if (known.quantity, known.price) != (quantity, price):
        raise Conflict(
            f"trade {known.trade_id} of order {known.order_id} is booked with {known.quantity} at "
            f"{known.price}: a trade number names one execution of an order"
        )
