"""What changed open lots and was no trade: conversions, splits, transfers, broker's corrections."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime
from heapq import merge
from operator import itemgetter
from typing import Any

from ...engine.transaction import Transaction
from ...records.trading import PositionAdjustment, RealizedLot
from ...tables.trading import PRODUCTS
from ...tables.types import UTCDateTime
from .books import Book, BookSql
from .open_lots import Converted, Event, Lot, OpenLots, Reported, Scaled, Traded
from .traded_lots import read_lots

Instrument = tuple[str, str, str]
"""Broker, symbol, exchange: between the products of these units are converted."""

_PAISA = 0.01
"""How far a told average may be from the true one: brokers round it, or cut it."""
_EVER = datetime.min.replace(tzinfo=UTC)
_get_adjustments = BookSql("trading/position_adjustments.sql", "position_adjustments").query(
    "get_adjustments_until", PositionAdjustment, end=UTCDateTime()
)


def read_adjusted(
    asked: Mapping[str, Any], user_id: int, end: datetime, book: Book, tx: Transaction
) -> dict[Instrument, list[Event]]:
    """What was no trade, in the order of time, of each instrument that has any before a moment."""
    found: dict[Instrument, list[Event]] = defaultdict(list)
    for each in tx.all(_get_adjustments[book], user_id=user_id, end=end):
        if all(getattr(each, name) == value for name, value in asked.items()):
            found[each.broker, each.symbol, each.exchange] += _events_of(each)
    return {instrument: events for instrument, events in found.items() if events}


def realize_adjusted(
    instrument: Instrument,
    events: list[Event],
    user_id: int,
    begin: datetime,
    end: datetime,
    book: Book,
    tx: Transaction,
) -> list[RealizedLot]:
    """What was closed from `begin` until `end` of an instrument, told from its first trade on.

    A trade counts before an adjustment of its own moment, as in its position.
    """
    places = [(*instrument, product) for product in PRODUCTS]
    found = read_lots(places, user_id, _EVER, end, book, tx)
    lots = [(lot, place) for place, traded in found.items() for lot in traded]
    lots.sort(key=itemgetter(0))  # its products are told together
    traded = (Traded(lot[0], *place, Lot._make(lot)) for lot, place in lots)
    realized = OpenLots().realize(merge(traded, events, key=itemgetter(0)))
    return [lot for lot in realized if lot.exit_at >= begin]


def _events_of(adjustment: PositionAdjustment) -> list[Event]:
    """What an adjustment does to lots: nothing where a report corrected the average alone.

    Brokers report a split as another quantity of the same cost.
    """
    quantity, before = adjustment.quantity, adjustment.quantity_before
    place = (adjustment.adjusted_at, adjustment.broker, adjustment.symbol, adjustment.exchange)
    if adjustment.to_product is not None:
        return [Converted(*place, adjustment.product, adjustment.to_product, abs(quantity))]
    average_before = adjustment.average_before or 0.0
    price = average_before if adjustment.average_price is None else adjustment.average_price
    kind = adjustment.kind
    if kind == "REPORT" and quantity == before:
        return []
    apart = abs(quantity * price - before * average_before)
    is_split = quantity * before > 0 and apart < abs(quantity) * _PAISA + 0.000_1
    if kind == "ADJUSTMENT" or (kind == "REPORT" and is_split):
        return [Scaled(*place, adjustment.product, quantity, price, before if is_split else 0)]
    return [Reported(*place, adjustment.product, quantity, price)]
