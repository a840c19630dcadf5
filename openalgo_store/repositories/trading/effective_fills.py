"""What was filled of an order: its booked trades, or what the broker told where that is more."""

from datetime import datetime
from typing import NamedTuple

from ...records.trading import OrderStatus
from ...tables.trading import OPEN_STATUSES


class OrderFills(NamedTuple):
    """Two sums of one order, values in millionths of a rupee: of its trades, and as it was told.

    reported_fill_at is the first report of the reported quantity, reported_at the newest of all.
    """

    booked_quantity: int = 0
    booked_value: int = 0
    reported_quantity: int = 0
    reported_value: int = 0
    reported_fill_at: datetime | None = None
    reported_at: datetime | None = None

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
    def untraded(self) -> tuple[int, int]:
        """Quantity and value that were told and not traded yet: they count when they were told."""
        if self.booked_quantity >= self.reported_quantity:
            return 0, 0
        return (
            self.reported_quantity - self.booked_quantity,
            self.reported_value - self.booked_value,
        )

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
        if quantity > self.reported_quantity:
            return told._replace(
                reported_quantity=quantity, reported_value=value, reported_fill_at=reported_at
            )
        if quantity == self.reported_quantity and self.reported_fill_at is not None:
            first = min(self.reported_fill_at, reported_at)
            return told._replace(
                reported_fill_at=first, reported_value=value if newest else self.reported_value
            )
        return told


def status_of(told: OrderStatus, filled: int, quantity: int) -> OrderStatus:
    """The status of an order that is told to be so, by what of it is filled."""
    if told not in OPEN_STATUSES:
        return told
    if filled >= quantity:
        return "COMPLETE"
    return "OPEN" if filled else told
