"""Changes of positions that are no trades: conversions, splits, transfers, and broker's reports."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime

from ...engine.expected import expect_one
from ...engine.transaction import Transaction
from ...errors import InvalidInput
from ...records.trading import ConvertedPosition, Position, PositionAdjustment, Product
from ...sessions import reading, writing
from ...tables.trading import PRODUCTS
from ...tables.types import UTCDateTime
from ...values import clock
from ...values.arguments import one_of, trimmed
from ...values.days import check_moment, day_bounds, trading_day
from ...values.money import check_rupees
from ...values.numbers import check_quantity, check_whole
from ...values.text import require_text
from .books import LIVE, Book, BookSql, check_book
from .names import check_instrument
from .position_fold import agrees
from .position_ledger import Place, Told, tell_again
from .position_prices import Priced

_sql = BookSql("trading/position_adjustments.sql", "position_adjustments")
_add_adjustment = _sql.query("add_position_adjustment", PositionAdjustment)
_drop_adjustment = _sql.command("drop_position_adjustment")
_get_adjustments = _sql.query(
    "get_position_adjustments", PositionAdjustment, begin=UTCDateTime(), end=UTCDateTime()
)
_GIVEN = (
    *("user_id", "broker", "symbol", "exchange", "product", "kind", "adjusted_at", "quantity"),
    *("average_price", "overnight_quantity", "to_product", "reason"),
)
_open_position = BookSql("trading/positions.sql", "positions").command("open_position")
_get_of_instrument = _sql.query(
    "get_adjustments_of_instrument", PositionAdjustment, begin=UTCDateTime()
)


def adjust_position(
    user_id: int,
    broker: str,
    symbol: str,
    exchange: str,
    product: Product,
    quantity: int,
    average_price: float,
    reason: str,
    *,
    adjusted_at: datetime | None = None,
    book: Book = LIVE,
    tx: Transaction | None = None,
) -> Position:
    """Set a position to so many units (less than 0: short) at an average in rupees; it is no trade.

    For splits, bonuses, transfers, and what was bought before the store knew of it. What was
    matched before adjusted_at (by default now) is realised and stays; fills after it count on top.
    A last price from before it is forgotten, since it was that of other units. Without a position
    one is opened. The same adjustment of the same moment again changes nothing.
    Raises InvalidInput, and Conflict for an unknown user (LIVE).
    """
    place = _place(user_id, broker, symbol, exchange)
    moment = clock.now() if adjusted_at is None else check_moment(adjusted_at)
    adjustment = _no_adjustment(place, product, moment)._replace(
        kind="ADJUSTMENT",
        quantity=check_whole(quantity),
        average_price=check_rupees(average_price),
        reason=trimmed("reason", require_text("reason", reason)),
    )
    with writing(check_book(book).database, tx) as tx, tx.savepoint():
        _open(place, [product], moment, book, tx)
        told = tell_again(place, trading_day(moment), [], book, tx)  # locked from here on
        if not _is_known(place, adjustment, book, tx):
            told, _ = _record(place, adjustment, {product: Priced(None, moment)}, book, tx)
    return told.positions[product]


def convert_position(
    user_id: int,
    broker: str,
    symbol: str,
    exchange: str,
    from_product: Product,
    to_product: Product,
    quantity: int,
    *,
    converted_at: datetime | None = None,
    book: Book = LIVE,
    tx: Transaction | None = None,
) -> ConvertedPosition:
    """Move so many open units to another product at their average; nothing is traded by it.

    Of a long position or of a short one, whichever is open at converted_at (by default now). The
    same conversion of the same moment again changes nothing. Raises InvalidInput where less is
    open then: record its fills first, or report the positions.
    """
    place = _place(user_id, broker, symbol, exchange)
    units = check_quantity(quantity)
    if one_of("from_product", from_product, PRODUCTS) == one_of("to_product", to_product, PRODUCTS):
        raise InvalidInput("from_product and to_product are one: nothing would be converted")
    moment = clock.now() if converted_at is None else check_moment(converted_at)
    adjustment = _no_adjustment(place, from_product, moment)._replace(
        kind="CONVERSION", quantity=units, to_product=to_product
    )
    with writing(check_book(book).database, tx) as tx, tx.savepoint():
        _open(place, sorted((from_product, to_product)), moment, book, tx)
        told = tell_again(place, trading_day(moment), [], book, tx)  # locked from here on
        if not _is_known(place, adjustment, book, tx):
            told, number = _record(place, adjustment, {}, book, tx)
            found = next(each for each in told.adjustments if each.id == number)
            if abs(found.quantity_before) < units:
                raise InvalidInput(
                    f"{abs(found.quantity_before)} {symbol} were open in {from_product} then, "
                    f"not {units}: record the fills first, or report the positions"
                )
    return ConvertedPosition(told.positions[from_product], told.positions[to_product])


def get_position_adjustments(
    user_id: int,
    start_date: date,
    end_date: date,
    *,
    book: Book = LIVE,
    tx: Transaction | None = None,
) -> list[PositionAdjustment]:
    """What changed the positions of a user and was no trade, oldest first.

    Of the Indian days start_date to end_date, both included. A REPORT is a broker's figures that
    were not ours: how far the books had drifted. One that tells what was there before was only
    late. Raises InvalidInput.
    """
    begin, end = day_bounds(start_date, end_date)
    with reading(check_book(book).database, tx) as tx:
        return tx.all(_get_adjustments[book], user_id=user_id, begin=begin, end=end)


def record_late_report(
    report: PositionAdjustment,
    prices: Mapping[Product, Priced],
    book: Book,
    tx: Transaction,
) -> list[PositionAdjustment]:
    """A report of a moment that others have followed; the correction that it took, if it did."""
    place = {name: getattr(report, name) for name in ("user_id", "broker", "symbol", "exchange")}
    if _is_known(place, report, book, tx):
        tell_again(place, trading_day(report.adjusted_at), [], book, tx, prices)
        return []
    told, number = _record(place, report, prices, book, tx)
    found = next(each for each in told.adjustments if each.id == number)
    before = found.quantity_before, found.average_before or 0.0
    if report.overnight_quantity is None and agrees(*before, report.quantity, report.average_price):
        drop_report(found, book, tx)
        return []
    return [found]


def drop_report(report: PositionAdjustment, book: Book, tx: Transaction) -> None:
    """Take a report away, as if it had not come."""
    place = {name: getattr(report, name) for name in ("user_id", "broker", "symbol", "exchange")}
    tx.run(_drop_adjustment[book], id=report.id)
    tell_again(place, trading_day(report.adjusted_at), [], book, tx)


def _record(
    place: Place,
    adjustment: PositionAdjustment,
    prices: Mapping[Product, Priced],
    book: Book,
    tx: Transaction,
) -> tuple[Told, int]:
    """The positions with one adjustment more, and its number."""
    given = {name: getattr(adjustment, name) for name in _GIVEN}
    number = expect_one(tx, _add_adjustment[book], **given).id
    day = trading_day(adjustment.adjusted_at)
    return tell_again(place, day, [], book, tx, prices), number


def _open(
    place: Place, products: Sequence[Product], moment: datetime, book: Book, tx: Transaction
) -> None:
    """Rows for what is about to be moved into them, flat where they are new."""
    for product in products:
        tx.run(_open_position[book], **place, product=product, trading_day=trading_day(moment))


def _place(user_id: int, broker: str, symbol: str, exchange: str) -> Place:
    check_instrument(broker, symbol, exchange)
    return {"user_id": user_id, "broker": broker, "symbol": symbol, "exchange": exchange}


def _no_adjustment(place: Place, product: Product, moment: datetime) -> PositionAdjustment:
    """An adjustment without a kind and figures yet."""
    where = place["user_id"], place["broker"], place["symbol"], place["exchange"]
    return PositionAdjustment(
        0, *where, product, "REPORT", moment, 0, None, None, None, None, 0, None
    )


def _is_known(place: Place, wanted: PositionAdjustment, book: Book, tx: Transaction) -> bool:
    """Whether it was told before. Which side a conversion moves only the days tell."""
    names = ("kind", "adjusted_at", "product", "to_product", "average_price", "overnight_quantity")
    quantities = {wanted.quantity}
    if wanted.kind == "CONVERSION":
        quantities.add(-wanted.quantity)
    return any(
        known.quantity in quantities
        and all(getattr(known, name) == getattr(wanted, name) for name in names)
        for known in tx.all(_get_of_instrument[book], **place, begin=wanted.adjusted_at)
    )
