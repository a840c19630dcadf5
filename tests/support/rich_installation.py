"""An installation of some hundred rows, for faults of many kinds."""

from datetime import date, timedelta

from openalgo_store import (
    Instrument,
    Store,
    bulk_update_holdings,
    create_api_key,
    create_strategy,
    get_write_session,
    queue_telegram_message,
    record_fill,
    replace_symbols,
    save_auth_token,
    use_store,
)
from openalgo_store.engine.queries import Query
from openalgo_store.repositories.trading.books import BOOKS, LIVE
from openalgo_store.tables.telemetry import application_logs, latency_metrics
from tests.support.installation import fill
from tests.support.rows import (
    MONDAY,
    add_order,
    any_row,
    import_trades,
    new_user,
    trade_row,
)

EACH = 2
"""How many faults of each kind there are."""
ORDERS = 40
"""How many orders of each book have one trade each."""


def fill_richly(store: Store) -> None:
    """Some hundred rows beside those of every installation."""
    fill(store)
    with use_store(store):
        users = [new_user(f"trader{number}") for number in range(12)]
        for user in users:
            create_api_key(user, "bot")
            save_auth_token(user, "zerodha", f"access-{user}", "refresh", auth_data={"n": user})
            for name in ("breakout", "straddle"):
                create_strategy(user, name, "python", config={"lots": user})
            holding = {"user_id": user, "broker": "a", "exchange": "NSE", "quantity": 4}
            bulk_update_holdings([holding | {"symbol": each} for each in ("SBIN", "TCS")])
        replace_symbols(_options(), "angel")
        for book in BOOKS:
            with get_write_session(book.database) as tx:
                for number in range(ORDERS):
                    user, order_id = users[number % len(users)], f"O{number}"
                    add_order(user, order_id, symbol=f"X{number}", book=book, tx=tx)
                    moment = MONDAY + timedelta(minutes=number)
                    record_fill(order_id, "T", 60, 100.5 + number, moment, book=book, tx=tx)
                for number in range(EACH):  # trades alike but for their orders, and such orders
                    add_order(users[0], f"same{number}", symbol="Y", book=book, tx=tx)
                    record_fill(f"same{number}", "T", 60, 100.5, MONDAY, book=book, tx=tx)
                    add_order(users[0], f"twin{number}", symbol="Y", book=book, tx=tx)
        import_trades(LIVE, (trade_row(users[n % 12], f"I{n}") for n in range(12)))
        for number in range(8):
            queue_telegram_message(-(2**40), "ORDER", f"order {number}")
        for database, table in (("latency", latency_metrics), ("logs", application_logs)):
            rows = [any_row(table) | {"id": number} for number in range(100, 112)]
            with get_write_session(database) as tx:
                tx.many(Query.of(table.insert()), rows)


def _options() -> list[Instrument]:
    day = date(2026, 9, 1)
    return [
        Instrument(
            f"NIFTY01SEP26{strike}CE", "NFO", str(strike), f"NIFTY26901{strike}CE", "NIFTY",
            instrument_type="CE", lot_size=65, tick_size=0.05, expiry=day, strike=float(strike),
        )
        for strike in range(24000, 25000, 50)
    ]  # fmt: skip
