"""Moments are the same moments, in UTC, whatever zone the sessions of PostgreSQL have."""

import inspect
import logging
import typing
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import event, insert, select, text
from sqlalchemy.engine import make_url

import openalgo_store
from openalgo_store import (
    LIVE,
    DatabaseLogHandler,
    Instrument,
    Store,
    flush_writers,
    get_auth_token,
    get_daily_pnl,
    get_latency_stats,
    get_logs,
    get_orders_after,
    get_read_session,
    get_write_session,
    hash_password,
    import_trade,
    purge_latency,
    record_latency,
    save_auth_token,
    use_store,
)
from openalgo_store.engine.queries import Query
from openalgo_store.settings import DATABASES
from openalgo_store.tables import METADATA
from openalgo_store.tables.types import UTCDateTime
from openalgo_store.values import clock
from tests.support.rows import MONDAY, add_order, any_row, new_user, order_row, shares, trade_row

pytestmark = pytest.mark.only("postgresql")  # SQLite knows no zones

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
MIDNIGHT = datetime(2026, 3, 1, 18, 30, tzinfo=UTC)
"""Where Monday begins in India."""


class Hand:
    """Of a clock that stands until it is set."""

    now = MONDAY


@pytest.fixture
def hand(monkeypatch: pytest.MonkeyPatch) -> Hand:
    hand = Hand()
    monkeypatch.setattr(clock, "now", lambda: hand.now)
    return hand


@pytest.fixture(params=["PGTZ", "ALTER DATABASE", "SET TIME ZONE"])
def abroad(
    request: pytest.FixtureRequest, store: Store, monkeypatch: pytest.MonkeyPatch, hand: Hand
) -> Iterator[Store]:
    """A store whose sessions got another zone in one of three ways; it is the current one."""
    secrets: dict[str, Any] = {"api_key_pepper": "a pepper of these tests, long enough to be one"}
    secrets["token_encryption_keys"] = Fernet.generate_key().decode()
    alter = f'ALTER DATABASE "{make_url(store.settings.database_url).database}"'

    def drop_options(dialect: Any, record: Any, arguments: Any, named: dict[str, Any]) -> None:
        """As some poolers do."""
        del named["options"]

    def set_zone(connection: Any, record: Any) -> None:
        connection.execute("SET TIME ZONE 'Asia/Kolkata'")

    with Store(replace(store.settings, **secrets)) as other:
        engine = other.databases["main"].engine
        if request.param == "PGTZ":
            monkeypatch.setenv("PGTZ", "Asia/Kolkata")
        elif request.param == "ALTER DATABASE":
            execute(f"{alter} SET timezone TO 'America/New_York'")
            event.listen(engine, "do_connect", drop_options)
        else:
            event.listen(engine, "connect", set_zone)
        use_store(other)
        with get_read_session() as tx:
            assert tx.connection.exec_driver_sql("SHOW TimeZone").scalar() != "UTC"
        yield other
        use_store(store)
    execute(f"{alter} RESET timezone")


def execute(statement: str) -> None:
    with get_write_session() as tx:
        tx.connection.execute(text(statement))


def log_a_line(moment: datetime) -> None:
    handler = DatabaseLogHandler()
    line = {"name": "app", "msg": "a line", "created": moment.timestamp()}
    handler.handle(logging.makeLogRecord(line))
    assert flush_writers()
    handler.close()


# Each table, each function


def moments_in(value: Any) -> list[datetime]:
    """Every moment in what a function returned."""
    if isinstance(value, datetime):
        return [value]
    if isinstance(value, (list, tuple)):
        return [found for each in value for found in moments_in(each)]
    return []


def test_every_table_gives_back_the_moments_that_went_in(abroad: Store) -> None:
    for database in DATABASES:
        for table in METADATA[database].sorted_tables:
            with get_write_session(database) as tx:
                tx.run(Query.of(insert(table).values(any_row(table))))
                for column in table.c:
                    if isinstance(column.type, UTCDateTime):
                        found = tx.value(Query.of(select(column), datetime))
                        assert found == MONDAY, column
                        assert found.tzinfo is UTC, column


def calls(s: Any) -> Iterator[tuple[str, Callable[[], object]]]:
    """Every public function that returns a moment, in an order in which each finds something."""
    yield "create_user", lambda: s.create_user("asha", "a@example.org", hash_password("secret 77"))
    yield "authenticate_user", lambda: s.authenticate_user("asha", "secret 77")
    user = s.get_user_by_username("asha").id
    yield "get_user", lambda: s.get_user(user)
    yield "get_user_by_username", lambda: s.get_user_by_username("asha")
    yield "get_user_by_email", lambda: s.get_user_by_email("a@example.org")
    yield "update_user", lambda: s.update_user(user, email="b@example.org")
    yield "list_users", s.list_users
    key = s.create_api_key(user).api_key
    yield "get_user_by_api_key", lambda: s.get_user_by_api_key(key)
    flush_writers()
    yield "list_api_keys", lambda: s.list_api_keys(user)
    yield (
        "save_auth_token",
        lambda: s.save_auth_token(user, "zerodha", "an access token", token_expiry=MONDAY + HOUR),
    )
    yield "get_auth_token", lambda: s.get_auth_token(user, "zerodha")
    yield "list_auth_tokens", lambda: s.list_auth_tokens(user)
    yield "create_order", lambda: s.create_order(**order_row(user, "A1"))
    yield "record_fill", lambda: s.record_fill("A1", "T1", 40, 812.3, MONDAY)
    yield "import_trade", lambda: s.import_trade(**trade_row(user, "T2"))
    with pytest.deprecated_call():
        yield "record_trade", lambda: s.record_trade(**trade_row(user, "T2"))
    yield "get_order", lambda: s.get_order("A1")
    yield "update_order", lambda: s.update_order("A1", price=812.3)
    yield "get_open_orders", lambda: s.get_open_orders(user)
    yield "update_order_status", lambda: s.update_order_status("A1", "CANCELLED")
    yield "report_order", lambda: s.report_order(**order_row(user, "A2"), status="OPEN")
    place = {"user_id": user, "broker": "zerodha", "symbol": "SBIN", "exchange": "NSE"}
    report = place | {"product": "MIS", "quantity": 5, "average_price": 812.3}
    yield "bulk_update_positions", lambda: s.bulk_update_positions([report])
    days = MONDAY.date(), MONDAY.date()
    yield "get_position_adjustments", lambda: s.get_position_adjustments(user, *days)
    yield "get_order_history", lambda: s.get_order_history(user, start_date=MONDAY.date())
    yield "get_orders_after", lambda: s.get_orders_after(user)
    yield "get_trades", lambda: s.get_trades(user)
    s.import_trade(**trade_row(user, "T3", action="SELL", traded_at=MONDAY + HOUR))
    yield "get_realized_pnl", lambda: s.get_realized_pnl(user, MONDAY.date(), MONDAY.date())
    yield "create_strategy", lambda: s.create_strategy(user, "Opening range", "python")
    strategy = s.list_strategies(user)[0].id
    yield "list_strategies", lambda: s.list_strategies(user)
    yield "get_strategy", lambda: s.get_strategy(strategy)
    yield "update_strategy", lambda: s.update_strategy(strategy, description="5 minutes")
    yield "set_strategy_active", lambda: s.set_strategy_active(strategy, True)
    yield "replace_symbols", lambda: s.replace_symbols(shares(3), "zerodha")
    yield "bulk_insert_symbols", lambda: s.bulk_insert_symbols(shares(4), "zerodha")
    yield "get_symbol", lambda: s.get_symbol("SHARE1", "NSE", "zerodha")
    yield "get_symbol_by_token", lambda: s.get_symbol_by_token("T1", "NSE", "zerodha")
    yield (
        "get_symbol_by_broker_symbol",
        lambda: s.get_symbol_by_broker_symbol("SHARE1-EQ", "NSE", "zerodha"),
    )
    yield "search_symbols", lambda: s.search_symbols("SHARE1", "zerodha")
    expiry = MONDAY.date() + timedelta(days=22)
    contract = Instrument(
        "SBIN24MAR26FUT", "NFO", "F1", "SBIN26MARFUT", "SBIN", None, "FUT", 750, 0.05, expiry
    )
    option = contract._replace(
        symbol="SBIN24MAR26800CE", token="C1", broker_symbol="SBIN26MAR800CE",
        instrument_type="CE", strike=800.0, option_type="CE",
    )  # fmt: skip
    s.bulk_insert_symbols([contract, option], "zerodha")
    yield "get_futures", lambda: s.get_futures("SBIN", "NFO", "zerodha")
    yield "get_option_chain", lambda: s.get_option_chain("SBIN", "NFO", expiry, "zerodha")
    yield "last_symbol_load", lambda: s.last_symbol_load("zerodha")
    yield "symbol_loads", s.symbol_loads
    s.record_latency("A1", "zerodha", "place_order", MONDAY, MONDAY)
    flush_writers()
    yield (
        "get_latency_stats",
        lambda: s.get_latency_stats(MONDAY, MONDAY + HOUR, bucket=timedelta(days=1)),
    )
    log_a_line(MONDAY)
    yield "get_logs", s.get_logs
    yield "save_telegram_chat", lambda: s.save_telegram_chat(7, user_id=user)
    s.authorize_telegram_chat(7)
    yield "get_telegram_chat", lambda: s.get_telegram_chat(7)
    yield "list_telegram_chats", s.list_telegram_chats
    yield "queue_telegram_message", lambda: s.queue_telegram_message(7, "order", "hello")
    claimed = s.claim_telegram_messages(lease=HOUR)[0]
    yield "claim_telegram_messages", lambda: [claimed]
    yield (
        "fail_telegram_message",
        lambda: s.fail_telegram_message(claimed.id, claimed.claim, "429", retry_after=HOUR),
    )


def tells_moments(kind: Any) -> bool:
    """Whether a value of this type holds a datetime."""
    parts = typing.get_args(kind)
    if hasattr(kind, "_fields"):
        parts = tuple(typing.get_type_hints(kind).values())
    return kind is datetime or any(map(tells_moments, parts))


def test_every_function_gives_back_the_moments_that_went_in(abroad: Store) -> None:
    called = set()
    for name, call in calls(openalgo_store):
        found = moments_in(call())
        assert found, name
        for moment in found:
            assert moment in (MONDAY, MONDAY + HOUR, MIDNIGHT), name
            assert moment.tzinfo is UTC, name
        called.add(name)
    public = {name: getattr(openalgo_store, name) for name in openalgo_store.__all__}
    assert called == {
        name
        for name, thing in public.items()
        if inspect.isfunction(thing) and tells_moments(typing.get_type_hints(thing)["return"])
    }


# What is decided by moments


def test_pages_of_orders_and_of_logs_neither_repeat_nor_skip_a_row(abroad: Store) -> None:
    user = new_user()
    for number in range(5):
        add_order(user, f"A{number}", book=LIVE, placed_at=MONDAY + number * HOUR)
        log_a_line(MONDAY + number * HOUR)
    found, cursor, times = [], None, []
    for _ in range(3):
        orders = get_orders_after(user, cursor, limit=2)
        cursor = orders.next_cursor
        found += [order.order_id for order in orders.orders]
    assert (found, cursor) == (["A4", "A3", "A2", "A1", "A0"], None)
    for _ in range(3):
        page = get_logs(logger="app", cursor=cursor, limit=2)
        cursor = page.next_cursor
        times += [entry.timestamp for entry in page.entries]
    assert (times, cursor) == ([MONDAY + number * HOUR for number in (4, 3, 2, 1, 0)], None)


def test_latencies_are_counted_in_buckets_of_india(abroad: Store) -> None:
    for moment in (MIDNIGHT - MINUTE, MIDNIGHT, MIDNIGHT + 25 * MINUTE):
        record_latency("A1", "zerodha", "place_order", moment, moment)
    assert flush_writers()

    def counted(bucket: timedelta) -> list[tuple[datetime, int]]:
        found = get_latency_stats(MIDNIGHT - HOUR, MIDNIGHT + HOUR, bucket=bucket)
        return [(each.bucket, each.count) for each in found if each.bucket is not None]

    assert counted(timedelta(days=1)) == [(MIDNIGHT - 24 * HOUR, 1), (MIDNIGHT, 2)]
    assert counted(MINUTE * 20) == [
        (MIDNIGHT - 20 * MINUTE, 1), (MIDNIGHT, 1), (MIDNIGHT + 20 * MINUTE, 1),
    ]  # fmt: skip


def test_the_pnl_of_a_day_is_that_of_the_day_in_india(abroad: Store) -> None:
    user = new_user()
    for number, moment in enumerate((MIDNIGHT - MINUTE, MIDNIGHT, MIDNIGHT + 24 * HOUR)):
        import_trade(**trade_row(user, f"T{number}", quantity=10**number, traded_at=moment))
    turnover = [get_daily_pnl(user, date(2026, 3, day)).turnover for day in (1, 2, 3)]
    assert turnover == [100.0, 1000.0, 10_000.0]


def test_a_token_holds_until_it_expires_and_no_longer(abroad: Store, hand: Hand) -> None:
    user = new_user()
    save_auth_token(user, "zerodha", "an access token", token_expiry=MONDAY + HOUR)
    for now, holds in ((MONDAY + HOUR - MINUTE, True), (MONDAY + HOUR, False)):
        hand.now = now
        abroad._make_caches()  # both answers come from the database
        assert (get_auth_token(user, "zerodha") is not None) == holds


def test_a_purge_in_batches_leaves_what_is_not_old(abroad: Store) -> None:
    for number in range(3):
        moment = MONDAY + number * HOUR
        record_latency("A1", "zerodha", "place_order", moment, moment)
    assert flush_writers()
    assert purge_latency(MONDAY + 90 * MINUTE, batch_size=1) == 2
    assert get_latency_stats(MONDAY, MONDAY + 3 * HOUR)[0].count == 1
