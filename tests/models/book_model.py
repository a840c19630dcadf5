"""A user's book as a plain program would keep it: exact whole numbers, no database.

Its methods are called as the repository functions are and raise what they raise; a block is a
transaction, or a savepoint inside one. The ids of its records are 0.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from datetime import date, datetime, timedelta
from math import isfinite
from typing import Any

from openalgo_store import (
    Conflict,
    ConvertedPosition,
    DailyPnl,
    Fill,
    Holding,
    IllegalOrderState,
    InvalidInput,
    NotFound,
    Order,
    Position,
    PositionAdjustment,
    PositionDay,
    SymbolPnl,
    Trade,
    TransactionFailed,
)
from tests.models.book_arithmetic import (
    day_of,
    millionths,
    price_of,
    rupees,
    sums_of,
    symbol_pnl,
)
from tests.models.position_model import Filled, Positions, Sums, agrees
from tests.models.position_model import Row as PositionRow

LIMIT = 2**61
"""What a fill stays below, and a sum of them twice that."""
OPEN = ("TRIGGER_PENDING", "OPEN")
ENDS = ("COMPLETE", "CANCELLED", "REJECTED", "EXPIRED")
SECOND = timedelta(seconds=1)
INSTRUMENT = ("broker", "symbol", "exchange")
POSITION_KEY = ("user_id", *INSTRUMENT, "product")
HOLDING_KEY = ("user_id", *INSTRUMENT)
OF_ORDER = (*POSITION_KEY, "action")
"""What a trade has in common with its order."""

Row = Mapping[str, Any]


class OrderFills:
    """What was filled of an order: by its trades, and as its broker told."""

    booked = booked_value = told = told_value = 0
    told_at: datetime | None = None
    reported_at: datetime | None = None

    @property
    def sums(self) -> tuple[int, int]:
        if self.booked >= self.told:
            return self.booked, self.booked_value
        return self.told, self.told_value


class BookModel:
    """The orders, trades, positions and holdings of one user, at a time that stands still."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.orders: dict[tuple[str, str], Order] = {}
        self.fills: dict[tuple[str, str], OrderFills] = defaultdict(OrderFills)
        self.trades: dict[Any, Trade] = {}
        self.booked: set[Any] = set()
        self.instruments: dict[Any, Positions] = {}
        self.holdings: dict[Any, Holding] = {}
        self.depth = 0
        self.failed = False

    # Transactions

    @contextmanager
    def block(self) -> Iterator[None]:
        """What is kept as a whole, or not at all."""
        self._refuse_if_failed()
        before = {name: deepcopy(value) for name, value in vars(self).items()}
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
        broker: str,
        quantity: int,
        price: float | None,
        trigger_price: float | None,
        **values: Any,
    ) -> Order:
        self._refuse_if_failed()
        _check(quantity, price, trigger_price)
        if (broker, order_id) in self.orders:
            raise self._broken()
        return self._keep(_order(order_id, broker, quantity, price, trigger_price, **values))

    def update_order(self, order_id: str, broker: str | None = None, **changes: Any) -> Order:
        if not changes:
            raise InvalidInput
        order = self._order(order_id, broker)
        quantity = changes.get("quantity", order.quantity)
        _check(quantity, changes.get("price"), changes.get("trigger_price"))
        raised = order.status == "COMPLETE" and quantity > order.quantity
        if order.status in ENDS and not raised:
            raise IllegalOrderState("")
        if quantity < order.fill_quantity:
            raise InvalidInput
        if order.fill_quantity and changes.get("product", order.product) != order.product:
            raise InvalidInput
        for name in {"price", "trigger_price"} & changes.keys():
            changes[name] = _stored(changes[name])
        status = "OPEN" if raised else order.status
        changes["status"] = _status(status, order.fill_quantity, quantity)
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
        _check(quantity, price, trigger_price)
        if not 0 <= filled_quantity <= quantity or (filled_quantity and status == "REJECTED"):
            raise InvalidInput
        value = 0
        if filled_quantity:
            if average_price is None:
                raise InvalidInput
            value = _value(filled_quantity, average_price)
        self._refuse_if_failed()
        order = self.orders.get((broker, order_id))
        if order is None:
            order = self._keep(
                _order(
                    order_id, broker, quantity, price, trigger_price,
                    **values | {"status": status},
                )
            )  # fmt: skip
        names = ("symbol", "exchange", "action")
        if any(getattr(order, name) != values[name] for name in names):
            raise Conflict("")
        fills = self.fills[broker, order_id]
        news = fills.reported_at is None or reported_at >= fills.reported_at
        if news and status == "REJECTED" and order.fill_quantity:
            raise IllegalOrderState("")
        before = self._last_days(order)
        if filled_quantity > fills.told:
            fills.told, fills.told_value = filled_quantity, value
            fills.told_at = reported_at
        elif filled_quantity == fills.told and fills.told_at is not None:
            fills.told_at = min(fills.told_at, reported_at)
            fills.told_value = value if news else fills.told_value
        changes: dict[str, Any] = {}
        if news:
            fills.reported_at = reported_at
            changes = {
                "quantity": quantity, "price": _stored(price),
                "trigger_price": _stored(trigger_price), "order_type": values["order_type"],
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
            status=_status(told, filled, changes.get("quantity", order.quantity)),
        )
        if fills.told > fills.booked and fills.told_at is not None:
            self._row_of(changed).days.add(day_of(fills.told_at))
        self._close(changed, before)
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
        value = _value(quantity, price)
        order = self._order(order_id, broker)
        key = (order.broker, order.order_id, trade_id)
        known = self.trades.get(key)
        if known:
            _refuse_another(known, quantity, price)
            return Fill(False, known, order, self._position_of(order))
        if order.status == "REJECTED":
            raise IllegalOrderState("")
        before = self._last_days(order)
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
            status=_status(order.status, filled, order.quantity),
        )
        self._row_of(changed)
        self._close(changed, before)
        return Fill(True, trade, changed, self._position_of(changed))

    def _refuse_beyond(self, *sums: int) -> None:
        if max(map(abs, sums)) >= 2 * LIMIT:
            self.failed = True  # the trade is written by then
            raise InvalidInput

    def import_trade(
        self,
        trade_id: str,
        broker: str,
        quantity: int,
        price: float,
        order_id: str | None,
        **values: Any,
    ) -> Trade:
        _value(quantity, price)
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
        _refuse_another(trade, quantity, price)
        self.trades[place] = trade
        return trade

    # Positions

    def bulk_update_positions(
        self, rows: Sequence[Row], reported_at: datetime | None = None
    ) -> list[PositionAdjustment]:
        report = _report(POSITION_KEY, rows)
        self._refuse_if_failed()
        moment = self.now if reported_at is None else reported_at
        found = [self._report_position(p, report[p], moment) for p in sorted(report)]
        on_time = [each for late, each in found if each and not late]
        return on_time + [each for late, each in found if each and late]

    def _report_position(
        self, place: Any, given: dict[str, Any], moment: datetime
    ) -> tuple[bool, PositionAdjustment | None]:
        """Whether others have followed that moment, and the correction."""
        *where, product = place
        book = self._instrument(tuple(where))
        fills, day = self._fills_of(book), day_of(moment)
        row = book.rows.get(product)
        if row is None:
            row = book.rows[product] = PositionRow({day})
        last = max(book.tell(fills).days[product])
        adjusted = [
            each.adjusted_at for each in book.adjustments
            if product in (each.product, each.to_product) and day_of(each.adjusted_at) == last
        ]  # fmt: skip
        followed = any(each.at > moment for each in fills)
        late = last > day or max(adjusted, default=moment - SECOND) >= moment or followed
        price = given.get("last_price")
        price = None if price is None else _stored(price)
        correction = None
        if not late or "quantity" in given:
            days = book.tell(fills, moment).days[product]
            sums = Sums(**vars(days[max(days)])) if days else Sums()
            if not days or max(days) < day:
                sums.next_day()
            correction = self._correction(book, product, given, sums, moment, late)
            before = {product: last}
            row.days.add(day)
            self._close(book, before)
        if late:
            if price is not None and last <= day and price != row.last_price:
                row.last_price, row.pnl = price, None
            return True, correction
        row.last_price = row.last_price if price is None else price
        row.pnl = None
        if "pnl" in given:
            sums = book.tell(fills).days[product][day]
            row.pnl = day, Sums(**vars(sums)), rupees(millionths(given["pnl"]))
        return False, correction

    def _correction(
        self,
        book: Positions,
        product: Any,
        given: dict[str, Any],
        sums: Sums,
        moment: datetime,
        late: bool,
    ) -> PositionAdjustment | None:
        quantity = given.get("quantity", sums.quantity)
        average = given.get("average_price")
        average = None if average is None else _stored(average)
        overnight = given.get("overnight_quantity")
        if overnight is None and "day_quantity" in given:
            overnight = quantity - given["day_quantity"]
        same_day = overnight is None or (not late and overnight == sums.overnight)
        if agrees(sums, quantity, average) and same_day:
            return None
        return self._adjust(
            book, product, "REPORT", moment, quantity, average, overnight, None, None, sums
        )

    def _adjust(
        self, book: Positions, product: Any, kind: Any, moment: datetime, quantity: int,
        average: float | None, overnight: int | None, to_product: Any, reason: str | None,
        sums: Sums,
    ) -> PositionAdjustment:  # fmt: skip
        book.numbers += 1
        adjustment = PositionAdjustment(
            book.numbers, **book.place, product=product, kind=kind, adjusted_at=moment,
            quantity=quantity, average_price=average, overnight_quantity=overnight,
            to_product=to_product, reason=reason, quantity_before=sums.quantity,
            average_before=kept(sums.average),
        )  # fmt: skip
        book.adjustments.append(adjustment)
        return adjustment._replace(id=0)

    def adjust_position(
        self, user_id: int, broker: str, symbol: str, exchange: str, product: Any, quantity: int,
        average_price: float, reason: str, adjusted_at: datetime,
    ) -> Position:  # fmt: skip
        _check(1, average_price)
        self._refuse_if_failed()
        book = self._instrument((user_id, broker, symbol, exchange))
        before = self._last_days(book)
        row = book.rows.setdefault(product, PositionRow())
        row.days.add(day_of(adjusted_at))
        self._adjust(
            book, product, "ADJUSTMENT", adjusted_at, quantity, _stored(average_price), None,
            None, reason, Sums(),
        )  # fmt: skip
        self._close(book, before)
        if row.last_price is not None:
            row.last_price = row.pnl = None
        return self._position(book, product)

    def convert_position(
        self, user_id: int, broker: str, symbol: str, exchange: str, from_product: Any,
        to_product: Any, quantity: int, converted_at: datetime,
    ) -> ConvertedPosition:  # fmt: skip
        _check(quantity)
        if from_product == to_product:
            raise InvalidInput
        self._refuse_if_failed()
        book = self._instrument((user_id, broker, symbol, exchange))
        fills, day = self._fills_of(book), day_of(converted_at)
        if not any(
            (e.kind, e.adjusted_at, e.product, e.to_product, abs(e.quantity))
            == ("CONVERSION", converted_at, from_product, to_product, quantity)
            for e in book.adjustments
        ):
            days = book.tell(fills, converted_at).days[from_product]
            held = days[max(days)].quantity if days else 0
            if abs(held) < quantity:
                raise InvalidInput
            before = self._last_days(book)
            for product in (from_product, to_product):
                book.rows.setdefault(product, PositionRow()).days.add(day)
            self._adjust(
                book, from_product, "CONVERSION", converted_at,
                quantity if held > 0 else -quantity, None, None, to_product, None, Sums(),
            )  # fmt: skip
            self._close(book, before)
        positions = (self._position(book, each) for each in (from_product, to_product))
        return ConvertedPosition(*positions)

    def _instrument(self, place: tuple[Any, ...]) -> Positions:
        if place not in self.instruments:
            named = dict(zip(("user_id", "broker", "symbol", "exchange"), place, strict=True))
            self.instruments[place] = Positions(named)
        return self.instruments[place]

    def _book_of(self, what: Order | Positions) -> Positions:
        if isinstance(what, Positions):
            return what
        return self._instrument((what.user_id, what.broker, what.symbol, what.exchange))

    def _fills_of(self, book: Positions) -> list[Filled]:
        """What orders have filled in an instrument: as trades, and as it was told beyond them."""
        place = tuple(book.place.values())
        found = [
            Filled(t.traded_at, t.product, t.action, t.quantity, t.quantity * millionths(t.price))
            for t in (self.trades[key] for key in self.booked)
            if (t.user_id, t.broker, t.symbol, t.exchange) == place
        ]
        for key, order in self.orders.items():
            fills = self.fills[key]
            if self._book_of(order) is book and fills.told > fills.booked:
                assert fills.told_at is not None
                rest = fills.told - fills.booked, fills.told_value - fills.booked_value
                found.append(Filled(fills.told_at, order.product, order.action, *rest))
        return found

    def _last_days(self, what: Order | Positions) -> dict[Any, date]:
        """The last day of each position of an instrument."""
        book = self._book_of(what)
        told = book.tell(self._fills_of(book)).days
        return {product: max(told[product]) for product in book.rows}

    def _row_of(self, order: Order) -> PositionRow:
        return self._book_of(order).rows.setdefault(order.product, PositionRow())

    def _close(self, what: Order | Positions, before: Mapping[Any, date]) -> None:
        """Days that are over now keep the last price that was known in them."""
        book = self._book_of(what)
        told = book.tell(self._fills_of(book)).days
        for product, last in before.items():
            if max(told[product]) > last:
                book.rows[product].closing[last] = book.rows[product].last_price
        for product, row in book.rows.items():
            last = max(told[product])
            if row.pnl is not None and row.pnl[:2] != (last, told[product][last]):
                row.pnl = None
        sums = (sums for days in told.values() for sums in days.values())
        self._refuse_beyond(0, *(value for each in sums for value in vars(each).values()))

    def _position(self, book: Positions, product: Any) -> Position:
        early = date(1970, 1, 1)
        found = book.seen_positions(self._fills_of(book), early)
        return next(each for each in found if each.product == product)

    def _position_of(self, order: Order) -> Position | None:
        book = self._book_of(order)
        return self._position(book, order.product) if order.product in book.rows else None

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
        books = [self.instruments[place] for place in sorted(self.instruments)]
        return [p for book in books for p in book.seen_positions(self._fills_of(book), day)]

    def get_position_history(self) -> list[PositionDay]:
        books = self.instruments.values()
        days = [day for book in books for day in book.seen_days(self._fills_of(book))]
        return sorted(
            days, key=lambda e: (e.trading_day, e.broker, e.symbol, e.exchange, e.product)
        )

    def get_position_adjustments(self) -> list[PositionAdjustment]:
        """By time; of those of one moment in any order."""
        found = []
        for book in self.instruments.values():
            told = book.tell(self._fills_of(book))
            for each in book.adjustments:
                quantity, average = told.found[each.id]
                each = each._replace(quantity=told.moved.get(each.id, each.quantity))
                before = {
                    "quantity_before": quantity,
                    "average_before": kept(average),
                }
                found.append(each._replace(id=0, **before))
        return sorted(found, key=by_time)

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


def kept(average: float) -> float:
    """An average to the millionth of a rupee, as far as a double has it."""
    return rupees(round(average * 1_000_000))


def by_time(adjustment: PositionAdjustment) -> tuple[Any, ...]:
    return adjustment.adjusted_at, adjustment.broker, str(adjustment)


def _order(
    order_id: str,
    broker: str,
    quantity: int,
    price: float | None,
    trigger_price: float | None,
    **values: Any,
) -> Order:
    texts = {"strategy": None, "exchange_order_id": None, "status_message": None}
    return Order(
        id=0, order_id=order_id, broker=broker, quantity=quantity, price=_stored(price),
        trigger_price=_stored(trigger_price), fill_price=None, fill_quantity=0,
        updated_at=None, **texts | values,
    )  # fmt: skip


def _status(told: Any, filled: int, quantity: int) -> Any:
    if told in OPEN and filled:
        return "COMPLETE" if filled >= quantity else "OPEN"
    return told


def _check(quantity: int, *prices: float | None) -> None:
    if quantity < 1 or not all(price is None or isfinite(price) for price in prices):
        raise InvalidInput


def _value(quantity: int, price: float) -> int:
    """What a trade is worth in millionths of a rupee."""
    _check(quantity, price)
    if millionths(price) == 0 or abs(quantity * millionths(price)) >= LIMIT:
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
