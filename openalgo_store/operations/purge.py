"""Which databases keep what can be old, and how old is old."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta

from ..errors import InvalidInput
from ..repositories.messaging.telegram import purge_telegram_messages
from ..repositories.telemetry.latency import purge_latency
from ..repositories.telemetry.logs import purge_logs
from ..values import clock

PURGES: dict[str, Callable[..., int]] = {
    "latency": purge_latency,
    "logs": purge_logs,
    "telegram": purge_telegram_messages,
}
"""The databases that keep what can be old."""

_AGE = re.compile(r"([1-9][0-9]{0,4})([wdhm])")
_UNITS = {"w": "weeks", "d": "days", "h": "hours", "m": "minutes"}


def moment_ago(age: str, option: str = "--older-than") -> datetime:
    """The moment that was 30d ago, or 2w, 12h, 90m; InvalidInput for another age, 0d too.

    `option` is what the age was given to.
    """
    found = _AGE.fullmatch(age)
    if found is None:
        raise InvalidInput(
            f"{option} {age!r}: give a number from 1 to 99999 and w, d, h or m (minutes): 30d"
        )
    return clock.now() - timedelta(**{_UNITS[found[2]]: int(found[1])})
