"""retrying: a unit of work that loses against another transaction is run again, whole."""

from collections.abc import Callable
from random import uniform
from typing import TypeVar

from ..errors import InvalidInput, Unavailable
from ..threads import sleep
from ..values.arguments import one_or_more
from .session import refuse_inside_writer

T = TypeVar("T")

_PAUSE, _LONGEST_PAUSE = 0.01, 1.0
"""Seconds: the most before the second attempt, doubled before each later one; and the most ever."""


def retrying(function: Callable[[], T], attempts: int = 3) -> T:
    """What the function returns; called again if its transaction lost against another one.

    It must be a whole unit: open its sessions itself, and do nothing outside of them that may not
    be done twice. Up to `attempts` times in all, with a short random pause before each, it is run
    again after an Unavailable that is `retryable`: a deadlock, a serialisation failure, on SQLite
    a snapshot that is too old to be written. Every other error passes through, and so does one
    whose `outcome_unknown`. Inside a write session of the caller, which a second attempt could not
    save, it is refused with SessionMisuse. InvalidInput for what cannot be called, and for less
    than one attempt.
    """
    if not callable(function):
        raise InvalidInput(f"function: give what can be called, not {type(function).__name__}")
    refuse_inside_writer()
    for attempt in range(1, one_or_more("attempts", attempts)):
        try:
            return function()
        except Unavailable as error:
            if not error.retryable or error.outcome_unknown:
                raise
        sleep(uniform(0, min(_PAUSE * 2**attempt, _LONGEST_PAUSE)))
    return function()
