"""Last prices of positions, by the moment at which each was told.

A day has the price that was known as it ended. Whatever tells a price opens its day, so a day that
is put between others later has the price of the one before it.
"""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import NamedTuple


class Priced(NamedTuple):
    """A last price, and when it was told, or made unknown: None where nobody told it, or when."""

    last_price: float | None
    priced_at: datetime | None

    def or_newer(self, told: "Priced") -> "Priced":
        """This one or what is told now, which counts where both are of one moment."""
        if self.priced_at is None or (told.priced_at and self.priced_at <= told.priced_at):
            return told
        return self


def prices_by_day(
    stored: Mapping[date, Priced], days: Iterable[date], told: Priced | None, since: date
) -> dict[date, Priced]:
    """What is known as each day ends, with a price that is told now, on the day `since`."""
    known, found = Priced(None, None), {}
    for day in sorted({*stored, *days}):
        known = stored.get(day, known)
        if told is not None and day >= since:
            known = known.or_newer(told)
        found[day] = known
    return found
