"""Time: UTC everywhere, except the trading day and the session boundary, which are Indian."""

from datetime import UTC, date, datetime, time, timedelta

import pytz

_AHEAD = timedelta(hours=5, minutes=30)
"""How far Indian clocks are ahead of UTC, in every year in which there are markets."""
IST = pytz.FixedOffset(_AHEAD // timedelta(minutes=1))
"""By its name, pytz would open each of its 600 files first."""

SESSION_END = time(3, 0)


def now() -> datetime:
    """The current moment, aware, in UTC."""
    return datetime.now(UTC)


def require_aware(moment: datetime) -> datetime:
    """The moment in UTC; ValueError for a naive one, whose zone would be a guess."""
    if moment.utcoffset() is None:
        raise ValueError(f"{moment!r} has no time zone: pass an aware datetime")
    return moment.astimezone(UTC)


def trading_day(moment: datetime) -> date:
    """The Indian calendar day of a moment."""
    return (require_aware(moment) + _AHEAD).date()


def day_number(moment: datetime) -> int:
    """The number of the Indian calendar day of a moment in UTC: a day later, one more."""
    return (moment + _AHEAD).toordinal()


def next_session_end(moment: datetime, at: time = SESSION_END) -> datetime:
    """The first session boundary (wall clock in IST, 03:00 by default) after a moment, in UTC."""
    local = require_aware(moment).astimezone(IST)
    boundary = IST.localize(datetime.combine(local.date(), at))
    if boundary <= local:
        boundary = IST.localize(datetime.combine(local.date() + timedelta(days=1), at))
    return boundary.astimezone(UTC)


def day_bounds(day: date) -> tuple[datetime, datetime]:
    """When an Indian calendar day begins and the next one does, in UTC."""
    midnight = datetime.combine(day, time())
    begin, end = (IST.localize(each) for each in (midnight, midnight + timedelta(days=1)))
    return begin.astimezone(UTC), end.astimezone(UTC)
