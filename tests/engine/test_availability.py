"""A server that ends its sessions or restarts: one error for what was under way, and it goes on."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest
from sqlalchemy import func, select

from openalgo_store import (
    Settings,
    Store,
    Unavailable,
    get_read_session,
    get_write_session,
    use_store,
)
from openalgo_store.engine import postgresql
from openalgo_store.engine.queries import Query
from openalgo_store.sessions import one_statement
from tests.support.postgres_server import KEEPER, PostgresServer
from tests.support.rows import ALL_NAMES, add_user, names
from tests.support.watching import sent

pytestmark = pytest.mark.only("postgresql")

DIE = Query.of(select(func.pg_terminate_backend(func.pg_backend_pid())), bool)
END_OTHERS = f"""
    SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
    AND application_name <> '{KEEPER}'
"""


def names_alone() -> list[str]:
    """As one statement."""
    with one_statement() as tx:
        return tx.all(ALL_NAMES)


def add_alone(name: str) -> None:
    """As one statement."""
    with one_statement(readonly=False) as tx:
        add_user(tx, name)


def be_idle(count: int) -> None:
    """Have so many idle connections."""
    with ExitStack() as stack:
        for _ in range(count):
            stack.enter_context(get_read_session()).all(ALL_NAMES)


def end_sessions(server: PostgresServer, store: Store) -> int:
    """End every session of the database; how many there were."""
    with server.connect(store.settings.database_url) as admin:
        return len(admin.execute(END_OTHERS.encode()).fetchall())


@pytest.fixture
def late(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first connection that the store looks at ends just after that."""
    look, first = postgresql._has_input, [False]
    monkeypatch.setattr(
        postgresql, "_has_input", lambda driver: first.pop() if first else look(driver)
    )


def test_a_read_alone_on_a_connection_that_has_just_ended_is_answered(
    store: Store, postgres: PostgresServer, late: None
) -> None:
    be_idle(3)
    assert end_sessions(postgres, store) == 3
    assert names_alone() == []


def test_a_write_alone_on_a_connection_that_has_just_ended_is_told_and_not_repeated(
    store: Store, postgres: PostgresServer, late: None
) -> None:
    be_idle(1)
    end_sessions(postgres, store)
    with sent(store) as seen, pytest.raises(Unavailable) as raised:
        add_alone("asha")
    assert raised.value.outcome_unknown
    assert len(seen) == 1
    assert names() == []
    add_alone("asha")


def test_a_read_that_ends_its_own_connection_is_sent_twice_at_most(store: Store) -> None:
    be_idle(4)
    with sent(store) as seen, pytest.raises(Unavailable), one_statement() as tx:
        tx.value(DIE)
    assert len(seen) == 2
    with sent(store) as seen, pytest.raises(Unavailable), get_read_session() as tx:
        tx.value(DIE)
    assert len(seen) == 1
    assert names_alone() == []


def test_a_read_alone_on_a_new_connection_that_is_lost_is_told(store: Store) -> None:
    with sent(store) as seen, pytest.raises(Unavailable), one_statement() as tx:
        tx.value(DIE)
    assert len(seen) == 1


def test_a_server_that_restarts_costs_what_was_under_way_one_error_each(
    either_way: Settings, postgres: PostgresServer
) -> None:
    if postgres.restart is None:
        pytest.skip("this server cannot be restarted")
    with Store(either_way) as store, use_store(store):
        be_idle(4)
        with ExitStack() as stack:
            writer = stack.enter_context(pytest.raises(Unavailable))
            tx = stack.enter_context(get_write_session())
            add_user(tx, "asha")
            with pytest.raises(Unavailable), get_read_session() as reader:
                reader.all(ALL_NAMES)
                postgres.restart("immediate")
                reader.all(ALL_NAMES)
        assert writer.value.outcome_unknown  # its COMMIT got no answer
        with ThreadPoolExecutor(4) as threads:
            assert list(threads.map(lambda _: names_alone(), range(8))) == [[]] * 8
        add_alone("binod")
        with get_write_session() as tx:
            add_user(tx, "chitra")
        assert names() == ["binod", "chitra"]
