"""Numbers: finite ones and whole ones. A Decimal and what numpy has are the numbers they are."""

import math
from decimal import Decimal
from numbers import Integral, Real
from operator import index
from typing import Any

from ..errors import InvalidInput


def check_finite(value: float) -> float:
    """The number as a float, if it is one and neither NaN nor infinite."""
    number = value if type(value) is float else _to_float(value)
    if not math.isfinite(number):
        raise InvalidInput("NaN and infinity are not numbers the store keeps")
    return number


def check_whole(value: int) -> int:
    """The number as an int, if it is whole and of 64 bits; 1.0 and True are not."""
    number = value if type(value) is int else _to_int(value)
    if not -(2**63) <= number < 2**63:
        raise InvalidInput("a whole number of more than 64 bits")
    return number


def check_quantity(value: int) -> int:
    """The number of units, if it is whole and 1 or more."""
    number = check_whole(value)
    if number < 1:
        raise InvalidInput("a quantity must be 1 or more: the action tells bought from sold")
    return number


def _to_float(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (Real, Decimal)):
        raise InvalidInput(f"a number is needed, not {type(value).__name__}")
    try:
        return float(value)
    except OverflowError:
        raise InvalidInput("a number of more digits than a double holds: check it") from None
    except ValueError:  # what Decimal calls a signalling NaN
        return math.nan


def _to_int(value: Any) -> int:
    if isinstance(value, Decimal):
        if value.is_finite() and value.adjusted() < 19 and value == int(value):
            return int(value)
        raise InvalidInput("a Decimal that is no whole number of 64 bits: round it first")
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise InvalidInput(f"a whole number is needed, not {type(value).__name__}")
    return index(value)
