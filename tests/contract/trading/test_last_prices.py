"""Last prices of positions follow from when they were told, and not from when they came."""

from datetime import date, datetime, timedelta

from openalgo_store import (
    Book,
    adjust_position,
    bulk_update_positions,
    get_position_history,
    get_positions,
    get_write_session,
)
from tests.contract.trading.conftest import TUESDAY, Traded, fill
from tests.contract.trading.test_position_reports import key
from tests.support.rows import MONDAY, both_books

HOUR = timedelta(hours=1)

pytestmark = both_books


def test_an_older_price_that_comes_after_a_newer_one_changes_nothing(user: int, book: Book) -> None:
    fill(user, [Traded(10, 100.0)], book=book)
    tell_price(user, book, 104.0, MONDAY + 2 * HOUR)
    tell_price(user, book, 90.0, MONDAY + HOUR)
    assert last_prices(user, book) == (104.0, 40.0, [(MONDAY.date(), 104.0, 40.0)])
    fill(user, [Traded(-5, 110.0, MONDAY + 3 * HOUR)], book=book, name="sold")
    tell_price(user, book, 90.0, MONDAY + HOUR)  # others have followed it by now
    assert last_prices(user, book) == (104.0, 70.0, [(MONDAY.date(), 104.0, 20.0)])
    tell_price(user, book, 106.0, MONDAY + 2 * HOUR)  # of two of one moment the later to come
    assert last_prices(user, book) == (106.0, 80.0, [(MONDAY.date(), 106.0, 30.0)])


def test_a_price_from_before_a_split_that_comes_after_it_is_not_taken(
    user: int, book: Book
) -> None:
    fill(user, [Traded(10, 3000.0)], book=book)
    split(user, book, MONDAY + 2 * HOUR)
    tell_price(user, book, 3100.0, MONDAY + HOUR)
    assert last_prices(user, book) == (None, 0.0, [(MONDAY.date(), None, 0.0)])
    tell_price(user, book, 620.0, MONDAY + 3 * HOUR)
    assert last_prices(user, book) == (620.0, 1000.0, [(MONDAY.date(), 620.0, 1000.0)])


def test_a_late_split_forgets_the_prices_from_before_it_and_keeps_those_after_it(
    user: int, book: Book
) -> None:
    fill(user, [Traded(10, 3000.0)], book=book)
    tell_price(user, book, 3100.0, MONDAY)
    tell_price(user, book, 620.0, TUESDAY)
    split(user, book, MONDAY + HOUR)
    assert last_prices(user, book) == (
        620.0,
        1000.0,
        [(MONDAY.date(), None, 0.0), (TUESDAY.date(), 620.0, 1000.0)],
    )


def test_a_late_price_of_yesterday_is_that_of_its_day_and_of_now_where_nothing_newer_is_known(
    user: int, book: Book
) -> None:
    fill(user, [Traded(10, 100.0), Traded(-4, 108.0, TUESDAY)], book=book)
    tell_price(user, book, 104.0, MONDAY + HOUR)
    assert last_prices(user, book) == (
        104.0,
        56.0,
        [(MONDAY.date(), 104.0, 40.0), (TUESDAY.date(), 104.0, 24.0)],
    )
    tell_price(user, book, 107.0, TUESDAY)
    tell_price(user, book, 105.0, MONDAY + 2 * HOUR)
    assert last_prices(user, book) == (
        107.0,
        74.0,
        [(MONDAY.date(), 105.0, 50.0), (TUESDAY.date(), 107.0, 42.0)],
    )


def test_a_late_price_opens_its_day_and_a_late_fill_one_with_the_price_known_then(
    user: int, book: Book
) -> None:
    wednesday, thursday = TUESDAY + timedelta(days=1), TUESDAY + timedelta(days=2)
    fill(user, [Traded(10, 100.0), Traded(5, 110.0, thursday)], book=book)
    tell_price(user, book, 112.0, thursday)
    tell_price(user, book, 104.0, TUESDAY)
    fill(user, [Traded(-5, 106.0, wednesday)], book=book, name="sold")
    assert last_prices(user, book) == (
        112.0,
        70.0,
        [
            (MONDAY.date(), None, 0.0),
            (TUESDAY.date(), 104.0, 40.0),
            (wednesday.date(), 104.0, 20.0),
            (thursday.date(), 112.0, 70.0),
        ],
    )


def test_a_price_of_which_nobody_knows_the_moment_is_older_than_any(user: int, book: Book) -> None:
    ten = {"quantity": 10, "buy_quantity": 10, "buy_value": 10_000_000, "average_price": 1.0}
    stored = key(user, last_price=1.5, trading_day=TUESDAY.date()) | ten
    with get_write_session(book.database) as tx:  # as older versions have left it
        tx.copy(book.tables.positions, list(stored), [tuple(stored.values())])
    fill(user, [Traded(10, 1.0, MONDAY)], book=book)
    assert last_prices(user, book)[2][0] == (MONDAY.date(), None, 0.0)
    tell_price(user, book, 1.25, MONDAY)
    assert last_prices(user, book)[0] == 1.25


def tell_price(user: int, book: Book, last_price: float, at: datetime) -> None:
    row = key(user, last_price=last_price)
    assert bulk_update_positions([row], reported_at=at, book=book) == []


def split(user: int, book: Book, at: datetime) -> None:
    adjust_position(
        user, "zerodha", "SBIN", "NSE", "CNC", 50, 600.0, "split 1:5", adjusted_at=at, book=book
    )


def last_prices(
    user: int, book: Book
) -> tuple[float | None, float | None, list[tuple[date, float | None, float]]]:
    """Last price and P&L of the one position; day, last price and unrealised P&L of its history."""
    (position,) = get_positions(user, day=MONDAY.date(), book=book)
    days = get_position_history(user, MONDAY.date(), date(2026, 4, 1), book=book)
    history = [(each.trading_day, each.last_price, each.unrealized_pnl) for each in days]
    return position.last_price, position.pnl, history
