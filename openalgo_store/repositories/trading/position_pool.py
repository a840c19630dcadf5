"""A position's sums: pooled by the trading day, carried into the next one, adjusted in between.

Whole numbers throughout, values in millionths of a rupee, so that no profit is lost in rounding:
what is carried or moved keeps its rounded value, and the rest is realised.
"""

from collections.abc import Iterable
from typing import NamedTuple

from ...engine.transaction import Transaction
from ...errors import InvalidInput
from ...records.trading import Action
from ...values.money import MOST_MILLIONTHS, price_of, rounded_share, to_rupees


class Pool(NamedTuple):
    """The sums of a trading day, as the tables of positions and of their closed days hold them.

    What was carried into the day is the first entry of its side. realized_value was realised
    before these sums began, realized_today is the part of it that an adjustment of this day closed.
    """

    overnight_quantity: int = 0
    buy_quantity: int = 0
    buy_value: int = 0
    sell_quantity: int = 0
    sell_value: int = 0
    realized_value: int = 0
    realized_today: int = 0

    @property
    def quantity(self) -> int:
        """What is open, less than 0 for a short position."""
        return self.buy_quantity - self.sell_quantity

    @property
    def average_price(self) -> float:
        """That of the open side in rupees, 0 when flat."""
        if self.buy_quantity > self.sell_quantity:
            return price_of(self.buy_value, self.buy_quantity)
        if self.sell_quantity > self.buy_quantity:
            return price_of(self.sell_value, self.sell_quantity)
        return 0.0

    @property
    def realized(self) -> int:
        """What the trading day has realised."""
        return self.realized_today + self._matched()

    def pnl(self, last_price: float | None) -> float:
        """The profit or loss of these sums in rupees, with what is open at its last price."""
        if last_price is None and not (self.buy_quantity and self.sell_quantity):
            return 0.0
        price = self.average_price if last_price is None else last_price
        return to_rupees(self.sell_value - self.buy_value) + self.quantity * price

    def value_of(self, units: int) -> int:
        """What so many units are worth at the average of their side, the short one below 0."""
        if units > 0 and self.buy_quantity:
            return rounded_share(self.buy_value, units, self.buy_quantity)
        if units < 0 and self.sell_quantity:
            return rounded_share(self.sell_value, -units, self.sell_quantity)
        return 0

    def traded(self, action: Action, quantity: int, value: int) -> "Pool":
        """With a fill more (or less, by numbers below 0)."""
        if action == "BUY":
            return self._replace(
                buy_quantity=self.buy_quantity + quantity, buy_value=self.buy_value + value
            )
        return self._replace(
            sell_quantity=self.sell_quantity + quantity, sell_value=self.sell_value + value
        )

    def carried(self) -> "Pool":
        """As the next trading day begins: only what is open, all else is realised."""
        quantity = self.quantity
        begun = self._begun(quantity, self.value_of(quantity))
        return begun._replace(overnight_quantity=quantity, realized_today=0)

    def replaced(self, quantity: int, value: int, overnight_quantity: int) -> "Pool":
        """So many open units of this value from here on; what was matched before is realised."""
        return self._begun(quantity, value)._replace(overnight_quantity=overnight_quantity)

    def moved(self, units: int, value: int) -> "Pool":
        """With so many units more on the long side, or on the short one (units below 0)."""
        return self.traded("BUY" if units > 0 else "SELL", abs(units), value)

    def without(self, units: int) -> "Pool":
        """With so many units less of a side, at its average; what it lacks goes to the other."""
        action: Action = "BUY" if units > 0 else "SELL"
        other: Action = "SELL" if units > 0 else "BUY"
        held = self.buy_quantity if units > 0 else self.sell_quantity
        taken = min(abs(units), held)
        taken_value = self.value_of(taken if units > 0 else -taken)
        left = self.traded(action, -taken, -taken_value)
        return left.traded(other, abs(units) - taken, self.value_of(units) - taken_value)

    def _begun(self, quantity: int, value: int) -> "Pool":
        """New sums that begin with what is open."""
        matched = self._matched()
        begun = Pool(
            self.overnight_quantity,
            realized_value=self.realized_value + matched,
            realized_today=self.realized_today + matched,
        )
        return begun.moved(quantity, value) if quantity else begun

    def _matched(self) -> int:
        """The profit of what was both bought and sold, or carried and closed, in these sums."""
        quantity = self.quantity
        value = self.value_of(quantity)
        return self.sell_value - self.buy_value + (value if quantity > 0 else -value)


def own_sums(pool: Pool, opening: Pool) -> tuple[int, int, int, int]:
    """What was traded on a day that began so and has had no adjustment."""
    bought, bought_value, sold, sold_value = (
        now - then for now, then in zip(pool[1:5], opening[1:5], strict=True)
    )
    return bought, bought_value, sold, sold_value


def refuse_beyond(pools: Iterable[Pool], symbol: str, tx: Transaction) -> None:
    """InvalidInput for sums near 64 bits: what made them is written by now and must not be kept."""
    if max((abs(each) for pool in pools for each in pool), default=0) >= 2 * MOST_MILLIONTHS:
        error = InvalidInput(
            f"the position in {symbol} has grown beyond what can be added up: check the "
            "quantities and prices"
        )
        tx.fail(error)
        raise error
