"""A user's book as a plain program would keep it: exact whole numbers, no database.

Its methods are called as the repository functions are and raise what they raise; a block is a
transaction, or a savepoint inside one. The ids of its records are 0.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy
from datetime import date, datetime
from math import isfinite
from typing import Any

from openalgo_store import (
    Conflict,
    DailyPnl,
    Fill,
    Holding,
    IllegalOrderState,
    InvalidInput,
    NotFound,
    Order,
    Position,
    SymbolPnl,
    Trade,
    TransactionFailed,
)
from tests.models.book_arithmetic import (
    day_of,
    flat_position,
    millionths,
    position_pnl,
    price_of,
    rupees,
    settled,
    sums_of,
    symbol_pnl,
)

LIMIT = 2**61
"""What a fill stays below, and what a sum may be when another fill is added to it."""
OPEN = ("TRIGGER_PENDING", "OPEN")
ENDS = ("COMPLETE", "CANCELLED", "REJECTED")
INSTRUMENT = ("broker", "symbol", "exchange")
POSITION_KEY = ("user_id", *INSTRUMENT, "product")
HOLDING_KEY = ("user_id", *INSTRUMENT)
OF_ORDER = (*POSITION_KEY, "action")
"""What a trade has in common with its order."""

Row = Mapping[str, Any]


class BookModel:
    """The orders, trades, positions and holdings of one user, at a time that stands still."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.orders: dict[str, Order] = {}
        self.fill_values: dict[str, int] = defaultdict(int)
        self.trades: dict[Any, Trade] = {}
        self.positions: dict[Any, Position] = {}
        self.holdings: dict[Any, Holding] = {}
        self.depth = 0
        self.failed = False

    # Transactions

    @contextmanager
    def block(self) -> Iterator[None]:
        """What is kept as a whole, or not at all."""
        self._refuse_if_failed()
        before = {name: copy(value) for name, value in vars(self).items()}
        self.depth += 1
        try:
            yield
            self._refuse_if_failed()
        except BaseException:
            vars(self).update(before)
            raise
        self.depth -= 1

    def do(self, name: str, arguments: Row) -> Any:
        """One operation, in a block of its own where there is none."""
        if self.depth:
            return getattr(self, name)(**arguments)
        with self.block():
            return getattr(self, name)(**arguments)

    def _refuse_if_failed(self) -> None:
        if self.failed:
            raise TransactionFailed

    def _broken(self) -> Conflict:
        """A rule that the database holds: from here on, only a rollback is possible."""
        self.failed = True
        return Conflict("")

    # Orders

    def create_order(
        self,
        order_id: str,
        quantity: int,
        price: float | None,
        trigger_price: float | None,
        **values: Any,
    ) -> Order:
        self._refuse_if_failed()
        _check(quantity, price, trigger_price)
        if order_id in self.orders:
            raise self._broken()
        self.orders[order_id] = Order(
            id=0, order_id=order_id, quantity=quantity, price=_stored(price),
            trigger_price=_stored(trigger_price), fill_price=None, fill_quantity=0,
            updated_at=None, **values,
        )  # fmt: skip
        return self.orders[order_id]

    def update_order(self, order_id: str, **changes: Any) -> Order:
        if not changes:
            raise InvalidInput
        order = self._order(order_id)
        if order.status in ENDS:
            raise IllegalOrderState("")
        quantity = changes.get("quantity", order.quantity)
        _check(quantity, changes.get("price"), changes.get("trigger_price"))
        if quantity <= order.fill_quantity:
            raise InvalidInput
        for name in {"price", "trigger_price"} & changes.keys():
            changes[name] = _stored(changes[name])
        return self._changed(order, **changes)

    def update_order_status(self, order_id: str, status: str) -> Order:
        if status not in (*OPEN, *ENDS):
            raise InvalidInput
        order = self._order(order_id)
        if order.status == status:
            return order
        if order.status in ENDS or status == "TRIGGER_PENDING":
            raise IllegalOrderState("")
        if status == "REJECTED" and order.fill_quantity:
            raise IllegalOrderState("")
        return self._changed(order, status=status)

    def _order(self, order_id: str) -> Order:
        self._refuse_if_failed()
        if order_id not in self.orders:
            raise NotFound
        return self.orders[order_id]

    def _changed(self, order: Order, **changes: Any) -> Order:
        changed = order._replace(updated_at=self.now, **changes)
        self.orders[order.order_id] = changed
        return changed

    # Fills and trades

    def record_fill(
        self, order_id: str, trade_id: str, quantity: int, price: float, traded_at: datetime
    ) -> Fill:
        value = _value(quantity, price)
        order = self._order(order_id)
        known = self.trades.get((order_id, trade_id))
        place = tuple(getattr(order, name) for name in POSITION_KEY)
        if known:
            _refuse_another(known, quantity, price)
            return Fill(False, known, order, self.positions.get(place))
        if order.status == "REJECTED" or order.fill_quantity + quantity > order.quantity:
            raise IllegalOrderState("")
        position = self._grown(place, order.action, quantity, value, day_of(traded_at))
        trade = Trade(
            id=0, trade_id=trade_id, order_id=order_id, user_id=order.user_id,
            broker=order.broker, symbol=order.symbol, exchange=order.exchange,
            action=order.action, product=order.product, quantity=quantity,
            price=rupees(millionths(price)), traded_at=traded_at,
        )  # fmt: skip
        self.trades[order_id, trade_id] = trade
        return Fill(True, trade, self._filled(order, quantity, value), position)

    def _filled(self, order: Order, quantity: int, value: int) -> Order:
        self.fill_values[order.order_id] += value
        filled = order.fill_quantity + quantity
        status = order.status
        if status in OPEN:
            status = "COMPLETE" if filled == order.quantity else "OPEN"
        return self._changed(
            order,
            fill_quantity=filled,
            fill_price=price_of(self.fill_values[order.order_id], filled),
            status=status,
        )

    def _grown(self, place: Any, action: str, quantity: int, value: int, day: date) -> Position:
        """The position after a fill: sums added to, all else from them."""
        old = self.positions.get(place) or flat_position(place)
        if max(abs(old.buy_value), abs(old.sell_value)) > LIMIT:
            self.failed = True  # the trade is written by then
            raise InvalidInput
        side, sign = ("buy", 1) if action == "BUY" else ("sell", -1)
        grown = old._replace(
            **{
                f"{side}_quantity": getattr(old, f"{side}_quantity") + quantity,
                f"{side}_value": getattr(old, f"{side}_value") + value,
            }
        )
        if old.trading_day is None or day > old.trading_day:
            grown = grown._replace(trading_day=day, day_quantity=sign * quantity)
        elif day == old.trading_day:
            grown = grown._replace(day_quantity=old.day_quantity + sign * quantity)
        grown = settled(grown)
        if place not in self.positions:
            grown = grown._replace(pnl=0.0)  # what is open counts at what was paid for it
        self.positions[place] = grown
        return grown

    def import_trade(
        self, trade_id: str, quantity: int, price: float, order_id: str | None, **values: Any
    ) -> Trade:
        _value(quantity, price)
        self._refuse_if_failed()
        place: Any = (order_id, trade_id)
        if order_id is None:
            place = tuple(values[name] for name in (*OF_ORDER, "traded_at")) + place
        elif order_id not in self.orders:
            raise self._broken()
        elif any(getattr(self.orders[order_id], name) != values[name] for name in OF_ORDER):
            raise Conflict("not of its order")
        elif self.orders[order_id].status in OPEN:
            raise IllegalOrderState("")
        trade = self.trades.get(place) or Trade(
            id=0, trade_id=trade_id, order_id=order_id, quantity=quantity,
            price=rupees(millionths(price)), **values,
        )  # fmt: skip
        _refuse_another(trade, quantity, price)
        self.trades[place] = trade
        return trade

    # What brokers report

    def bulk_update_positions(self, rows: Sequence[Row]) -> list[Row]:
        report = _report(POSITION_KEY, rows)
        self._refuse_if_failed()
        for place in report.keys() & self.positions.keys():
            old, given = self.positions[place], report[place]
            now = old._replace(**{name: _kept(name, given[name]) for name in given})
            if "pnl" not in given and now.quantity == now.buy_quantity - now.sell_quantity:
                now = now._replace(pnl=position_pnl(now))
            if "day_quantity" in given or "overnight_quantity" in given:
                now = now._replace(trading_day=day_of(self.now))
                if "overnight_quantity" not in given:
                    now = now._replace(overnight_quantity=now.quantity - now.day_quantity)
                elif "day_quantity" not in given:
                    now = now._replace(day_quantity=now.quantity - now.overnight_quantity)
            self.positions[place] = now
        return [row for row in rows if _place(POSITION_KEY, row) not in self.positions]

    def bulk_update_holdings(self, rows: Sequence[Row]) -> int:
        report = _report(HOLDING_KEY, rows)
        self._refuse_if_failed()
        for place, given in report.items():
            new = Holding._make((0, *place, None, 0, None, None, None, None))
            now = self.holdings.get(place, new)
            now = now._replace(**{name: _kept(name, given[name]) for name in given})
            if now.average_price is not None and now.last_price is not None:
                gain = now.last_price - now.average_price
                if "pnl" not in given:
                    now = now._replace(pnl=now.quantity * gain)
                if "pnl_percent" not in given and now.average_price:
                    now = now._replace(pnl_percent=gain * 100 / now.average_price)
            self.holdings[place] = now
        return len(report)

    # What is seen

    def order_history(self) -> list[Order]:
        """Newest first; of two at one moment, the one that was made later."""
        return sorted(self.orders.values(), key=lambda order: order.placed_at)[::-1]

    def trade_history(self) -> list[Trade]:
        return sorted(self.trades.values(), key=lambda trade: trade.traded_at)

    def get_positions(self, day: date) -> list[Position]:
        return [
            held._replace(day_quantity=0, overnight_quantity=held.quantity)
            if held.trading_day and held.trading_day < day
            else held
            for _, held in sorted(self.positions.items())
        ]

    def get_holdings(self) -> list[Holding]:
        return [held for _, held in sorted(self.holdings.items())]

    def get_daily_pnl(self, day: date) -> DailyPnl:
        _, bought, _, sold = sums_of(self._trades_of(day))
        return DailyPnl(rupees(bought + sold), rupees(sold - bought))

    def get_daily_pnl_by_symbol(self, day: date) -> list[SymbolPnl]:
        of_symbol = defaultdict(list)
        for trade in self._trades_of(day):
            of_symbol[trade.symbol, trade.exchange].append(trade)
        return [symbol_pnl(*each, *sums_of(of_symbol[each])) for each in sorted(of_symbol)]

    def _trades_of(self, day: date) -> list[Trade]:
        return [trade for trade in self.trades.values() if day_of(trade.traded_at) == day]


def _check(quantity: int, *prices: float | None) -> None:
    if quantity < 1 or not all(price is None or isfinite(price) for price in prices):
        raise InvalidInput


def _value(quantity: int, price: float) -> int:
    """What a trade is worth in millionths of a rupee."""
    _check(quantity, price)
    if abs(quantity * millionths(price)) >= LIMIT:
        raise InvalidInput
    return quantity * millionths(price)


def _stored(price: float | None) -> float | None:
    return None if price is None else rupees(millionths(price))


def _refuse_another(known: Trade, quantity: int, price: float) -> None:
    if (known.quantity, millionths(known.price)) != (quantity, millionths(price)):
        raise Conflict("")


def _place(key: Sequence[str], row: Row) -> Any:
    return tuple(row[name] for name in key)


def _report(key: Sequence[str], rows: Sequence[Row]) -> dict[Any, dict[str, Any]]:
    """What is given of each place."""
    report: dict[Any, dict[str, Any]] = {}
    for row in rows:
        given = {name: row[name] for name in row if name not in key and row[name] is not None}
        _check(1, *(given[name] for name in given if isinstance(given[name], float)))
        report[_place(key, row)] = given
    return report


def _kept(name: str, value: Any) -> Any:
    return _stored(value) if isinstance(value, float) else value
