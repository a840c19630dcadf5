"""What orders have filled goes into positions: by addition, or by telling their days again.

Most fills are of the position's own day and newer than its last adjustment: one statement adds
them.
"""

from collections import defaultdict
from datetime import date, datetime

from ...engine.transaction import Transaction
from ...records.trading import Order, Position
from ...tables.types import UTCDateTime, Whole
from ...values.days import trading_day
from ...values.money import MOST_MILLIONTHS
from .books import Book, BookSql
from .effective_fills import OrderFills
from .position_fold import Traded
from .position_ledger import tell_again

_positions = BookSql("trading/positions.sql", "positions")
_get_position = _positions.query("get_position", Position)
_add_to_position = _positions.query("add_to_position", Position, most=Whole(), since=UTCDateTime())


def position_of(order: Order, book: Book, tx: Transaction) -> Position | None:
    """The position of an order as it is now, or None."""
    return tx.one(_get_position[book], **_place(order), product=order.product)


def change_position(
    order: Order,
    before: OrderFills,
    after: OrderFills,
    trade: tuple[Traded, date] | None,
    book: Book,
    tx: Transaction,
) -> Position | None:
    """The position after an order's fills have become others, by a trade of a day or by a report.

    The order has them by now.
    """
    if trade is not None and not before.reported_quantity:  # as most are
        traded, day = trade
        gained, days = [traded], [day]
        quantity, value, since = traded.quantity, traded.value, traded.traded_at
    else:
        gained = _gains(order, trade and trade[0], before, after)
        if not gained:
            return position_of(order, book, tx)
        days = sorted({trading_day(each.traded_at) for each in gained})
        quantity = sum(each.quantity for each in gained)
        value = sum(each.value for each in gained)
        since = min(each.traded_at for each in gained)
    if len(days) == 1:
        bought = order.action == "BUY"
        added = tx.one(
            _add_to_position[book],
            **_place(order),
            product=order.product,
            quantity=quantity if bought else -quantity,
            buy_quantity=quantity if bought else 0,
            buy_value=value if bought else 0,
            sell_quantity=0 if bought else quantity,
            sell_value=0 if bought else value,
            trading_day=days[0],
            since=since,
            most=MOST_MILLIONTHS,
        )
        if added is not None:
            return added
    return tell_again(_place(order), days[0], gained, book, tx).positions[order.product]


def _gains(
    order: Order, trade: Traded | None, before: OrderFills, after: OrderFills
) -> list[Traded]:
    """A trade when it was; what was told beyond the trades when it was told, and less of it now."""
    sums: dict[datetime, list[int]] = defaultdict(lambda: [0, 0])
    gains = [] if trade is None else [(trade.traded_at, trade.quantity, trade.value)]
    for fills, sign in ((before, -1), (after, 1)):
        gains += [(moment, sign * units, sign * worth) for moment, units, worth in fills.untraded]
    for moment, quantity, value in gains:
        sums[moment][0] += quantity
        sums[moment][1] += value
    return [
        Traded(order.product, moment, order.action, quantity, value)
        for moment, (quantity, value) in sums.items()
        if quantity or value
    ]


def _place(order: Order) -> dict[str, object]:
    """What the positions of an instrument have in common."""
    return {
        "user_id": order.user_id,
        "broker": order.broker,
        "symbol": order.symbol,
        "exchange": order.exchange,
    }
