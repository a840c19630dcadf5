"""Numbers: finite ones, and whole ones that count units."""

import math

from ..errors import InvalidInput


def check_finite(value: float) -> float:
    """The number as a float, if it is one and neither NaN nor infinite."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise InvalidInput(f"a number is needed, not {type(value).__name__}")
    try:
        number = float(value)
    except OverflowError:
        raise InvalidInput("a number of more digits than a double holds: check it") from None
    if not math.isfinite(number):
        raise InvalidInput("NaN and infinity are not numbers the store keeps")
    return number


def check_quantity(value: int) -> int:
    """The number of units, if it is whole and 1 or more."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidInput(f"a whole number is needed, not {type(value).__name__}")
    if value < 1:
        raise InvalidInput("a quantity must be 1 or more: the action tells bought from sold")
    return value
