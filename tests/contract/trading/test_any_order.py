"""Whatever comes, in whatever order: positions are those of a plain fold in the order of time."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any, NamedTuple

import pytest

from openalgo_store import (
    Book,
    InvalidInput,
    PositionAdjustment,
    PositionDay,
    Store,
    adjust_position,
    bulk_update_positions,
    convert_position,
    get_position_history,
    get_positions,
    record_fill,
    report_order,
)
from openalgo_store.operations.checking import check_books
from openalgo_store.repositories.trading.books import BOOKS
from tests.models.book_arithmetic import millionths
from tests.models.position_model import Filled, Positions, Row
from tests.support.chance import chance_of
from tests.support.rows import new_user

FIRST = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
DAYS = 5
PRODUCTS = ("MIS", "CNC")
PLACE = {"broker": "zerodha", "symbol": "SBIN", "exchange": "NSE"}


class Event(NamedTuple):
    """Something that happened, and how the store is told of it."""

    at: datetime
    tell: Callable[[int, Book], Any]


class Market:
    """A seeded history: orders and their fills, some told by cumulative reports alone.

    Beside them last prices, conversions, splits, trades that the store never hears of, and what the
    broker then reports of a position, which has those in it. They are of 1 or 3 units and the
    others of tens, so that a report never agrees by chance with books that lack something.
    """

    def __init__(self, chance: Random) -> None:
        self.chance = chance
        self.events: list[Event] = []
        self.known: set[str] = set()
        self.fills: list[Filled] = []
        self.elsewhere: list[Filled] = []
        self.told = Positions({"user_id": 0} | PLACE)
        self.broker = Positions({"user_id": 0} | PLACE)
        # Five seconds between any two, so that what is told a second or two later is of no other's.
        self.seconds = iter(sorted(chance.sample(range(0, DAYS * 20_000, 5), 60)))
        for number in range(chance.randint(10, 18)):
            kind = chance.choice(["order"] * 5 + ["convert", "split", "report", "report", "price"])
            getattr(self, f"_{kind}")(number)

    def _moment(self) -> datetime:
        day, second = divmod(next(self.seconds), 20_000)
        return FIRST + timedelta(days=day, seconds=second)

    def _order(self, number: int) -> None:
        """An order, its trades, and what its broker tells of it: all of that, or a part."""
        product, action = self.chance.choice(PRODUCTS), self.chance.choice(["BUY", "SELL"])
        parts = [
            (self._moment(), self.chance.randint(1, 5) * 10, self.chance.randint(900, 1100) / 8)
            for _ in range(self.chance.randint(1, 3))
        ]
        last = parts[-1][0]
        quantity = sum(units for _, units, _ in parts)
        value = sum(units * millionths(price) for _, units, price in parts)
        order = PLACE | {
            "order_id": f"A{number}", "action": action, "quantity": quantity, "product": product,
            "order_type": "MARKET", "status": "COMPLETE", "placed_at": parts[0][0],
        }  # fmt: skip
        average = value / quantity / 1_000_000
        is_told = self.chance.random() < 0.5
        is_traded = not is_told or self.chance.random() < 0.7
        if is_told:
            for at in (last, last + timedelta(seconds=1)):
                filled = {"filled_quantity": quantity, "average_price": average, "reported_at": at}
                self._event(at, report_order, order | filled)
        if is_traded:
            for index, (at, units, price) in enumerate(parts):
                trade = (f"A{number}", f"T{index}", units, price, at)
                self.events.append(Event(at, self._filling(order, *trade)))
                self._filled(Filled(at, product, action, units, units * millionths(price)))
        else:
            told = quantity * millionths(average)
            self._filled(Filled(last, product, action, quantity, told))

    def _filling(self, order: dict[str, Any], *trade: Any) -> Callable[[int, Book], Any]:
        def tell(user: int, book: Book) -> None:
            number, *rest = trade
            order_id = f"{user}-{number}"
            if number not in self.known:  # that there is such an order
                row = order | {"user_id": user, "order_id": order_id}
                report_order(**row, reported_at=FIRST, book=book)
                self.known.add(number)
            record_fill(order_id, *rest, book=book)

        return tell

    def _filled(self, fill: Filled) -> None:
        self.fills.append(fill)
        for books in (self.told, self.broker):
            books.rows.setdefault(fill.product, Row())

    def _convert(self, number: int) -> None:
        at = self._moment()
        product, to_product = self.chance.sample(PRODUCTS, 2)
        held = [self._held(books, fills, product, at)[0] for books, fills in self._both()]
        units = min(map(abs, held)) // 10 * 10
        if units and held[0] * held[1] > 0:
            units = self.chance.randrange(10, units + 1, 10)
            self._adjust("CONVERSION", product, at, units, None, to_product)
            where = {"from_product": product, "to_product": to_product, "quantity": units}
            self._event(at, convert_position, PLACE | where | {"converted_at": at})

    def _split(self, number: int) -> None:
        at, product = self._moment(), self.chance.choice(PRODUCTS)
        quantity, average = self._held(self.broker, self._both()[1][1], product, at)
        if quantity:
            average = round(average / 2, 6)
            self.told.rows.setdefault(product, Row()).tell_price(at, None)
            self._adjust("ADJUSTMENT", product, at, 2 * quantity, average, None)
            where = {"product": product, "quantity": 2 * quantity, "average_price": average}
            self._event(at, adjust_position, PLACE | where | {"reason": "split", "adjusted_at": at})

    def _report(self, number: int) -> None:
        at, product = self._moment(), self.chance.choice(PRODUCTS)
        if len(self.elsewhere) < 2 and self.chance.random() < 0.5:
            units, price = self.chance.choice([1, 3]), self.chance.randint(900, 1100) / 8
            fill = Filled(at, product, "BUY", units, units * millionths(price))
            self.elsewhere.append(fill)
            at += timedelta(seconds=2)
        quantity, average = self._held(self.broker, self._both()[1][1], product, at)
        average = round(average, self.chance.choice([2, 4]))
        self._adjust("REPORT", product, at, quantity, average, None, of_broker=False)
        row = {"product": product, "quantity": quantity, "average_price": average}
        if self.chance.random() < 0.7:
            row["last_price"] = self._tell_price(product, at)
        self._position_report(at, row)

    def _price(self, number: int) -> None:
        """A report of last prices and of nothing else."""
        at, product = self._moment(), self.chance.choice(PRODUCTS)
        last_price = self._tell_price(product, at)
        self._position_report(at, {"product": product, "last_price": last_price})

    def _tell_price(self, product: str, at: datetime) -> float:
        last_price = self.chance.randint(900, 1100) / 8
        self.told.rows.setdefault(product, Row()).tell_price(at, last_price)
        return last_price

    def _position_report(self, at: datetime, row: dict[str, Any]) -> None:
        def tell(user: int, book: Book) -> None:
            row_of_user = PLACE | row | {"user_id": user}
            bulk_update_positions([row_of_user], reported_at=at, book=book)

        self.events.append(Event(at, tell))

    def _both(self) -> list[tuple[Positions, list[Filled]]]:
        return [(self.told, self.fills), (self.broker, self.fills + self.elsewhere)]

    def _held(
        self, books: Positions, fills: list[Filled], product: str, at: datetime
    ) -> tuple[int, float]:
        days = books.tell(fills, at).days[product]
        return (days[max(days)].quantity, days[max(days)].average) if days else (0, 0.0)

    def _adjust(
        self, kind: Any, product: Any, at: datetime, quantity: int, average: float | None,
        to_product: Any, *, of_broker: bool = True,
    ) -> None:  # fmt: skip
        for books in (self.told, self.broker) if of_broker else (self.told,):
            books.numbers += 1
            adjustment = PositionAdjustment(
                books.numbers, **books.place, product=product, kind=kind, adjusted_at=at,
                quantity=quantity, average_price=average, overnight_quantity=None,
                to_product=to_product, reason=None, quantity_before=0, average_before=None,
            )  # fmt: skip
            books.adjustments.append(adjustment)
            for each in (product, to_product):
                if each is not None:
                    books.rows.setdefault(each, Row())

    def _event(self, at: datetime, function: Callable[..., Any], given: dict[str, Any]) -> None:
        def tell(user: int, book: Book) -> None:
            own: dict[str, Any] = {"user_id": user}
            if "order_id" in given:
                own["order_id"] = f"{user}-{given['order_id']}"
            function(**given | own, book=book)

        self.events.append(Event(at, tell))


@pytest.mark.timeout(1800)
def test_any_order_ends_in_the_fold_by_time(store: Store, soak: Callable[[int], int]) -> None:
    for number in range(soak(1000)):
        book = BOOKS[number % 2]
        chance = chance_of(f"market {number}")
        market = Market(chance)
        user = new_user(f"user{number}")
        waiting = market.events * 1
        chance.shuffle(waiting)
        tell_all(waiting + chance.sample(waiting, len(waiting) // 3), user, book)
        for day in (FIRST.date(), FIRST.date() + timedelta(days=DAYS)):  # as stored, and carried
            expected = market.told.seen_positions(market.fills, day)
            found = get_positions(user, day=day, book=book)
            assert [each._replace(id=0, user_id=0) for each in found] == expected, number
        history = get_position_history(user, FIRST.date(), date(2026, 4, 1), book=book)
        assert [each._replace(user_id=0) for each in history] == days_of(market), number
    assert list(check_books()) == []


def tell_all(events: list[Event], user: int, book: Book) -> None:
    """In this order; a conversion of what is not there yet is told once more after the others."""
    while events:
        refused = []
        for event in events:
            try:
                event.tell(user, book)
            except InvalidInput:
                refused.append(event)
        assert len(refused) < len(events)
        events = refused


def days_of(market: Market) -> list[PositionDay]:
    days = market.told.seen_days(market.fills)
    return sorted(days, key=lambda each: (each.trading_day, each.product))
