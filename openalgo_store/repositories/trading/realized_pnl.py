"""Realised profit and loss: what a user bought and sold, matched first in, first out."""

from collections import deque
from datetime import date
from operator import itemgetter

from ...engine.transaction import Transaction
from ...records import Row
from ...records.trading import RealizedLot
from ...sessions import reading
from ...tables.types import UTCDateTime, Whole
from ...values.days import range_of_days
from ..shapes import given
from .adjusted_lots import read_adjusted, realize_adjusted
from .books import LIVE, Book, BookSql, check_book
from .open_lots import make_realized_lot, match_lots
from .traded_lots import read_lots, read_open_lots

_AT_ONCE = 64
"""Of how many places trades are read by one statement: those of a range are never all in memory."""
_EXIT_AT, _EXIT_ID = (RealizedLot._fields.index(name) for name in ("exit_at", "exit_trade_id"))
_exit_at = itemgetter(_EXIT_AT)

_get_places = BookSql("trading/realized_pnl.sql", "trades").rows(
    "get_places_traded",
    ("broker", "symbol", "exchange", "product", "units"),
    begin=UTCDateTime(),
    units=Whole(),
)


def get_realized_pnl(
    user_id: int,
    start_date: date,
    end_date: date,
    *,
    symbol: str | None = None,
    exchange: str | None = None,
    broker: str | None = None,
    book: Book = LIVE,
    tx: Transaction | None = None,
) -> list[RealizedLot]:
    """The lots that were closed on the Indian days start_date to end_date, both included.

    For each broker, instrument and product the unit that was bought first is matched with the one
    that was sold first; the later of both is the exit. In the order of the exits. Converted units
    keep their entry; in a split or a bonus they keep what they cost; what a broker reported and the
    store did not know is entered then, without a trade, and what it lacks goes without a profit.

    Known are trades. What of an order was only told cumulatively, by report_order, is in its
    position and not here: record or import its trades. Raises InvalidInput for days that are none,
    and for a start_date after end_date.
    """
    begin, end = range_of_days(start_date, end_date)
    asked = {"user_id": user_id, "symbol": symbol, "exchange": exchange, "broker": broker}
    realized: list[Row] = []
    with reading(check_book(book).database, tx) as tx:
        adjusted = read_adjusted(given(**asked), user_id, end, book, tx)
        units = {each[:4]: each[4] for each in tx.all(_get_places[book], **asked, begin=begin)}
        places = sorted(place for place in units if place[:3] not in adjusted)
        for first in range(0, len(places), _AT_ONCE):
            traded = read_lots(places[first : first + _AT_ONCE], user_id, begin, end, book, tx)
            before = {place: units[place] for place in traded}
            opened = read_open_lots(before, user_id, begin, book, tx)
            for place, lots in traded.items():
                match_lots(place, opened.get(place, deque()), lots, realized)
        for instrument, events in adjusted.items():
            realized += realize_adjusted(instrument, events, user_id, begin, end, book, tx)
    realized.sort(key=_exit_id)  # nearly the order of time, and numbers compare fastest
    realized.sort(key=_exit_at)
    return list(map(make_realized_lot, realized))


def _exit_id(realized: Row) -> int:
    return realized[_EXIT_ID] or 0
