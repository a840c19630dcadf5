"""What pages, filters and days must be: checked before a session is opened."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

from . import clock
from .errors import InvalidInput
from .types import MOST_MILLIONTHS, check_quantity, check_rupees, to_millionths

MOST_ROWS = 1_000
"""The most rows of one page."""

_CURSOR = re.compile(r"(-?[0-9]{1,18})/([0-9]{1,19})")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def row_limit(name: str, count: int) -> int:
    """How many rows to read at once; InvalidInput outside 1 to 1,000."""
    if not _is_whole(count) or not 1 <= count <= MOST_ROWS:
        raise InvalidInput(f"{name} must be a whole number from 1 to {MOST_ROWS}: read more pages")
    return count


def page_offset(page: int, per_page: int) -> int:
    """How many rows stand before a page; the first is 1."""
    if not _is_whole(page) or page < 1:
        raise InvalidInput("page must be a whole number: the first is 1")
    return (page - 1) * row_limit("per_page", per_page)


def day_bounds(first: date | None, last: date | None) -> tuple[datetime | None, datetime | None]:
    """The UTC moments from which and before which the Indian days `first` to `last` lie."""
    if first and last and require_day(first) > require_day(last):
        raise InvalidInput("start_date is after end_date: swap them")
    begin = None if first is None else clock.day_bounds(require_day(first))[0]
    return begin, None if last is None else clock.day_bounds(require_day(last))[1]


def require_day(day: date) -> date:
    """The day, if it is a date and not a moment; InvalidInput for any other."""
    if isinstance(day, datetime) or not isinstance(day, date):
        raise InvalidInput(f"a date is needed, an Indian trading day, not {type(day).__name__}")
    if not 1970 <= day.year <= 9000:
        raise InvalidInput("the day is not one of this market: check its year")
    return day


def one_day(day: date) -> tuple[datetime, datetime]:
    """When an Indian day begins and when it is over, in UTC."""
    return clock.day_bounds(require_day(day))


def trading_day(moment: datetime) -> date:
    """The Indian day of a moment; InvalidInput for a naive one."""
    if not isinstance(moment, datetime):
        raise InvalidInput(f"a datetime is needed, not {type(moment).__name__}")
    try:
        return clock.trading_day(moment)
    except (ValueError, OverflowError) as error:
        raise InvalidInput(str(error)) from None


def to_cursor(moment: datetime, row_id: int) -> str:
    """The place of a row in a history, as text that a caller hands back."""
    return f"{(moment - _EPOCH) // timedelta(microseconds=1)}/{row_id}"


def from_cursor(cursor: str) -> tuple[datetime, int]:
    """The place that to_cursor wrote down."""
    found = _CURSOR.fullmatch(cursor) if isinstance(cursor, str) else None
    try:
        if found:
            return _EPOCH + timedelta(microseconds=int(found[1])), int(found[2])
    except OverflowError:
        pass
    raise InvalidInput("the cursor is not one: pass the next_cursor of the page before, or None")


def traded_value(quantity: int, price: float) -> int:
    """What a trade is worth in millionths of a rupee; InvalidInput beyond what can be added up."""
    value = check_quantity(quantity) * to_millionths(check_rupees(price))
    if quantity >= MOST_MILLIONTHS or abs(value) >= MOST_MILLIONTHS:
        raise InvalidInput("quantity × price is more than a book can add up: check both")
    return value


def true_or_false(name: str, value: bool) -> bool:
    """The flag, if it is one."""
    if not isinstance(value, bool):
        raise InvalidInput(f"{name} must be True or False")
    return value


def only(allowed: set[str], changes: dict[str, Any], function: str) -> dict[str, Any]:
    """The changes, if there are any and each is of a column that may change."""
    unknown = sorted(changes.keys() - allowed)
    if unknown or not changes:
        raise InvalidInput(
            f"{function} cannot change {', '.join(unknown) or 'nothing'}: "
            f"it takes {', '.join(sorted(allowed))}"
        )
    return changes


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
