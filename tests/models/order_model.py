"""Orders, fills and trades of the plain model."""

from datetime import datetime
from typing import Any

from openalgo_store import Conflict, Fill, IllegalOrderState, InvalidInput, NotFound, Order, Trade
from tests.models.book_arithmetic import day_of, millionths, price_of, rupees
from tests.models.book_state import (
    ENDS,
    OF_ORDER,
    OPEN,
    BookState,
    check,
    refuse_another,
    stored,
    value_of,
)


class OrderModel(BookState):
    """Its methods are called as the repository functions are and raise what they raise."""

    def create_order(
        self,
        order_id: str,
        broker: str,
        quantity: int,
        price: float | None,
        trigger_price: float | None,
        **values: Any,
    ) -> Order:
        self._refuse_if_failed()
        check(quantity, price, trigger_price)
        if (broker, order_id) in self.orders:
            raise self._broken()
        return self._keep(new_order(order_id, broker, quantity, price, trigger_price, **values))

    def update_order(self, order_id: str, broker: str | None = None, **changes: Any) -> Order:
        if not changes:
            raise InvalidInput
        order = self._order(order_id, broker)
        quantity = changes.get("quantity", order.quantity)
        check(quantity, changes.get("price"), changes.get("trigger_price"))
        raised = order.status == "COMPLETE" and quantity > order.quantity
        if order.status in ENDS and not raised:
            raise IllegalOrderState("")
        if quantity < order.fill_quantity:
            raise InvalidInput
        if order.fill_quantity and changes.get("product", order.product) != order.product:
            raise InvalidInput
        for name in {"price", "trigger_price"} & changes.keys():
            changes[name] = stored(changes[name])
        status = "OPEN" if raised else order.status
        changes["status"] = status_of(status, order.fill_quantity, quantity)
        return self._changed(order, **changes)

    def update_order_status(
        self, order_id: str, status: str, status_message: str | None = None
    ) -> Order:
        if status not in (*OPEN, *ENDS):
            raise InvalidInput
        order = self._order(order_id)
        message = order.status_message if status_message is None else status_message
        if (order.status, order.status_message) == (status, message):
            return order
        if order.status != status:
            if order.status in ENDS:
                raise IllegalOrderState("")
            if status == "REJECTED" and order.fill_quantity:
                raise IllegalOrderState("")
        return self._changed(order, status=status, status_message=message)

    def report_order(
        self,
        broker: str,
        order_id: str,
        quantity: int,
        price: float | None,
        trigger_price: float | None,
        status: str,
        filled_quantity: int,
        average_price: float | None,
        reported_at: datetime,
        **values: Any,
    ) -> Order:
        check(quantity, price, trigger_price)
        if not 0 <= filled_quantity <= quantity or (filled_quantity and status == "REJECTED"):
            raise InvalidInput
        value = 0
        if filled_quantity:
            if average_price is None:
                raise InvalidInput
            value = value_of(filled_quantity, average_price)
        self._refuse_if_failed()
        order = self.orders.get((broker, order_id))
        if order is None:
            order = self._keep(
                new_order(
                    order_id, broker, quantity, price, trigger_price,
                    **values | {"status": status},
                )
            )  # fmt: skip
        names = ("symbol", "exchange", "action")
        if any(getattr(order, name) != values[name] for name in names):
            raise Conflict("")
        fills = self.fills[broker, order_id]
        news = fills.reported_at is None or reported_at >= fills.reported_at
        if (status if news else order.status) == "REJECTED" and (
            order.fill_quantity or filled_quantity
        ):
            raise IllegalOrderState("")
        if filled_quantity:
            fills.reports.append((reported_at, filled_quantity, value))
        changes: dict[str, Any] = {}
        if news:
            fills.reported_at = reported_at
            changes = {
                "quantity": quantity, "price": stored(price),
                "trigger_price": stored(trigger_price), "order_type": values["order_type"],
            }  # fmt: skip
            if not order.fill_quantity:
                changes["product"] = values["product"]
        filled, filled_value = fills.sums
        told = status if news else order.status
        changed = self._changed(
            order,
            **changes,
            fill_quantity=filled,
            fill_price=price_of(filled_value, filled) if filled else None,
            status=status_of(told, filled, changes.get("quantity", order.quantity)),
        )
        for at, *_ in fills.untraded:
            self._row_of(changed).days.add(day_of(at))
        self._settle(changed)
        return changed

    def _order(self, order_id: str, broker: str | None = None) -> Order:
        self._refuse_if_failed()
        found = [
            order
            for (at, name), order in self.orders.items()
            if name == order_id and broker in (None, at)
        ]
        if not found:
            raise NotFound
        if len(found) > 1:
            raise Conflict("")
        return found[0]

    def _changed(self, order: Order, **changes: Any) -> Order:
        return self._keep(order._replace(updated_at=self.now, **changes))

    def _keep(self, order: Order) -> Order:
        self.orders[order.broker, order.order_id] = order
        return order

    # Fills and trades

    def record_fill(
        self,
        order_id: str,
        trade_id: str,
        quantity: int,
        price: float,
        traded_at: datetime,
        broker: str | None = None,
    ) -> Fill:
        value_of(quantity, price)
        order = self._order(order_id, broker)
        recorded, trade = self.book(order_id, trade_id, quantity, price, traded_at, broker)
        order = self._order(order_id, order.broker)
        if recorded:
            self._settle(order)
        return Fill(recorded, trade, order, self._position_of(order))

    def book(
        self,
        order_id: str,
        trade_id: str,
        quantity: int,
        price: float,
        traded_at: datetime,
        broker: str | None = None,
    ) -> tuple[bool, Trade]:
        """The same without a look at the position, which is folded anew each time."""
        value = value_of(quantity, price)
        order = self._order(order_id, broker)
        key = (order.broker, order.order_id, trade_id)
        known = self.trades.get(key)
        if known:
            refuse_another(known, quantity, price)
            return False, known
        if order.status == "REJECTED":
            raise IllegalOrderState("")
        fills = self.fills[key[:2]]
        fills.booked, fills.booked_value = fills.booked + quantity, fills.booked_value + value
        trade = Trade(
            id=0, trade_id=trade_id, order_id=order_id, user_id=order.user_id,
            broker=order.broker, symbol=order.symbol, exchange=order.exchange,
            action=order.action, product=order.product, quantity=quantity,
            price=rupees(millionths(price)), traded_at=traded_at,
        )  # fmt: skip
        self.trades[key] = trade
        self.booked.add(key)
        filled, filled_value = fills.sums
        self._refuse_beyond(fills.booked_value, filled_value)
        changed = self._changed(
            order,
            fill_quantity=filled,
            fill_price=price_of(filled_value, filled),
            status=status_of(order.status, filled, order.quantity),
        )
        self._row_of(changed)
        return True, trade

    def import_trade(
        self,
        trade_id: str,
        broker: str,
        quantity: int,
        price: float,
        order_id: str | None,
        **values: Any,
    ) -> Trade:
        value_of(quantity, price)
        self._refuse_if_failed()
        place: Any = (broker, order_id, trade_id)
        values["broker"] = broker
        if order_id is None:
            place = tuple(values[name] for name in (*OF_ORDER, "traded_at")) + place
        elif (broker, order_id) not in self.orders:
            raise self._broken()
        else:
            order = self.orders[broker, order_id]
            if any(getattr(order, name) != values[name] for name in OF_ORDER):
                raise Conflict("not of its order")
            if order.status in OPEN:
                raise IllegalOrderState("")
        trade = self.trades.get(place) or Trade(
            id=0, trade_id=trade_id, order_id=order_id, quantity=quantity,
            price=rupees(millionths(price)), **values,
        )  # fmt: skip
        refuse_another(trade, quantity, price)
        self.trades[place] = trade
        return trade


def new_order(
    order_id: str,
    broker: str,
    quantity: int,
    price: float | None,
    trigger_price: float | None,
    **values: Any,
) -> Order:
    texts = {"strategy": None, "exchange_order_id": None, "status_message": None}
    return Order(
        id=0, order_id=order_id, broker=broker, quantity=quantity, price=stored(price),
        trigger_price=stored(trigger_price), fill_price=None, fill_quantity=0,
        updated_at=None, **texts | values,
    )  # fmt: skip


def status_of(told: Any, filled: int, quantity: int) -> Any:
    if told in OPEN and filled:
        return "COMPLETE" if filled >= quantity else "OPEN"
    return told
