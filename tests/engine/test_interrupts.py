"""A signal handler that raises, as Ctrl-C does, costs its own session and nothing else."""

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from itertools import count
from typing import NoReturn

import psycopg
import pytest
from sqlalchemy import func, select

from openalgo_store import (
    LIVE,
    Settings,
    Store,
    get_engine,
    get_order,
    get_read_session,
    get_write_session,
    record_fill,
    use_store,
)
from openalgo_store.engine.queries import Query
from openalgo_store.engine.sqlite.connections import GATE, Connection
from tests.support.chance import SOAK
from tests.support.interrupts import Interrupted, interrupted_at
from tests.support.rows import ALL_NAMES, MONDAY, add_order, add_user, names

COUNT_TRADES = Query.of(select(func.count()).select_from(LIVE.tables.trades), int)


SPARSE = 1 if SOAK else 7
"""Of so many places one is tried."""


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


def create_one_order(name: str) -> None:
    """A single statement, which returns what it has written."""
    add_order(1, name, book=LIVE)


def get_one_order(name: str) -> None:
    get_order(name)


def fill_one_order(name: str) -> None:
    """Each fill is a trade of its own, of one order."""
    record_fill("filled", name, 1, 100.0, MONDAY)


@pytest.mark.parametrize(
    "work",
    [
        write_one,
        write_in_a_savepoint,
        read_all,
        create_one_order,
        get_one_order,
        fill_one_order,
    ],
)
def test_an_interrupt_at_any_place_leaves_no_lock_and_no_connection(
    impatient: Store, engine_name: str, work: Callable[[str], None]
) -> None:
    write_one("first")
    add_order(1, "filled", book=LIVE, quantity=1_000_000)
    work("once")  # what is made once, a compiled statement or a pool, is there
    expected = {"first", "once"}
    for number in count(1, SPARSE):
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
    order = get_order("filled")
    assert order is not None
    with get_read_session() as tx:
        assert order.fill_quantity == tx.value(COUNT_TRADES)  # of a fill all is kept or nothing


class TornCursor(sqlite3.Cursor):
    """A cursor whose statement is executed, and whose rows nobody gets."""

    def fetchmany(self, size: int | None = 1) -> NoReturn:
        raise Interrupted


def tear_results(engine_name: str, patch: pytest.MonkeyPatch) -> None:
    """From now on an interrupt comes after each statement and before its rows are read."""
    if engine_name == "sqlite":
        patch.setattr(
            Connection, "execute", lambda self, *sent: self.cursor(TornCursor).execute(*sent)
        )
    else:
        patch.setattr(psycopg.Cursor, "fetchmany", TornCursor.fetchmany)


def create_one_of_two_orders(name: str) -> None:
    with get_write_session() as tx:
        add_order(1, name, book=LIVE, tx=tx)
        add_order(1, f"{name}-2", book=LIVE, tx=tx)


@pytest.mark.parametrize("work", [create_one_order, create_one_of_two_orders, read_all])
def test_who_keeps_an_interrupt_with_its_traceback_keeps_no_lock(
    impatient: Store, engine_name: str, work: Callable[[str], None]
) -> None:
    """Between a statement and its rows, when all its frames and cursors live on."""
    write_one("first")
    with pytest.MonkeyPatch.context() as patch, pytest.raises(Interrupted) as kept:
        tear_results(engine_name, patch)
        work("order")
    assert connections_in_use(engine_name) == 0
    write_one("second")
    hasty = replace(impatient.settings, db_sqlite_busy_timeout=0.05)
    with Store(hasty) as other, use_store(other):  # as good as another process
        write_one("third")
    assert names() == ["first", "second", "third"]
    assert kept.traceback
    assert get_order("order-2") is None


@pytest.mark.only("sqlite")
def test_who_keeps_a_cursor_of_the_driver_keeps_no_lock(impatient: Store) -> None:
    """SQLite closes a file only when the last cursor is gone."""
    kept = []
    write = "UPDATE users SET email = email || 'x' RETURNING id"
    write_one("first")
    write_one("second")
    session = get_write_session()
    kept.append(session.__enter__().driver_connection.execute(write))
    del session
    with pytest.raises(ZeroDivisionError), get_write_session() as tx:
        kept.append(tx.driver_connection.execute(write))
        _ = 1 / 0
    held = impatient.databases["main"].check_out()
    held.dbapi_connection.execute("BEGIN IMMEDIATE")  # type: ignore[union-attr]
    kept.append(held.dbapi_connection.execute(write))  # type: ignore[union-attr]
    del held
    hasty = replace(impatient.settings, db_sqlite_busy_timeout=0.05)
    with Store(hasty) as other, use_store(other):
        write_one("third")
    assert len(kept) == 3


@pytest.mark.parametrize("work", [write_one, read_all])
def test_a_signal_handler_may_read_wherever_it_interrupts(
    impatient: Store, engine_name: str, work: Callable[[str], None]
) -> None:
    """Also while its thread opens a connection, which each of these does anew."""
    write_one("first")
    seen: list[str] = []
    for number in count(1, SPARSE):
        impatient.databases["main"].before_fork()  # nothing stays idle
        name = f"user{number}"
        if not interrupted_at(number, partial(work, name), lambda: seen.extend(names())):
            break
        assert "first" in seen, number
        assert connections_in_use(engine_name) == 0
        seen.clear()
    assert number > 50
