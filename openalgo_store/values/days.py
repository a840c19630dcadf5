"""Moments and Indian trading days: checked before a session is opened."""

from datetime import date, datetime

from ..errors import InvalidInput
from . import clock


def day_bounds(first: date | None, last: date | None) -> tuple[datetime | None, datetime | None]:
    """The UTC moments from which and before which the Indian days `first` to `last` lie."""
    if first is not None and last is not None and require_day(first) > require_day(last):
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


def check_moment(value: datetime) -> datetime:
    """The moment in UTC, if it is an aware datetime."""
    if not isinstance(value, datetime):
        raise InvalidInput(f"a datetime is needed, not {type(value).__name__}")
    try:
        return clock.require_aware(value)
    except (ValueError, OverflowError) as error:
        raise InvalidInput(str(error)) from None


def range_of_days(first: date, last: date) -> tuple[datetime, datetime]:
    """When the first of these Indian days begins and when the last one is over, in UTC."""
    day_bounds(require_day(first), require_day(last))
    return one_day(first)[0], one_day(last)[1]
