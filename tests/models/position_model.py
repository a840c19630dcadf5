"""Positions as a plain program tells them: everything that happened, in the order of time, anew.

Nothing is added up beforehand, and nothing is remembered but what happened.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from fractions import Fraction
from math import floor
from typing import Any, NamedTuple

from openalgo_store import Position, PositionAdjustment, PositionDay
from tests.models.book_arithmetic import day_of, millionths, price_of, rupees


class Filled(NamedTuple):
    """What an order's fill gives to a position; value in millionths of a rupee."""

    at: datetime
    product: Any
    action: str
    quantity: int
    value: int


@dataclass
class Sums:
    """A position within a day."""

    overnight: int = 0
    bought: int = 0
    bought_value: int = 0
    sold: int = 0
    sold_value: int = 0
    realized: int = 0
    realized_today: int = 0

    @property
    def quantity(self) -> int:
        return self.bought - self.sold

    def worth(self, units: int) -> int:
        """What so many units are worth, at the average of the bought ones or of the sold ones."""
        value, of = (self.bought_value, self.bought) if units > 0 else (self.sold_value, self.sold)
        return floor(Fraction(value * abs(units), of) + Fraction(1, 2)) if of else 0

    @property
    def average(self) -> float:
        if self.quantity == 0:
            return 0.0
        if self.quantity > 0:
            return price_of(self.bought_value, self.bought)
        return price_of(self.sold_value, self.sold)

    @property
    def matched(self) -> int:
        """What is realised of these sums."""
        worth = self.worth(self.quantity)
        return self.sold_value - self.bought_value + (worth if self.quantity > 0 else -worth)

    def pnl(self, last_price: float | None) -> float:
        if last_price is None and not (self.bought and self.sold):
            return 0.0
        price = self.average if last_price is None else last_price
        return rupees(self.sold_value - self.bought_value) + self.quantity * price

    def begin(self, quantity: int, value: int) -> None:
        """Only so many units of this value from here on."""
        self.bought = self.bought_value = self.sold = self.sold_value = 0
        self.add("BUY" if quantity > 0 else "SELL", abs(quantity), value if quantity else 0)

    def add(self, action: str, quantity: int, value: int) -> None:
        if action == "BUY":
            self.bought, self.bought_value = self.bought + quantity, self.bought_value + value
        else:
            self.sold, self.sold_value = self.sold + quantity, self.sold_value + value

    def next_day(self) -> None:
        quantity, worth, matched = self.quantity, self.worth(self.quantity), self.matched
        self.realized, self.realized_today = self.realized + matched, 0
        self.begin(quantity, worth)
        self.overnight = quantity


class Told(NamedTuple):
    """The end of each day of each product; what each adjustment had found, and what it moved."""

    days: dict[Any, dict[date, Sums]]
    found: dict[int, tuple[int, float]]
    moved: dict[int, int]


@dataclass
class Row:
    """What is known of a position beside what happened."""

    days: set[date] = field(default_factory=set)
    prices: list[tuple[datetime, float | None]] = field(default_factory=list)
    """What was told as last price, None where it became unknown, as it came."""
    pnl: tuple[date, Sums, float] | None = None
    """A P&L that was told, and the sums that it was told of."""

    def tell_price(self, at: datetime, price: float | None) -> None:
        """Of its day, which has a row then."""
        before = self.price(date.max)
        self.days.add(day_of(at))
        self.prices.append((at, price))
        if self.price(date.max) != before:
            self.pnl = None

    def price(self, day: date) -> float | None:
        """The last one in time until a day ended."""
        known = [each for each in self.prices if day_of(each[0]) <= day]
        return sorted(known, key=lambda each: each[0])[-1][1] if known else None


class Positions:
    """All positions of one user in one instrument at one broker."""

    def __init__(self, place: Mapping[str, Any]) -> None:
        self.place = dict(place)
        self.rows: dict[Any, Row] = {}
        self.adjustments: list[PositionAdjustment] = []
        self.numbers = 0

    def tell(self, fills: Iterable[Filled], until: datetime | None = None) -> Told:
        """Fold it all; `until` a moment, which is in it."""
        events: list[tuple[datetime, int, int, Any]] = [(e.at, 0, 0, e) for e in fills]
        events += [(each.adjusted_at, 1, each.id, each) for each in self.adjustments]
        days: dict[Any, dict[date, Sums]] = defaultdict(dict)
        now: dict[Any, tuple[date, Sums]] = {}
        found: dict[int, tuple[int, float]] = {}
        moved: dict[int, int] = {}

        def state(product: Any, day: date) -> Sums:
            last = now.get(product)
            if last is None or last[0] != day:
                sums = Sums(**vars(last[1])) if last else Sums()
                sums.next_day()
                now[product] = day, sums
                days[product][day] = sums
            return now[product][1]

        for moment, _, number, event in sorted(events, key=lambda each: each[:3]):
            if until is not None and moment > until:
                break
            day = day_of(moment)
            sums = state(event.product, day)
            if isinstance(event, Filled):
                sums.add(event.action, event.quantity, event.value)
                continue
            found[number] = sums.quantity, sums.average
            if event.kind == "CONVERSION":
                units = event.quantity
                if sums.quantity:
                    units = abs(units) if sums.quantity > 0 else -abs(units)
                moved[number] = units
                convert(sums, state(event.to_product, day), units)
            else:
                put(sums, event)
        for product, row in self.rows.items():
            fill_gaps(days[product], row.days, until)
        return Told(days, found, moved)

    # What is seen

    def seen_positions(self, fills: list[Filled], day: date) -> list[Position]:
        told = self.tell(fills).days
        return [
            self._position(product, row, told[product], day)
            for product, row in sorted(self.rows.items())
        ]

    def seen_days(self, fills: list[Filled]) -> list[PositionDay]:
        told = self.tell(fills).days
        found = []
        for product, row in self.rows.items():
            for day, sums in told[product].items():
                price = row.price(day)
                shown = sums.average if price is None else price
                found.append(
                    PositionDay(
                        **self.place,
                        product=product,
                        trading_day=day,
                        quantity=sums.quantity,
                        average_price=sums.average,
                        last_price=price,
                        overnight_quantity=sums.overnight,
                        realized_pnl=rupees(sums.realized_today + sums.matched),
                        unrealized_pnl=sums.quantity * (shown - sums.average) + 0.0,
                    )
                )
        return found

    def _position(self, product: Any, row: Row, days: dict[date, Sums], day: date) -> Position:
        last = max(days)
        sums, price, pnl = days[last], row.price(last), None
        if last < day:
            sums = Sums(**vars(sums))
            sums.next_day()
        elif row.pnl is not None and row.pnl[:2] == (last, sums):
            pnl = row.pnl[2]
        return Position(
            id=0, **self.place, product=product, quantity=sums.quantity,
            average_price=sums.average, last_price=price,
            pnl=sums.pnl(price) if pnl is None else pnl,
            day_quantity=sums.quantity - sums.overnight, overnight_quantity=sums.overnight,
            buy_quantity=sums.bought, buy_value=sums.bought_value, sell_quantity=sums.sold,
            sell_value=sums.sold_value, trading_day=max(last, day),
            realized_pnl=rupees(sums.realized),
        )  # fmt: skip


def fill_gaps(days: dict[date, Sums], wanted: set[date], until: datetime | None) -> None:
    """A day that has a row and on which nothing happened: as the one before it left it."""
    for day in sorted(wanted):
        if day not in days and (until is None or day <= day_of(until)):
            earlier = [each for each in days if each < day]
            sums = Sums(**vars(days[max(earlier)])) if earlier else Sums()
            sums.next_day()
            days[day] = sums


def convert(sums: Sums, to: Sums, units: int) -> None:
    """Units (less than 0: of a short position) go from one to the other at their average."""
    worth = sums.worth(units)
    action, other = ("BUY", "SELL") if units > 0 else ("SELL", "BUY")
    there = min(abs(units), sums.bought if units > 0 else sums.sold)
    taken = sums.worth(there if units > 0 else -there)
    sums.add(action, -there, -taken)
    sums.add(other, abs(units) - there, worth - taken)
    to.add(action, abs(units), worth)


def put(sums: Sums, event: PositionAdjustment) -> None:
    """What an adjustment or a report tells is so."""
    overnight = event.overnight_quantity
    if event.kind == "REPORT" and agrees(sums, event.quantity, event.average_price):
        sums.overnight = sums.overnight if overnight is None else overnight
        return
    units = abs(event.quantity)
    if event.average_price is not None:
        value = units * millionths(event.average_price)
    elif sums.quantity:
        worth = sums.worth(sums.quantity)
        value = floor(Fraction(worth * units, abs(sums.quantity)) + Fraction(1, 2))
    else:
        value = 0
    if overnight is None:
        change = event.quantity - sums.quantity if event.kind == "ADJUSTMENT" else 0
        overnight = sums.overnight + change
    matched = sums.matched
    sums.realized, sums.realized_today = sums.realized + matched, sums.realized_today + matched
    sums.begin(event.quantity, value)
    sums.overnight = overnight


def agrees(sums: Sums, quantity: int, average: float | None) -> bool:
    """Whether a report tells what is so, to the decimals that it has (two at least)."""
    if sums.quantity != quantity:
        return False
    if average is None or quantity == 0:
        return True
    decimals = next(d for d in range(2, 7) if millionths(average) % 10 ** (6 - d) == 0)
    half = Fraction(1, 2) * 10 ** (6 - decimals)
    return bool(abs(millionths(sums.average) - millionths(average)) <= half)
