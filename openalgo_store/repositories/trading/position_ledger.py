"""The days of a position: told from what is stored, and told again where something comes late.

A day without adjustments is its stored sums, to which a late fill is added; one with adjustments is
folded from its trades, since what an adjustment found depends on what came before it.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Date

from ...engine.expected import expect_one
from ...engine.transaction import Transaction
from ...records.trading import Position, PositionAdjustment, Product
from ...tables.types import Average, UTCDateTime
from ...values.days import one_day, trading_day
from ...values.money import to_millionths
from .books import Book, BookSql
from .effective_fills import OrderFills
from .position_fold import Traded, fold_day
from .position_pool import Pool, own_sums, refuse_beyond
from .position_prices import Priced, prices_by_day

_ROW = (
    *("id", "product", "trading_day", "last_price", "priced_at", "pnl", "adjusted_at"),
    *Pool._fields,
)
_DAY = ("id", "trading_day", "last_price", "priced_at", *Pool._fields)

_positions = BookSql("trading/positions.sql", "positions")
_lock_positions = _positions.rows("lock_positions_of_instrument", _ROW)
_get_position = _positions.query("get_position", Position)
_set_position = _positions.query("set_position", Position, average_price=Average(), pnl=Average())
_days = BookSql("trading/position_days.sql", "position_days")
_get_days_from = _days.rows("get_position_days_from", _DAY, begin=Date())
_get_day_before = _days.rows("get_position_day_before", _DAY, begin=Date())
_set_day = _days.command("set_position_day")
_adjustments = BookSql("trading/position_adjustments.sql", "position_adjustments")
_get_adjustments = _adjustments.query(
    "get_adjustments_of_instrument", PositionAdjustment, begin=UTCDateTime()
)
_set_found = _adjustments.command("set_found_position")
_trades = BookSql("trading/trades.sql", "trades")
_FILL = ("product", "traded_at", "action", "quantity", "price")
_get_fills = _trades.rows("get_fills_of_instrument", _FILL, begin=UTCDateTime(), end=UTCDateTime())
_UNTRADED = ("product", "action", "booked_quantity", "booked_value", "reported_points")
_get_untraded = BookSql("trading/trades.sql", "orders").rows(
    "get_untraded_of_instrument", _UNTRADED, begin=UTCDateTime()
)

Place = Mapping[str, Any]
"""user_id, broker, symbol and exchange: what the positions of an instrument have in common."""


class ClosedDay(NamedTuple):
    """A day of a position that is over, as its last moment left it."""

    id: int
    trading_day: date
    priced: Priced
    pool: Pool


class _History(NamedTuple):
    """A position from a day on: its row, the state before that day, and the days as they are."""

    row_id: int
    pnl: float | None
    adjusted_at: datetime | None
    before: Pool
    days: dict[date, Pool]
    prices: dict[date, Priced]
    closed: set[date]
    last_day: date


class Told(NamedTuple):
    """The positions of an instrument as they are now, and what its late adjustments had found."""

    positions: dict[Product, Position]
    adjustments: list[PositionAdjustment]


def tell_again(
    place: Place,
    first: date,
    gained: Sequence[Traded],
    book: Book,
    tx: Transaction,
    prices: Mapping[Product, Priced] | None = None,
) -> Told:
    """Every position of an instrument from a day on, with what it gains; each has its row already.

    What is gained must be stored as trade or order by now: it is read there where a day is folded.
    `prices` are told, or made unknown, on the first day; they count where nothing newer is known.
    """
    prices = prices or {}
    rows = tx.all(_lock_positions[book], **place)
    adjustments = read_adjustments(place, one_day(first)[0], book, tx)
    if not _products(adjustments) <= {row[1] for row in rows}:  # committed while the lock waited
        rows = tx.all(_lock_positions[book], **place)
    histories = {row[1]: _history(place, row, first, book, tx) for row in rows}
    by_day: dict[date, list[PositionAdjustment]] = defaultdict(list)
    for adjustment in adjustments:
        by_day[trading_day(adjustment.adjusted_at)].append(adjustment)
    traded = _by_day(gained)
    folded = {
        day: _products(adjustments_of_day) & histories.keys()
        for day, adjustments_of_day in by_day.items()
    }
    if folded:
        begin, end = one_day(min(folded))[0], one_day(max(folded))[1]
        logged = _by_day(read_fills(place, begin, end, book, tx))
    old = {product: each.before for product, each in histories.items()}
    new = dict(old)
    told: dict[Product, dict[date, Pool]] = {product: {} for product in histories}
    found: list[PositionAdjustment] = []
    days = {*traded, *folded, *(day for each in histories.values() for day in each.days)}
    if prices:
        days.add(first)
    for day in sorted(days):
        opening: dict[Product, Pool] = {}
        own: list[Traded] = []
        for product, history in histories.items():
            stored = history.days.get(day)
            is_folded = product in folded.get(day, ())
            gains = [each for each in traded[day] if each.product == product]
            is_priced = day == first and product in prices
            if stored is None and not (is_folded or gains or is_priced):
                continue
            opening[product] = new[product].carried()
            if is_folded:
                own += [each for each in logged[day] if each.product == product]
            else:
                own += gains
                if stored is not None:
                    own += _as_traded(product, day, own_sums(stored, old[product].carried()))
            if stored is not None:
                old[product] = stored
        end_of_day = fold_day(opening, own, by_day[day])
        found += end_of_day.adjustments
        for product, pool in end_of_day.pools.items():
            new[product] = told[product][day] = pool
    refuse_beyond((pool for each in told.values() for pool in each.values()), place["symbol"], tx)
    _store_found(adjustments, found, book, tx)
    adjusted_at = _last_adjustments(found)
    positions = {
        product: _store(
            place, product, history, told[product], adjusted_at,
            prices_by_day(history.prices, told[product], prices.get(product), first), book, tx,
        )
        for product, history in histories.items()
    }  # fmt: skip
    return Told(positions, found)


def read_adjustments(
    place: Place, begin: datetime, book: Book, tx: Transaction
) -> list[PositionAdjustment]:
    """What of an instrument was adjusted since a moment."""
    return tx.all(_get_adjustments[book], **place, begin=begin)


def read_closed_days(
    place: Place, product: Product, begin: date, book: Book, tx: Transaction
) -> list[ClosedDay]:
    """The closed days of a position since a day, oldest first."""
    rows = tx.all(_get_days_from[book], **place, product=product, begin=begin)
    return [
        ClosedDay(row_id, day, Priced(last_price, priced_at), Pool._make(sums))
        for row_id, day, last_price, priced_at, *sums in rows
    ]


def read_fills(
    place: Place, begin: datetime, end: datetime, book: Book, tx: Transaction
) -> Iterator[Traded]:
    """What the orders of an instrument have filled: as trades, and as it was told beyond them."""
    for product, traded_at, action, quantity, price in tx.all(
        _get_fills[book], **place, begin=begin, end=end
    ):
        yield Traded(product, traded_at, action, quantity, quantity * to_millionths(price))
    for product, action, booked, booked_value, points in tx.all(
        _get_untraded[book], **place, begin=begin
    ):
        fills = OrderFills(booked, booked_value, reported_points=points)
        for moment, units, worth in fills.untraded:
            if begin <= moment < end:
                yield Traded(product, moment, action, units, worth)


def _history(place: Place, row: Any, first: date, book: Book, tx: Transaction) -> _History:
    row_id, product, day, last_price, priced_at, pnl, adjusted_at, *sums = row
    pool, prices = Pool._make(sums), {day: Priced(last_price, priced_at)}
    if day < first:
        return _History(row_id, pnl, adjusted_at, pool, {}, prices, set(), day)
    closed = read_closed_days(place, product, first, book, tx)
    days = {each.trading_day: each.pool for each in closed} | {day: pool}
    prices |= {each.trading_day: each.priced for each in closed}
    before = tx.one(_get_day_before[book], **place, product=product, begin=first)
    if before is None:
        earliest = days[min(days)]
        opening = Pool(realized_value=earliest.realized_value - earliest.realized_today)
    else:
        _, day_before, last_price, priced_at, *sums = before
        opening, prices[day_before] = Pool._make(sums), Priced(last_price, priced_at)
    is_closed = {each.trading_day for each in closed}
    return _History(row_id, pnl, adjusted_at, opening, days, prices, is_closed, day)


def _store(
    place: Place,
    product: Product,
    history: _History,
    told: Mapping[date, Pool],
    adjusted_at: Mapping[tuple[Product, date], datetime],
    prices: Mapping[date, Priced],
    book: Book,
    tx: Transaction,
) -> Position:
    """The days that are over, where they changed or are over only now, and the row of the last."""
    if not told:
        return expect_one(tx, _get_position[book], **place, product=product)
    last_day = max(told)
    if last_day > history.last_day and history.last_day not in told:
        told = {history.last_day: history.before, **told}
    for day, pool in told.items():
        is_kept = day in history.closed and history.days[day] == pool
        if day < last_day and not (is_kept and history.prices[day] == prices[day]):
            tx.run(
                _set_day[book],
                **place,
                product=product,
                trading_day=day,
                **prices[day]._asdict(),
                **pool._asdict(),
            )
    pool, priced = told[last_day], prices[last_day]
    adjusted = adjusted_at.get((product, last_day))
    before = history.prices[history.last_day]
    is_same = (history.days.get(last_day), before.last_price) == (pool, priced.last_price)
    if is_same and (history.adjusted_at, before.priced_at) == (adjusted, priced.priced_at):
        return expect_one(tx, _get_position[book], **place, product=product)
    return expect_one(
        tx,
        _set_position[book],
        id=history.row_id,
        quantity=pool.quantity,
        average_price=pool.average_price,
        pnl=history.pnl if is_same else pool.pnl(priced.last_price),  # one that was told stays
        day_quantity=pool.quantity - pool.overnight_quantity,
        trading_day=last_day,
        adjusted_at=adjusted,
        **priced._asdict(),
        **pool._asdict(),
    )


def _store_found(
    before: Iterable[PositionAdjustment],
    after: Iterable[PositionAdjustment],
    book: Book,
    tx: Transaction,
) -> None:
    known = {each.id: each for each in before}
    for each in after:
        if known[each.id] != each:
            tx.run(
                _set_found[book],
                id=each.id,
                quantity=each.quantity,
                quantity_before=each.quantity_before,
                average_before=each.average_before,
            )


def _last_adjustments(
    found: Iterable[PositionAdjustment],
) -> dict[tuple[Product, date], datetime]:
    """When each position was adjusted last on each day."""
    last: dict[tuple[Product, date], datetime] = {}
    for each in found:  # in the order of time
        for product in _products([each]):
            last[product, trading_day(each.adjusted_at)] = each.adjusted_at
    return last


def _products(adjustments: Iterable[PositionAdjustment]) -> set[Product]:
    return {
        product for each in adjustments for product in (each.product, each.to_product) if product
    }


def _by_day(traded: Iterable[Traded]) -> dict[date, list[Traded]]:
    found: dict[date, list[Traded]] = defaultdict(list)
    for each in traded:
        found[trading_day(each.traded_at)].append(each)
    return found


def _as_traded(product: Product, day: date, sums: tuple[int, int, int, int]) -> list[Traded]:
    """The stored sums of a day that has no adjustment, at any moment of it."""
    begin = one_day(day)[0] + timedelta(microseconds=1)
    bought, bought_value, sold, sold_value = sums
    return [
        Traded(product, begin, "BUY", bought, bought_value),
        Traded(product, begin, "SELL", sold, sold_value),
    ]
