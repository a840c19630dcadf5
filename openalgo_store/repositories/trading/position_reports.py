"""What brokers report of positions: it becomes ours, and what was not is kept as a correction."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import JSON

from ...engine.transaction import Transaction
from ...errors import InvalidInput
from ...records.trading import PositionAdjustment, Product
from ...sessions import writing
from ...tables.types import UTCDateTime
from ...values import clock
from ...values.days import check_moment, trading_day
from ...values.money import to_millionths, to_rupees
from .adjustments import drop_report, record_late_report
from .books import LIVE, Book, BookSql, check_book
from .broker_reports import BrokerReport
from .position_fold import adjusted, agrees
from .position_ledger import tell_again
from .position_pool import Pool, refuse_beyond
from .position_prices import Priced

_KEY = ("user_id", "broker", "symbol", "exchange", "product")
_VALUES = (
    *("quantity", "average_price", "last_price", "pnl"),
    *("day_quantity", "overnight_quantity"),
)
_LOCKED = ("id", "trading_day", "adjusted_at", "priced_at", *Pool._fields)

_positions = BookSql("trading/positions.sql", "positions")
_open_positions = _positions.command("open_positions", rows=JSON())
_lock_positions = _positions.rows("lock_positions", _LOCKED, rows=JSON())
_set_positions = _positions.command("set_positions", rows=JSON(), reported_at=UTCDateTime())
_price_positions = _positions.command("price_positions", rows=JSON(), reported_at=UTCDateTime())
_close_days = BookSql("trading/position_days.sql", "position_days").command(
    "close_position_days", ids=JSON()
)
_add_corrections = BookSql("trading/position_adjustments.sql", "position_adjustments").query(
    "add_position_corrections", PositionAdjustment, rows=JSON()
)
_get_filled_after = BookSql("trading/trades.sql", "trades").rows(
    "get_instruments_filled_after", ("broker", "symbol", "exchange"), after=UTCDateTime()
)


class _Told(NamedTuple):
    """A row of a report; amounts in millionths of a rupee."""

    user_id: int
    broker: str
    symbol: str
    exchange: str
    product: Any
    quantity: int | None
    average: int | None
    last_price: int | None
    pnl: int | None
    day_quantity: int | None
    overnight_quantity: int | None


def bulk_update_positions(
    positions_data: Iterable[Mapping[str, Any]],
    *,
    reported_at: datetime | None = None,
    book: Book = LIVE,
    tx: Transaction | None = None,
) -> list[PositionAdjustment]:
    """Make positions what a broker reports of them, all or none; the corrections that it took.

    Each has the key (user_id, broker, symbol, exchange, product) and some of quantity,
    average_price, last_price, pnl (in rupees), day_quantity, overnight_quantity; what is absent or
    None stays. A position that is not there is opened, at last_price where no average is told. A
    quantity or an average that is not ours becomes ours (to the decimals that are told, two at
    least): what was matched before is realised, the fills up to reported_at (by default now) are in
    it, later ones count on top of it. Each such correction is kept: see get_position_adjustments.
    Without pnl it follows from the sums and the last price. Of day_quantity and overnight_quantity
    one follows from the other. A last price counts, however late it comes, unless one of a later
    moment is known, or adjust_position has made it unknown at a later one.

    Raises InvalidInput, with the row's number, and Conflict for an unknown user (LIVE); nothing is
    written then.
    """
    report = BrokerReport(check_book(book).tables.positions, _KEY, _VALUES, positions_data)
    moment = clock.now() if reported_at is None else check_moment(reported_at)
    day = trading_day(moment)
    corrections: list[PositionAdjustment] = []
    with writing(check_book(book).database, tx) as tx:
        for rows in report.batches():
            keys = [row[: len(_KEY)] for row in rows]
            tx.run(_open_positions[book], rows=keys, trading_day=day)
        for rows in report.batches():  # an insert that waits must hold no row of an update
            corrections += _report(list(map(_Told._make, rows)), moment, day, book, tx)
    return corrections


def _report(
    told: list[_Told], moment: datetime, day: date, book: Book, tx: Transaction
) -> Iterator[PositionAdjustment]:
    """One batch of a report, and its corrections."""
    locked = tx.all(_lock_positions[book], rows=[each[:5] for each in told])
    filled_after = {
        (user_id, *instrument)
        for user_id in {each.user_id for each in told}
        for instrument in tx.all(_get_filled_after[book], user_id=user_id, after=moment)
    }
    rows: list[list[Any]] = []
    priced: list[list[Any]] = []
    closed: list[int] = []
    corrections: list[list[Any]] = []
    late: list[_Told] = []
    for each, (row_id, stored_day, adjusted_at, priced_at, *sums) in zip(told, locked, strict=True):
        is_late = stored_day > day or (adjusted_at is not None and adjusted_at >= moment)
        if is_late or each[:4] in filled_after:
            late.append(each)
            continue
        pool = stored = Pool._make(sums)
        if stored_day < day:
            closed.append(row_id)
            pool = pool.carried()
        correction = _correction(each, pool, moment, tx)
        if correction is not None:
            corrections.append(
                [*each[:5], correction.quantity, _millionths(correction.average_price),
                 correction.overnight_quantity, pool.quantity, to_millionths(pool.average_price)]
            )  # fmt: skip
            pool = adjusted(pool, correction)
        last_price = each.last_price if priced_at is None or priced_at <= moment else None
        if pool is stored and correction is None:  # as most are
            priced.append([row_id, last_price, each.pnl])
            continue
        refuse_beyond([pool], each.symbol, tx)
        rows.append([row_id, *pool, last_price, each.pnl, 0 if correction is None else 1])
    if closed:
        tx.run(_close_days[book], ids=closed)
    if priced:
        tx.run(_price_positions[book], rows=priced, reported_at=moment)
    if rows:
        tx.run(_set_positions[book], rows=rows, reported_at=moment, trading_day=day)
    if corrections:
        yield from tx.all(_add_corrections[book], rows=corrections, adjusted_at=moment)
    for each in late:
        yield from _report_late(each, moment, book, tx)


def _report_late(
    told: _Told, moment: datetime, book: Book, tx: Transaction
) -> list[PositionAdjustment]:
    """A row that others have followed: it is put in its place, and what followed is told again."""
    prices: dict[Product, Priced] = {}
    if told.last_price is not None:
        prices[told.product] = Priced(to_rupees(told.last_price), moment)
    if told.quantity is None:
        place = dict(zip(_KEY[:4], told[:4], strict=True))
        tell_again(place, trading_day(moment), [], book, tx, prices)
        return []
    report = _report_of(told, told.quantity, moment)
    found = record_late_report(report, prices, book, tx)
    if told.average is None and any(each.quantity and not each.quantity_before for each in found):
        drop_report(found[0], book, tx)
        told = told._replace(average=_opened_at(told, tx))
        return _report_late(told, moment, book, tx)
    return found


def _correction(
    told: _Told, pool: Pool, moment: datetime, tx: Transaction
) -> PositionAdjustment | None:
    """What of a position is not as it is told; None where all of it is."""
    quantity = pool.quantity if told.quantity is None else told.quantity
    if quantity and not pool.quantity and told.average is None:
        told = told._replace(average=_opened_at(told, tx))
    if _overnight(told, quantity) in (None, pool.overnight_quantity):
        average = None if told.average is None else to_rupees(told.average)
        if agrees(pool.quantity, pool.average_price, quantity, average):
            return None
    return _report_of(told, quantity, moment)


def _opened_at(told: _Told, tx: Transaction) -> int:
    """The price of what is told without an average and was not open: its last price."""
    if told.last_price is None:
        error = InvalidInput(
            f"{told.symbol} {told.exchange} {told.product} is not open here, and {told.quantity} "
            "are told without average_price: give it"
        )
        tx.fail(error)  # positions are opened by now
        raise error
    return told.last_price


def _report_of(told: _Told, quantity: int, moment: datetime) -> PositionAdjustment:
    """The report of a position with this quantity, as it is kept where it is a correction."""
    average = None if told.average is None else to_rupees(told.average)
    return PositionAdjustment(
        0, *told[:5], "REPORT", moment, quantity, average, _overnight(told, quantity),
        None, None, 0, None,
    )  # fmt: skip


def _overnight(told: _Told, quantity: int) -> int | None:
    """What of a position is told to be from before its day."""
    if told.overnight_quantity is None and told.day_quantity is not None:
        return quantity - told.day_quantity
    return told.overnight_quantity


def _millionths(rupees: float | None) -> int | None:
    return None if rupees is None else to_millionths(rupees)
