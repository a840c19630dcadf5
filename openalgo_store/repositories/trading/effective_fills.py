"""What was filled of an order: its booked trades, or what the broker told where that is more."""

from datetime import datetime
from operator import itemgetter
from typing import Any, NamedTuple

from ...records.trading import OrderStatus
from ...tables.trading import OPEN_STATUSES
from ...tables.types import stored_moment

Told = tuple[datetime, int, int]
"""When a broker told of so many units that came to this value, all in all or in part."""


class OrderFills(NamedTuple):
    """Two sums of one order, values in millionths of a rupee: of its trades, and as it was told.

    reported_points are the cumulative reports, each quantity once: quantity, value, and the moments
    of its first and of its newest report. What follows from them is kept beside them:
    reported_quantity and reported_value are the largest, told first at reported_fill_at;
    reported_at is the newest report of all.
    """

    booked_quantity: int = 0
    booked_value: int = 0
    reported_quantity: int = 0
    reported_value: int = 0
    reported_fill_at: datetime | None = None
    reported_at: datetime | None = None
    reported_points: list[list[Any]] | None = None

    @property
    def quantity(self) -> int:
        """What counts as filled."""
        return max(self.booked_quantity, self.reported_quantity)

    @property
    def value(self) -> int:
        """What that came to."""
        booked = self.booked_quantity >= self.reported_quantity
        return self.booked_value if booked else self.reported_value

    @property
    def untraded(self) -> list[Told]:
        """What was told and not traded yet, each part when it was told first."""
        parts: list[Told] = []
        quantity, value = self.booked_quantity, self.booked_value
        for moment, told, told_value in _growth(self.reported_points or []):
            if told > quantity:
                parts.append((moment, told - quantity, told_value - value))
                quantity, value = told, told_value
        return parts

    def with_trade(self, quantity: int, value: int) -> "OrderFills":
        """After one more trade."""
        return self._replace(
            booked_quantity=self.booked_quantity + quantity,
            booked_value=self.booked_value + value,
        )

    def with_report(self, quantity: int, value: int, reported_at: datetime) -> "OrderFills":
        """After a cumulative report: what was filled once stays so, whichever comes last."""
        newest = self.reported_at is None or reported_at >= self.reported_at
        told = self._replace(reported_at=reported_at) if newest else self
        if not quantity:
            return told
        points = {point[0]: point for point in self.reported_points or []}
        at = stored_moment(reported_at)
        _, known_value, first, last = points.get(quantity, (quantity, value, at, at))
        points[quantity] = [
            quantity,
            value if at >= last else known_value,
            min(first, at),
            max(last, at),
        ]
        kept = list(points.values())
        moment, largest, largest_value = _growth(kept)[-1]
        return told._replace(
            reported_quantity=largest,
            reported_value=largest_value,
            reported_fill_at=moment,
            reported_points=kept,
        )


def _growth(points: list[list[Any]]) -> list[Told]:
    """The reports that told of more than those before them, in the order of time."""
    found: list[Told] = []
    for quantity, value, first, _ in sorted(points, key=itemgetter(2, 0)):
        if not found or quantity > found[-1][1]:
            found.append((datetime.fromisoformat(f"{first}+00:00"), quantity, value))
    return found


def status_of(told: OrderStatus, filled: int, quantity: int) -> OrderStatus:
    """The status of an order that is told to be so, by what of it is filled."""
    if told not in OPEN_STATUSES:
        return told
    if filled >= quantity:
        return "COMPLETE"
    return "OPEN" if filled else told
