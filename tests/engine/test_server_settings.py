"""What a server or its environment is set to changes nothing that the store reads or writes."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from sqlalchemy import event, text
from sqlalchemy.engine import make_url

from openalgo_store import (
    LIVE,
    Settings,
    Store,
    get_engine,
    get_order,
    get_read_session,
    get_write_session,
    list_users,
    update_user,
    use_store,
)
from openalgo_store.engine.queries import Query
from openalgo_store.sessions import one_statement
from tests.support.rows import MONDAY, add_order, new_user

pytestmark = pytest.mark.only("postgresql")

ENVIRONMENT = [
    ("PGDATESTYLE", "SQL, DMY"),
    ("PGDATESTYLE", "German"),
    ("PGCLIENTENCODING", "SQL_ASCII"),
    ("PGCLIENTENCODING", "LATIN1"),
]
LEVEL = Query.of(text("SELECT current_setting('transaction_isolation')"), str)
NAME = "चंदू"


def what_is_written_is_read(store: Store) -> None:
    """By the store, which reads what the server has in binary, and by a caller, as text."""
    user = new_user(NAME)
    add_order(user, "one", book=LIVE, symbol=NAME)
    order = get_order("one")
    assert order is not None
    assert (order.symbol, order.placed_at, order.user_id) == (NAME, MONDAY, user)
    with get_read_session() as tx:
        by_caller = tx.driver_connection.execute("SELECT symbol, placed_at FROM orders")
        assert by_caller.fetchone() == (NAME, MONDAY)


@pytest.mark.parametrize(("variable", "value"), ENVIRONMENT)
def test_the_environment_of_libpq_changes_nothing(
    migrated_settings: Settings,
    engine_name: str,
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
    value: str,
) -> None:
    monkeypatch.setenv(variable, value)
    with Store(migrated_settings) as store, use_store(store):
        what_is_written_is_read(store)


@pytest.fixture
def altered(store: Store) -> Iterator[Store]:
    """A store whose role begins with other settings in this database; it is the current one."""
    database = make_url(store.settings.database_url).database
    alter = f'ALTER ROLE CURRENT_USER IN DATABASE "{database}"'
    chosen = {"datestyle": "'SQL, DMY'", "client_encoding": "'LATIN1'"}
    with get_write_session() as tx:
        for name, value in chosen.items():
            tx.driver_connection.execute(f"{alter} SET {name} TO {value}")
    with Store(store.settings) as other, use_store(other):
        yield other
    with get_write_session() as tx:
        for name in chosen:
            tx.driver_connection.execute(f"{alter} RESET {name}")


def test_the_settings_of_a_role_change_nothing(altered: Store, engine_name: str) -> None:
    what_is_written_is_read(altered)


@pytest.fixture
def strict(store: Store) -> Iterator[Store]:
    """A store whose database has serialisable transactions by default; it is the current one."""
    database = make_url(store.settings.database_url).database
    alter = f'ALTER DATABASE "{database}"'
    with get_write_session() as tx:
        tx.driver_connection.execute(f"{alter} SET default_transaction_isolation TO serializable")
    with Store(store.settings) as other, use_store(other):
        yield other
    with get_write_session() as tx:
        tx.driver_connection.execute(f"{alter} RESET default_transaction_isolation")


def test_writers_that_meet_lose_nothing_though_the_database_would_have_them_serialisable(
    strict: Store, engine_name: str, other_thread: ThreadPoolExecutor
) -> None:
    asha, binod = new_user(), new_user("binod")
    with get_write_session() as tx:
        update_user(asha, email="a@example.in", tx=tx)
        other_thread.submit(partial(update_user, binod, email="b@example.in")).result()
    assert [each.email for each in list_users()] == ["a@example.in", "b@example.in"]
    for session in (get_write_session(), one_statement(readonly=False), one_statement()):
        with session as tx:
            assert tx.value(LEVEL) == "read committed"
    with get_read_session() as tx:
        assert tx.value(LEVEL) == "repeatable read"


def test_dates_are_read_behind_a_pooler_that_drops_the_options(
    altered: Store, engine_name: str
) -> None:
    def drop_options(dialect: Any, record: Any, arguments: Any, named: dict[str, Any]) -> None:
        del named["options"]

    event.listen(get_engine(), "do_connect", drop_options)
    what_is_written_is_read(altered)


def test_a_server_that_vanished_is_given_up_within_a_minute(store: Store, engine_name: str) -> None:
    with get_read_session() as tx:
        made_with = tx.driver_connection.info.get_parameters()
    idle, interval, probes = (
        int(made_with[f"keepalives_{name}"]) for name in ("idle", "interval", "count")
    )
    assert idle + interval * probes <= 60
    assert 0 < int(made_with["tcp_user_timeout"]) <= 60_000  # of what is sent, in milliseconds
    assert 0 < int(made_with["connect_timeout"]) <= 60


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0.0004, "1ms"), (0.0, "0"), (1.5001, "1501ms"), (30.0, "30s")]
)
def test_the_shortest_limit_is_still_a_limit(
    store: Store, engine_name: str, seconds: float, shown: str
) -> None:
    hasty = replace(store.settings, db_lock_timeout=seconds)
    limit = Query.of(text("SELECT current_setting('lock_timeout')"), str)
    with Store(hasty) as other, use_store(other), get_read_session() as tx:
        assert tx.value(limit) == shown
