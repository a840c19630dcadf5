"""The clock is moved: over 03:00, when sessions and masters expire, and over midnight in India."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from openalgo_store import (
    Store,
    create_order,
    get_daily_pnl,
    get_positions,
    get_symbol_token,
    get_ttl_to_session_end,
    record_fill,
    replace_symbols,
)
from openalgo_store.repositories.trading.books import Book
from openalgo_store.values import clock
from tests.faults.report import REPORT
from tests.faults.scene import Scene
from tests.faults.states import MOMENTS
from tests.faults.steps import Point, striking
from tests.support.chance import SOAK, chance_of
from tests.support.rows import both_books, new_user, order_row, shares
from tests.support.telegram import Clock
from tests.support.watching import sent

JUMPS = 3 if SOAK else 1
"""How often the clock is moved while each operation is under way."""
DAY = timedelta(days=1)


def test_a_clock_that_is_moved_a_day_on_and_back(scene: Scene, standing: Clock) -> None:
    """Between two statements; what was called before stands, and the next call comes right."""
    scene.left_out = MOMENTS
    chance = chance_of(f"clocks of {scene.operation.name}")
    has_leases = scene.operation.function == "claim_telegram_messages"
    for _ in range(1 if has_leases else JUMPS):  # a day later those of the first call are over
        with striking(Point.among(scene.steps, chance), lambda driver: standing.go_on(DAY)):
            outcome = scene.call()
        standing.go_on(-DAY)
        scene.judge("clock a day on, and back", *outcome)


def test_a_master_is_loaded_once_when_the_clock_goes_over_three(
    store: Store, monkeypatch: pytest.MonkeyPatch, engine_name: str
) -> None:
    replace_symbols(shares(50), "zerodha")
    assert get_symbol_token("SHARE1", "NSE", "zerodha") == "T1"
    real, over = time.time, get_ttl_to_session_end() + 1
    monkeypatch.setattr(clock, "now", lambda: datetime.fromtimestamp(time.time(), UTC))
    with sent(store) as statements:
        for jump in (over, over + 86_400, -86_400):  # the last one sets the clock back
            monkeypatch.setattr(time, "time", lambda jump=jump: real() + jump)
            before = len(statements)
            with ThreadPoolExecutor(8) as pool:
                found = pool.map(lambda _: get_symbol_token("SHARE1", "NSE", "zerodha"), range(80))
            assert set(found) == {"T1"}
            loads = [each for each in statements[before:] if "FROM symbols" in each]
            assert len(loads) <= 1
    REPORT.row("clock over 03:00", engine_name).add("no miss, one load", is_sound=True)


@both_books
def test_fills_around_midnight_in_india_go_into_their_days(
    store: Store, standing: Clock, book: Book, engine_name: str
) -> None:
    midnight = datetime(2026, 3, 2, 18, 30, tzinfo=UTC)
    owner = new_user()
    create_order(**order_row(owner, "A", quantity=30), book=book)
    for number, after in enumerate((-1, 0, 1)):  # microseconds
        standing.now = midnight + timedelta(microseconds=after)
        record_fill("A", f"T{number}", 10, 100.0, standing.now, book=book)
    days = [(midnight - DAY / 2).date(), midnight.date() + DAY]
    bought = [get_daily_pnl(owner, day, book=book).turnover for day in days]
    assert bought == [1000.0, 2000.0]
    (position,) = get_positions(owner, book=book)
    assert (position.day_quantity, position.overnight_quantity) == (20, 10)
    REPORT.row("clock over midnight in India", engine_name).add("no error", is_sound=True)
