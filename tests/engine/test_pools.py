"""The pool of PostgreSQL, also where a signal handler that raises has made it lose count."""

import gc
from collections.abc import Iterator
from dataclasses import replace
from typing import NoReturn

import pytest
from sqlalchemy.pool import QueuePool

from openalgo_store import (
    Settings,
    Store,
    Unavailable,
    get_engine,
    get_read_session,
    get_write_session,
    use_store,
)
from tests.support.interrupts import Interrupted
from tests.support.rows import ALL_NAMES, add_user, names

pytestmark = [
    pytest.mark.only("postgresql"),  # SQLite has none
    pytest.mark.filterwarnings("ignore:.*was deleted while still open"),  # what nobody has
]


@pytest.fixture
def two_connections(migrated_settings: Settings, engine_name: str) -> Iterator[Store]:
    """A store whose pool is soon exhausted; it is the current one."""
    small = replace(migrated_settings, db_pool_size=1, db_max_overflow=1, db_pool_timeout=0.05)
    with Store(small) as store, use_store(store):
        yield store
    gc.collect()  # what nobody has, before another test complains of it


def lose_a_slot() -> None:
    """Let an interrupt come when the pool has counted a connection and nobody has it yet."""
    take = QueuePool._do_get

    def take_and_raise(pool: QueuePool) -> NoReturn:
        take(pool)
        raise Interrupted

    with pytest.MonkeyPatch.context() as patch, pytest.raises(Interrupted):
        patch.setattr(QueuePool, "_do_get", take_and_raise)
        names()


def test_the_next_session_works_when_every_connection_is_lost(two_connections: Store) -> None:
    for _ in range(3):
        lose_a_slot()
        lose_a_slot()
        assert get_engine().pool.checkedout() == 2  # type: ignore[attr-defined]
        assert names() == []
        assert get_engine().pool.checkedout() == 0  # type: ignore[attr-defined]


def test_a_session_that_has_a_connection_goes_on_beside_a_new_pool(two_connections: Store) -> None:
    with get_write_session() as tx:
        add_user(tx, "asha")
        lose_a_slot()
        assert names() == []
        add_user(tx, "binod")
    assert names() == ["asha", "binod"]


def test_a_pool_that_is_in_use_stays_and_says_so(two_connections: Store) -> None:
    with get_read_session() as first, get_read_session() as second:
        first.all(ALL_NAMES)
        second.all(ALL_NAMES)
        pool = get_engine().pool
        with pytest.raises(Unavailable, match="DB_POOL_SIZE"):
            names()
        assert get_engine().pool is pool
    assert names() == []


def test_who_uses_the_engine_counts_as_well(two_connections: Store) -> None:
    with get_engine().connect(), get_engine().connect():
        pool = get_engine().pool
        with pytest.raises(Unavailable, match="DB_POOL_SIZE"):
            names()
        assert get_engine().pool is pool
