"""What the plain model of a book has, and what all of its parts share.

A block is a transaction, or a savepoint inside one. The ids of its records are 0.
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
    Holding,
    InvalidInput,
    Order,
    Position,
    Trade,
    TransactionFailed,
)
from tests.models.book_arithmetic import millionths, rupees
from tests.models.position_model import Filled, Positions
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

    def __init__(self) -> None:
        self.booked = self.booked_value = 0
        self.reports: list[tuple[datetime, int, int]] = []
        self.reported_at: datetime | None = None

    @property
    def growth(self) -> list[tuple[datetime, int, int]]:
        """When each quantity was told first, and the value that was told of it last."""
        found: list[tuple[datetime, int, int]] = []
        for at, quantity, _ in sorted(self.reports, key=lambda each: each[:2]):
            if quantity > (found[-1][1] if found else 0):
                same = [each for each in self.reports if each[1] == quantity]
                newest = max(each[0] for each in same)
                value = [each[2] for each in same if each[0] == newest][-1]
                found.append((at, quantity, value))
        return found

    @property
    def told(self) -> int:
        return self.growth[-1][1] if self.reports else 0

    @property
    def sums(self) -> tuple[int, int]:
        if self.booked >= self.told:
            return self.booked, self.booked_value
        return self.growth[-1][1:]

    @property
    def untraded(self) -> list[tuple[datetime, int, int]]:
        parts, quantity, value = [], self.booked, self.booked_value
        for at, told, told_value in self.growth:
            if told > quantity:
                parts.append((at, told - quantity, told_value - value))
                quantity, value = told, told_value
        return parts


class BookState:
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

    # What the parts share

    def _refuse_beyond(self, *sums: int) -> None:
        if max(map(abs, sums)) >= 2 * LIMIT:
            self.failed = True  # the trade is written by then
            raise InvalidInput

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
            if self._book_of(order) is book:
                for at, *rest in fills.untraded:
                    found.append(Filled(at, order.product, order.action, *rest))
        return found

    def _row_of(self, order: Order) -> PositionRow:
        return self._book_of(order).rows.setdefault(order.product, PositionRow())

    def _settle(self, what: Order | Positions) -> None:
        """A P&L that was told of other sums is gone; sums that are too large are refused."""
        book = self._book_of(what)
        told = book.tell(self._fills_of(book)).days
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


def kept(average: float) -> float:
    """An average to the millionth of a rupee, as far as a double has it."""
    return rupees(round(average * 1_000_000))


def check(quantity: int, *prices: float | None) -> None:
    if quantity < 1 or not all(price is None or isfinite(price) for price in prices):
        raise InvalidInput


def value_of(quantity: int, price: float) -> int:
    """What a trade is worth in millionths of a rupee."""
    check(quantity, price)
    if millionths(price) == 0 or abs(quantity * millionths(price)) >= LIMIT:
        raise InvalidInput
    return quantity * millionths(price)


def stored(price: float | None) -> float | None:
    return None if price is None else rupees(millionths(price))


def refuse_another(known: Trade, quantity: int, price: float) -> None:
    if (known.quantity, millionths(known.price)) != (quantity, millionths(price)):
        raise Conflict("")


def place_of(key: Sequence[str], row: Row) -> Any:
    return tuple(row[name] for name in key)


def report_by_place(key: Sequence[str], rows: Sequence[Row]) -> dict[Any, dict[str, Any]]:
    """What is given of each place."""
    report: dict[Any, dict[str, Any]] = {}
    for row in rows:
        given = {name: row[name] for name in row if name not in key and row[name] is not None}
        check(1, *(given[name] for name in given if isinstance(given[name], float)))
        report[place_of(key, row)] = given
    return report


def as_stored(name: str, value: Any) -> Any:
    return stored(value) if isinstance(value, float) else value
