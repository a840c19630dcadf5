"""Money: rupees to the millionth, and sums of it as whole numbers, alike in any order."""

from ..errors import InvalidInput
from .numbers import check_finite, check_quantity

MOST_MILLIONTHS = 2**61
"""What an amount stays below, in millionths of a rupee, so that sums of it keep to 64 bits."""


def check_rupees(value: float) -> float:
    """The amount to the millionth of a rupee, if it is a number of which many can be added up."""
    amount = check_finite(value)
    if abs(amount) >= MOST_MILLIONTHS / 1_000_000:
        raise InvalidInput("an amount of more than two million million rupees: check it")
    return round(amount, 6)


def to_millionths(rupees: float) -> int:
    """An amount as a whole number: such sums come out alike in any order."""
    return round(check_finite(rupees) * 1_000_000)


def traded_value(quantity: int, price: float) -> int:
    """What a trade is worth in millionths of a rupee; InvalidInput beyond what can be added up."""
    units = check_quantity(quantity)
    value = units * to_millionths(check_rupees(price))
    if units >= MOST_MILLIONTHS or abs(value) >= MOST_MILLIONTHS:
        raise InvalidInput("quantity × price is more than a book can add up: check both")
    return value
