"""What was taken over from an older version adds up, and what comes afterwards counts on top."""

from sqlalchemy import update

from openalgo_store import (
    LIVE,
    Store,
    get_positions,
    get_write_session,
    record_fill,
)
from openalgo_store.engine.queries import Query
from openalgo_store.operations.checking import check_books
from openalgo_store.tables.trading import live
from openalgo_store.values import clock
from tests.support.rows import MONDAY, add_order, new_user


def test_a_carried_over_position_with_older_trades_adds_up(store: Store) -> None:
    """As the migration leaves it: 12 @99.5 as a broker had told, from trades that say 10 @100."""
    user = new_user()
    add_order(user, "A1", book=LIVE)
    add_order(user, "A2", action="SELL", book=LIVE)
    record_fill("A1", "T1", 10, 100.0, MONDAY, book=LIVE)
    taken_over = clock.now()
    today = clock.trading_day(taken_over)
    sums = {"buy_quantity": 12, "buy_value": 1_194_000_000, "overnight_quantity": 12}
    row = {"quantity": 12, "average_price": 99.5, "day_quantity": 0, "trading_day": today}
    adjustment = {
        "user_id": user, "broker": "zerodha", "symbol": "SBIN", "exchange": "NSE",
        "product": "CNC", "kind": "CARRIED_OVER", "adjusted_at": taken_over, "quantity": 12,
        "average_price": 99.5, "overnight_quantity": 12, "quantity_before": 12,
    }  # fmt: skip
    with get_write_session() as tx:
        tx.run(Query.of(update(live.positions).values(**sums, **row, adjusted_at=taken_over)))
        tx.run(Query.of(live.position_adjustments.insert().values(adjustment)))
    assert list(check_books()) == []
    record_fill("A2", "T1", 12, 110.0, clock.now(), book=LIVE)
    (position,) = get_positions(user, book=LIVE)
    assert (position.quantity, position.pnl) == (0, 126.0)
    assert list(check_books()) == []
