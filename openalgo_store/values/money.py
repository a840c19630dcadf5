"""Money: rupees to the millionth, and sums of it as whole numbers, alike in any order."""

from ..errors import InvalidInput
from .numbers import check_finite, check_quantity

MOST_MILLIONTHS = 2**61
"""What an amount stays below, in millionths of a rupee, so that sums of it keep to 64 bits."""
_MOST_RUPEES = MOST_MILLIONTHS / 1_000_000


def check_rupees(value: float) -> float:
    """The amount to the millionth of a rupee, if it is a number of which many can be added up."""
    amount = value if type(value) is float else check_finite(value)
    if not -_MOST_RUPEES < amount < _MOST_RUPEES:
        check_finite(amount)
        raise InvalidInput("an amount of more than two million million rupees: check it")
    return round(amount, 6)


def check_price(value: float) -> float:
    """The price of a trade: an amount that is not 0, which brokers write until they know it."""
    price = check_rupees(value)
    if price == 0:
        raise InvalidInput("a trade at the price 0: book it when its price is known")
    return price


def to_millionths(rupees: float) -> int:
    """An amount as a whole number: such sums come out alike in any order."""
    return round(check_finite(rupees) * 1_000_000)


def traded_value(quantity: int, price: float) -> int:
    """What a trade is worth in millionths of a rupee; InvalidInput beyond what can be added up."""
    units = check_quantity(quantity)
    value = units * to_millionths(check_price(price))
    if units >= MOST_MILLIONTHS or abs(value) >= MOST_MILLIONTHS:
        raise InvalidInput("quantity × price is more than a book can add up: check both")
    return value


def to_rupees(millionths: int) -> float:
    """A whole number of millionths as an amount."""
    return float(millionths) / 1_000_000


def price_of(value: int, quantity: int) -> float:
    """The average price in rupees of so many units that are worth this, in millionths."""
    return float(value) / (float(quantity) * 1_000_000)


def rounded_share(value: int, part: int, whole: int) -> int:
    """What `part` of `whole` units is worth where all are worth `value`; a half is rounded up."""
    return (2 * value * part + whole) // (2 * whole)
