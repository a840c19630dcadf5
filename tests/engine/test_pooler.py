"""PgBouncer in transaction mode: each transaction may have another session of the server."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC
from typing import Any

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url

from openalgo_store import (
    LIVE,
    ConfigurationError,
    Settings,
    Store,
    get_daily_pnl,
    get_order,
    get_read_session,
    get_user_by_username,
    get_write_session,
    import_trade,
    init_databases,
    replace_symbols,
    use_store,
)
from openalgo_store.engine.queries import Query
from openalgo_store.schema.migrate import pending_migrations, run_migrations
from openalgo_store.sessions import one_statement
from openalgo_store.tables.accounts import users
from tests.support.pooler import PooledServer
from tests.support.postgres_server import PostgresServer
from tests.support.rows import (
    ALL_NAMES,
    MONDAY,
    add_order,
    add_user,
    master,
    names,
    new_user,
    shares,
    trade_row,
    user,
)

pytestmark = pytest.mark.only("postgresql")

SHOW = text(
    "SELECT concat_ws(' ', pg_backend_pid(), current_setting('TimeZone'), "
    "current_setting('DateStyle'), current_setting('lock_timeout'), "
    "current_setting('statement_timeout'), current_setting('idle_in_transaction_session_timeout'))"
)
SHOWN = Query.of(SHOW, str)
LEVEL = Query.of(text("SELECT current_setting('transaction_isolation')"), str)
MARK: Query[None] = Query.of(text("UPDATE users SET email = email || '+' WHERE username = :name"))
KEPT = """
    SELECT (SELECT count(*) FROM pg_prepared_statements), (SELECT count(*) FROM pg_cursors),
           (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'),
           (SELECT count(*) FROM pg_settings WHERE source = 'session'),
           pg_my_temp_schema(), pg_backend_pid()
"""
"""What a session of the server has of those who had it before."""


@pytest.fixture
def pooled(pooled_settings: Settings) -> Iterator[Store]:
    """A store behind the pooler; it is the current one."""
    with Store(pooled_settings) as store, use_store(store):
        yield store


def open_sessions(count: int) -> None:
    """Make the pooler open so many sessions of the server, which it then gives in turn."""
    with ExitStack() as stack:
        for _ in range(count):
            stack.enter_context(get_read_session()).all(ALL_NAMES)


def neighbour(url: str) -> "psycopg.Connection[Any]":
    """Another client of the pooler."""
    target = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    return psycopg.connect(target, autocommit=True, prepare_threshold=None)


def test_reads_of_four_threads_find_what_they_should(pooled: Store) -> None:
    numbers = {name: new_user(name) for name in ("asha", "binod", "chitra", "divya")}

    def read(name: str) -> int:
        found = 0
        for _ in range(40):
            alone = get_user_by_username(name)
            with get_read_session() as tx:
                within = get_user_by_username(name, tx=tx)
                found += alone is not None and alone == within and alone.id == numbers[name]
                found += names() == list(numbers)
                found += tx.all(ALL_NAMES) == list(numbers)
        return found

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(read, numbers)) == [120] * 4


@pytest.fixture
def set_otherwise(migrated_settings: Settings, postgres: PostgresServer) -> Iterator[None]:
    """The database gives each new session another zone, date style and limit."""
    url = migrated_settings.database_url
    chosen = {"timezone": "Asia/Kolkata", "datestyle": "German, DMY", "lock_timeout": "1ms"}
    with postgres.connect(url) as admin:
        alter = f'ALTER DATABASE "{make_url(url).database}"'
        for name, value in chosen.items():
            admin.execute(f"{alter} SET {name} TO '{value}'".encode())
        yield
        admin.execute(f"{alter} RESET ALL".encode())


def test_moments_and_days_are_the_same_whatever_the_session_is_set_to(
    set_otherwise: None, pooled: Store
) -> None:
    number = new_user()
    add_order(number, "one", book=LIVE)
    import_trade(**trade_row(number, "T1"))
    alone = get_order("one")
    with get_read_session() as tx:
        within = get_order("one", tx=tx)
    assert alone is not None
    assert alone == within
    assert (alone.placed_at, alone.placed_at.tzinfo) == (MONDAY, UTC)
    assert get_daily_pnl(number, MONDAY.date()).turnover == 1000.0


def test_every_statement_obeys_the_store_whoever_had_the_session_before(
    set_otherwise: None, pooled: Store
) -> None:
    settings = replace(pooled.settings, db_lock_timeout=7, db_statement_timeout=11)
    open_sessions(3)
    with neighbour(pooled.settings.database_url) as other:
        for _ in range(6):
            other.execute("SET lock_timeout = 1; SET statement_timeout = 2")
            other.execute("SET default_transaction_isolation = serializable")
    asked: list[str] = []
    with Store(settings) as store, use_store(store):
        for _ in range(4):
            for session in (
                get_write_session(),
                get_read_session(),
                one_statement(),
                one_statement(readonly=False),
            ):
                with session as tx:
                    asked.append(tx.value(SHOWN) or "")
            with store.databases["main"].engine.connect() as connection:
                asked.append(str(connection.scalar(SHOW)))
            for session in (get_write_session(), one_statement(readonly=False)):
                with session as tx:
                    assert tx.value(LEVEL) == "read committed"
    pids, said = zip(*(each.split(" ", 1) for each in asked), strict=True)
    assert set(said) == {"UTC ISO, DMY 7s 11s 10min"}
    assert len(set(pids)) >= 3


def test_nothing_of_a_transaction_stays_in_a_session(pooled: Store) -> None:
    open_sessions(3)
    with neighbour(pooled.settings.database_url) as other:
        before = {other.execute(KEPT).fetchone() for _ in range(12)}
        replace_symbols(shares(50), "zerodha")
        replace_symbols(shares(60), "zerodha")  # compares, and so streams
        for number in range(20):
            add_alone(f"user{number}")
            with get_write_session() as tx:
                tx.lock("a name")
                tx.many(MARK, [{"name": "user1"}, {"name": "user2"}])
        assert len(master()) == 60
        assert {other.execute(KEPT).fetchone() for _ in range(12)} == before
    assert len({row[-1] for row in before if row}) >= 3


def add_alone(name: str) -> None:
    """As one statement."""
    with one_statement(readonly=False) as tx:
        tx.run(Query.of(users.insert().values(**user(name))))


def test_a_single_statement_is_kept_as_its_block_ends_and_a_failed_one_leaves_nothing(
    pooled: Store,
) -> None:
    add_alone("asha")
    with pytest.raises(Exception, match="already has a row"):
        add_alone("asha")
    with pytest.raises(ZeroDivisionError), one_statement(readonly=False) as tx:
        add_user(tx, "binod")
        _ = 1 / 0
    assert names() == ["asha"]


def test_migrations_are_applied_through_it(
    pooler: PooledServer, postgres: PostgresServer, engine_name: str
) -> None:
    direct = postgres.create_database()
    url = pooler.url(str(make_url(direct).database))
    try:
        with ThreadPoolExecutor(2) as threads:
            applied = list(threads.map(lambda _: run_migrations(url, "main"), range(2)))
        assert sorted(map(bool, applied)) == [False, True]
        assert pending_migrations(direct, "main") == []
        with postgres.connect(direct) as connection:
            locks = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database = "
            mine = "(SELECT oid FROM pg_database WHERE datname = current_database())"
            assert connection.execute(f"{locks}{mine}".encode()).fetchone() == (0,)
    finally:
        pooler.disconnect(str(make_url(url).database))
        postgres.drop_database(direct)


def test_a_store_that_does_not_know_of_the_pooler_says_which_setting_it_needs(
    pooled_settings: Settings,
) -> None:
    unaware = replace(pooled_settings, db_pooler="none")
    with pytest.raises(ConfigurationError, match="set DB_POOLER=transaction"):
        init_databases(unaware)
    with Store(unaware) as store, use_store(store):
        with pytest.raises(ConfigurationError, match="set DB_POOLER=transaction"):
            names()


def test_its_own_limit_of_connections_is_not_that_of_the_server(
    pooled: Store, caplog: pytest.LogCaptureFixture
) -> None:
    with init_databases(replace(pooled.settings, db_pool_size=500)) as store:
        assert store.settings.db_pool_size == 500
    assert "max_connections" not in caplog.text


def test_sessions_of_the_server_that_end_cost_nobody_an_error(
    pooled: Store, postgres: PostgresServer
) -> None:
    open_sessions(3)
    end = "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE pid <> "
    end += "pg_backend_pid() AND datname = current_database()"
    with postgres.connect(pooled.settings.database_url) as admin:
        assert len(admin.execute(end.encode()).fetchall()) >= 3
    for _ in range(6):
        assert names() == []
        assert get_user_by_username("asha") is None
