"""What days, trades and changes must be: checked before a session is opened."""

from datetime import date, datetime
from typing import Any

from . import clock
from .errors import InvalidInput
from .types import MOST_MILLIONTHS, check_moment, check_quantity, check_rupees, to_millionths


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
    try:
        return require_day(clock.trading_day(check_moment(moment)))
    except OverflowError as error:
        raise InvalidInput(str(error)) from None


def traded_value(quantity: int, price: float) -> int:
    """What a trade is worth in millionths of a rupee; InvalidInput beyond what can be added up."""
    value = check_quantity(quantity) * to_millionths(check_rupees(price))
    if quantity >= MOST_MILLIONTHS or abs(value) >= MOST_MILLIONTHS:
        raise InvalidInput("quantity × price is more than a book can add up: check both")
    return value


def not_blank(name: str, text: str) -> str:
    """The text, if it names something."""
    if isinstance(text, str) and not text.strip():
        raise InvalidInput(f"the {name} is empty: give one")
    return text


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
