"""A signal handler that raises, as Ctrl-C does, costs its own session and nothing else."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count

import pytest

from openalgo_store import (
    Settings,
    Store,
    get_engine,
    get_read_session,
    get_write_session,
    use_store,
)
from openalgo_store.engine.sqlite.connections import GATE
from tests.support.interrupts import interrupted_at
from tests.support.rows import ALL_NAMES, add_user


@pytest.fixture
def impatient(migrated_settings: Settings) -> Iterator[Store]:
    """A store in which a lock that is lost is an error, and not a long wait."""
    settings = replace(migrated_settings, db_sqlite_busy_timeout=2, db_pool_timeout=2)
    with Store(settings) as store, use_store(store):
        yield store


def connections_in_use(engine_name: str) -> int:
    """How many connections a session still has."""
    if engine_name == "sqlite":
        return len(GATE.in_use())
    return int(get_engine().pool.checkedout())  # type: ignore[attr-defined]


def write_one(name: str) -> None:
    with get_write_session() as tx:
        add_user(tx, name)


def write_in_a_savepoint(name: str) -> None:
    with get_write_session() as tx, tx.savepoint():
        add_user(tx, name)


def read_all(name: str) -> None:
    with get_read_session() as tx:
        tx.all(ALL_NAMES)


@pytest.mark.filterwarnings("ignore:nested transaction already")
@pytest.mark.parametrize("work", [write_one, write_in_a_savepoint, read_all])
def test_an_interrupt_at_any_place_leaves_no_lock_and_no_connection(
    impatient: Store, engine_name: str, work: Callable[[str], None]
) -> None:
    write_one("first")  # what is made once, a compiled statement or a pool, is there
    expected = {"first"}
    for number in count(1):
        name = f"user{number}"
        place = interrupted_at(number, lambda name=name: work(name))  # type: ignore[misc]
        if place is None:
            break
        assert connections_in_use(engine_name) == 0, place
        write_one(f"after{number}")
        expected |= {name, f"after{number}"}
    assert number > 50
    with get_read_session() as tx:
        found = set(tx.all(ALL_NAMES))
    assert found <= expected | {name}
    assert {each for each in found if each.startswith("after")} == {
        each for each in expected if each.startswith("after")
    }
