"""Open lots: what was bought or sold first is closed first, in one pass over what happened.

It knows no database: it is fed with what happened in the order of time. Values are whole millionths
of a rupee, so that nothing is lost however often a lot is divided.
"""

from collections import defaultdict, deque
from collections.abc import Iterable
from datetime import datetime
from functools import partial
from typing import Final, NamedTuple

from ...records import Row
from ...records.trading import Product, RealizedLot
from ...values.clock import day_number
from ...values.money import to_millionths

Place = tuple[str, str, str, Product]
"""Where lots close each other: broker, symbol, exchange, product."""

make_realized_lot = partial(tuple.__new__, RealizedLot)
"""A RealizedLot of its values, in half the time that the class takes."""


class Lot(NamedTuple):
    """Units that a trade bought, or sold where they are less than 0, and what all of them cost.

    The `id` is that of the trade, None for a lot that came without one.
    """

    traded_at: datetime
    id: int | None
    units: int
    value: int

    @property
    def quantity(self) -> int:
        """How many units, bought or sold."""
        return abs(self.units)

    def part(self, quantity: int) -> "Lot":
        """So many of its units, bought or sold as all are."""
        if quantity == self.quantity:
            return self
        value = self.value * quantity // self.quantity
        return Lot(*self[:2], quantity if self.units > 0 else -quantity, value)

    def without(self, part: "Lot") -> "Lot":
        """Its other units: both together are worth what all were."""
        return Lot(*self[:2], self.units - part.units, self.value - part.value)


_lot = partial(tuple.__new__, Lot)
"""A Lot of its values, likewise."""
_UNITS: Final = 2
"""Where they stand in a Lot."""


class Traded(NamedTuple):
    """A trade at a place."""

    at: datetime
    broker: str
    symbol: str
    exchange: str
    product: Product
    lot: Lot


class Converted(NamedTuple):
    """So many open units, the oldest first, went to another product and keep their entries.

    Units that are not open are not moved. Where units of the other side are open there, they meet
    now: the one that was entered last counts as the exit.
    """

    at: datetime
    broker: str
    symbol: str
    exchange: str
    from_product: Product
    to_product: Product
    quantity: int


class Scaled(NamedTuple):
    """A split, a bonus, a transfer: so many units (less than 0: sold) are open from now on.

    The lots of that side keep their entries and share the units in proportion. In a split so many
    units come of each `of` units, and the lots cost what they did; where `of` is 0, they cost in
    all what these units do at this price. Where none is open, one lot is entered now at this price,
    without a trade; those of the other side are gone, and nothing is realised.
    """

    at: datetime
    broker: str
    symbol: str
    exchange: str
    product: Product
    units: int
    price: float
    of: int


class Reported(NamedTuple):
    """So many units are open (less than 0: sold), as the broker says, whatever was known before.

    What was not known is a lot that is entered now, at this price and without a trade. What is
    known beyond that was closed elsewhere: the oldest units go, and nothing is realised.
    """

    at: datetime
    broker: str
    symbol: str
    exchange: str
    product: Product
    units: int
    price: float


Event = Traded | Converted | Scaled | Reported
"""What changes the open lots."""


def match_lots(place: Place, lots: deque[Lot], traded: Iterable[Lot], realized: list[Row]) -> None:
    """Enter what was traded at a place, in the order of time, and tell what it closes of the lots.

    Trades of one moment come in the order of their ids. Told are the values of RealizedLots, and
    the values of Lots do as what was traded: plain tuples the garbage collector does not look at
    again and again.
    """
    for lot in traded:
        if not lots or (lots[0][_UNITS] > 0) is (lot[_UNITS] > 0):
            lots.append(lot)
        elif left := _close(place, lots, lot, lot[0], realized):
            lots.append(left)


def _close(
    place: Place, lots: deque[Lot], lot: Lot, now: datetime, realized: list[Row]
) -> Lot | None:
    """Close what is open on the other side, the oldest first; what is left of this lot.

    Every trade comes through here: no lot is made of what is closed at once.
    """
    today = day_number(now)
    closed_at, closed_id, units, value = lot
    while units and lots:
        entry_at, entry_id, held, entry_value = lots[0]
        if (held > 0) is (units > 0):
            break
        exit_id, exit_value, more = closed_id, value, held + units
        if not more or (more > 0) is (units > 0):  # all of the oldest lot
            lots.popleft()
            closed, units = held, more
            if more:
                exit_value = value * held // (held - more)
                value -= exit_value
        else:
            closed, units, whole = -units, 0, entry_value
            entry_value = whole * closed // held
            lots[0] = _lot((entry_at, entry_id, more, whole - entry_value))
        if entry_at > closed_at:  # only what was converted can be the older one
            exit_id, entry_id, entry_at = entry_id, closed_id, closed_at
            exit_value, entry_value, closed = entry_value, exit_value, -closed
        if closed > 0:
            side, pnl = "LONG", exit_value - entry_value
        else:
            side, pnl, closed = "SHORT", entry_value - exit_value, -closed
        unit = 1_000_000 * closed
        realized.append((
            *place, closed, side, entry_id, entry_at, entry_value / unit, exit_id, now,
            exit_value / unit, pnl / 1_000_000, today - day_number(entry_at),
        ))  # fmt: skip
    return _lot((closed_at, closed_id, units, value)) if units else None


class OpenLots:
    """The open lots, the oldest first, of each product of each instrument at each broker."""

    def __init__(self) -> None:
        self._lots: defaultdict[Place, deque[Lot]] = defaultdict(deque)

    def realize(self, events: Iterable[Event]) -> list[RealizedLot]:
        """What these events close, in the order of closing; they come in the order of time."""
        realized: list[Row] = []
        for event in events:
            if isinstance(event, Traded):
                match_lots(event[1:5], self._lots[event[1:5]], [event.lot], realized)
            elif isinstance(event, Converted):
                self._convert(event, realized)
            elif isinstance(event, Scaled):
                self._scale(event)
            else:
                self._correct(event)
        return list(map(make_realized_lot, realized))

    def _convert(self, event: Converted, realized: list[Row]) -> None:
        at, broker, symbol, exchange, source, target, quantity = event
        place = (broker, symbol, exchange, target)
        for moved in take_first(self._lots[broker, symbol, exchange, source], quantity):
            if left := _close(place, self._lots[place], moved, at, realized):
                by_entry = sorted([*self._lots[place], left], key=lambda each: each.traded_at)
                self._lots[place] = deque(by_entry)

    def _scale(self, event: Scaled) -> None:
        """A lot's share ends where it does among all; one without a unit passes on its value."""
        lots = self._of_side(event)
        if not lots:
            _enter(lots, event, abs(event.units))
            return
        total, paid = sum(lot.quantity for lot in lots), sum(lot.value for lot in lots)
        wanted, cost = abs(event.units), abs(event.units) * to_millionths(event.price)
        if event.of:
            wanted, cost = total * wanted // abs(event.of), paid
        units = value = shared = spent = 0
        for lot in take_first(lots, total):
            units, value = units + lot.quantity, value + lot.value
            if share := wanted * units // total - shared:
                worth = cost * value // paid if paid else cost * units // total
                entered = share if lot.units > 0 else -share
                lots.append(lot._replace(units=entered, value=worth - spent))
                shared, spent = shared + share, worth

    def _correct(self, event: Reported) -> None:
        lots = self._of_side(event)
        unknown = abs(event.units) - sum(lot.quantity for lot in lots)
        take_first(lots, -unknown)
        _enter(lots, event, unknown)

    def _of_side(self, event: Scaled | Reported) -> deque[Lot]:
        """The lots at a place; those of the other side than what is open there now are gone."""
        lots = self._lots[event[1:5]]
        if lots and (lots[0].units > 0) is not (event.units > 0):
            lots.clear()
        return lots


def _enter(lots: deque[Lot], event: Scaled | Reported, quantity: int) -> None:
    """One lot more, without a trade; none of no units."""
    if quantity > 0:
        units = quantity if event.units > 0 else -quantity
        lots.append(Lot(event.at, None, units, quantity * to_millionths(event.price)))


def take_first(lots: deque[Lot], units: int) -> list[Lot]:
    """The first units, which are no longer among the lots."""
    taken = []
    while units > 0 and lots:
        part = lots[0].part(min(units, lots[0].quantity))
        if part is lots[0]:
            lots.popleft()
        else:
            lots[0] = lots[0].without(part)
        taken.append(part)
        units -= part.quantity
    return taken
