"""Midnight in India, crossed by processes that fill, report and read: the day turns once."""

from datetime import date

import pytest

from openalgo_store import (
    Store,
    create_order,
    create_user,
    get_position_history,
    get_positions,
)
from openalgo_store.operations.checking import check_books
from openalgo_store.repositories.trading.books import Book
from tests.models.book_model import BookModel
from tests.programs.trading import (
    FILLERS,
    MIDNIGHT,
    POSITIONS,
    USER_ID,
    Trader,
    fills_of_midnight,
    go,
    trade_across_midnight,
)
from tests.support.rows import both_books, order_row

HASH = "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaA"
DAYS = [date(2026, 7, 1), date(2026, 7, 2)]


@pytest.mark.timeout(300)
@both_books
def test_a_day_that_turns_under_eight_processes_turns_once(store: Store, book: Book) -> None:
    assert create_user("trader", "trader@example.org", HASH).id == USER_ID
    model = BookModel(MIDNIGHT)
    for trader in range(FILLERS):
        place = POSITIONS[trader % len(POSITIONS)]
        row = order_row(USER_ID, f"order{trader}", quantity=100, placed_at=MIDNIGHT) | place
        row["action"] = "BUY" if trader % 2 else "SELL"
        create_order(**row, book=book)
        model.create_order(**row, status="OPEN", trigger_price=None)
        for fill in fills_of_midnight(trader):
            model.book(*fill)
            report = place | {"user_id": USER_ID, "last_price": 100.0}
            model.bulk_update_positions([report], fill.traded_at)
    traders = [
        Trader(trade_across_midnight, store.settings, book, trader) for trader in range(FILLERS)
    ]
    go(*traders)
    for trader, process in enumerate(traders):
        assert process.end() == [fill.trade_id for fill in fills_of_midnight(trader)]
    found = get_positions(USER_ID, day=DAYS[1], book=book)
    assert [each._replace(id=0) for each in found] == model.get_positions(DAYS[1])
    assert list(check_books()) == []
    history = get_position_history(USER_ID, DAYS[0], DAYS[1], book=book)
    assert [(each.trading_day, each.symbol) for each in history] == [
        (day, place["symbol"]) for day in DAYS for place in POSITIONS
    ]
    assert history == model.get_position_history()
