"""What positions are after a day: its fills and its adjustments in the order of time.

A fill counts before an adjustment of its own moment: what a broker reported then had it in.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

from ...records.trading import Action, PositionAdjustment, Product
from ...values.money import rounded_share, to_millionths, to_rupees
from .position_pool import Pool

_PAISA = 10_000
"""In millionths of a rupee; brokers round averages to it, or tell more decimals."""


class Traded(NamedTuple):
    """What a position gains on one side, value in millionths of a rupee; takes away, below 0."""

    product: Product
    traded_at: datetime
    action: Action
    quantity: int
    value: int


class Folded(NamedTuple):
    """The positions of an instrument by their products, and what its adjustments had found."""

    pools: dict[Product, Pool]
    adjustments: list[PositionAdjustment]


def fold_day(
    opening: Mapping[Product, Pool],
    traded: Iterable[Traded],
    adjustments: Iterable[PositionAdjustment],
) -> Folded:
    """The day's end from its beginning; each adjustment with what it found when it came."""
    folded = Folded(dict(opening), [])
    fills = sorted(traded, key=lambda each: each.traded_at, reverse=True)
    for adjustment in sorted(adjustments, key=lambda each: (each.adjusted_at, each.id)):
        while fills and fills[-1].traded_at <= adjustment.adjusted_at:
            _add(folded.pools, fills.pop())
        folded.adjustments.append(_adjust(folded.pools, adjustment))
    for fill in fills:
        _add(folded.pools, fill)
    return folded


def agrees(quantity: int, average_price: float, told: int, told_average: float | None) -> bool:
    """Whether a position is what was told of it, to the decimals that were told of its average."""
    if quantity != told:
        return False
    if told_average is None or quantity == 0:
        return True
    average = to_millionths(told_average)
    unit = _PAISA
    while average % unit:
        unit //= 10
    return 2 * abs(to_millionths(average_price) - average) <= unit


def adjusted(pool: Pool, adjustment: PositionAdjustment) -> Pool:
    """The position after what is no conversion."""
    quantity, overnight = adjustment.quantity, adjustment.overnight_quantity
    if adjustment.kind == "REPORT" and agrees(
        pool.quantity, pool.average_price, quantity, adjustment.average_price
    ):
        return pool if overnight is None else pool._replace(overnight_quantity=overnight)
    value = _value(pool, adjustment)
    if adjustment.kind == "CARRIED_OVER":  # what it had made is told with it
        begun = Pool(0, realized_value=pool.realized_value, realized_today=pool.realized_today)
        return begun.replaced(quantity, value, overnight or 0)
    if overnight is None:
        overnight = pool.overnight_quantity
        if adjustment.kind == "ADJUSTMENT":  # none of it was traded today
            overnight += quantity - pool.quantity
    return pool.replaced(quantity, value, overnight)


def _value(pool: Pool, adjustment: PositionAdjustment) -> int:
    """What is open after an adjustment, at the average that was told, or else at its own."""
    units, price = abs(adjustment.quantity), adjustment.average_price
    if price is not None:
        return to_millionths(price) * units
    held = pool.quantity
    return rounded_share(pool.value_of(held), units, abs(held)) if held else 0


def _adjust(pools: dict[Product, Pool], adjustment: PositionAdjustment) -> PositionAdjustment:
    pool, to_product = pools.get(adjustment.product, Pool()), adjustment.to_product
    if to_product is not None:
        units = _units_of(adjustment.quantity, pool)
        adjustment = adjustment._replace(quantity=units)
        pools[adjustment.product] = pool.without(units)
        to = pools.get(to_product, Pool())
        pools[to_product] = to.moved(units, pool.value_of(units))
    else:
        pools[adjustment.product] = adjusted(pool, adjustment)
    average = to_rupees(to_millionths(pool.average_price))
    return adjustment._replace(quantity_before=pool.quantity, average_before=average)


def _units_of(quantity: int, pool: Pool) -> int:
    """What a conversion moves: of the side that is open when it comes, less than 0 for a short."""
    if pool.quantity == 0:
        return quantity
    return abs(quantity) if pool.quantity > 0 else -abs(quantity)


def _add(pools: dict[Product, Pool], fill: Traded) -> None:
    pool = pools.get(fill.product, Pool())
    pools[fill.product] = pool.traded(fill.action, fill.quantity, fill.value)
