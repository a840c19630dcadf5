"""Nobody waits for ever: for a row or a name, in one statement or in many, behind a pooler too."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import text

from openalgo_store import Settings, Store, Transaction, Unavailable, use_store
from openalgo_store.engine.queries import Query
from openalgo_store.sessions import one_statement, reading, writing
from tests.support.rows import ALL_NAMES, add_user
from tests.support.waiting import DEADLINE

pytestmark = pytest.mark.only("postgresql")

HIDE: Query[None] = Query.of(text("LOCK TABLE users IN ACCESS EXCLUSIVE MODE"))
IDLE = Query.of(text("SELECT current_setting('idle_in_transaction_session_timeout')"), str)
SLEEP = Query.of(text("SELECT pg_sleep(:seconds)"), str)


def write_alone() -> None:
    with one_statement(readonly=False) as tx:
        add_user(tx, "asha")


def write_in_a_session() -> None:
    with writing() as tx:
        add_user(tx, "asha")


def read_alone() -> None:
    with one_statement() as tx:
        tx.all(ALL_NAMES)


def read_in_a_session() -> None:
    with reading() as tx:
        tx.all(ALL_NAMES)


def lock() -> None:
    with writing() as tx:
        tx.lock("the daily load")


WAITS: list[tuple[Callable[[Transaction], object], Callable[[], None]]] = [
    (lambda tx: add_user(tx, "asha"), write_alone),
    (lambda tx: add_user(tx, "asha"), write_in_a_session),
    (lambda tx: tx.run(HIDE), read_alone),
    (lambda tx: tx.run(HIDE), read_in_a_session),
    (lambda tx: tx.lock("the daily load"), lock),
]


@pytest.mark.parametrize(("hold", "want"), WAITS, ids=lambda each: each.__name__.strip("<>"))
def test_who_wants_what_a_session_holds_that_does_not_end_is_told(
    either_way: Settings,
    other_thread: ThreadPoolExecutor,
    hold: Callable[[Transaction], object],
    want: Callable[[], None],
) -> None:
    with Store(replace(either_way, db_lock_timeout=0.2)) as store, use_store(store):
        with writing() as holder:
            hold(holder)
            with pytest.raises(Unavailable, match="DB_LOCK_TIMEOUT") as raised:
                other_thread.submit(want).result(DEADLINE)
        assert not raised.value.outcome_unknown
        assert not raised.value.retryable


@pytest.mark.parametrize("session", [reading, writing])
def test_a_session_that_does_nothing_inside_its_transaction_is_ended_at_last(
    either_way: Settings, session: Callable[[], "Transaction"]
) -> None:
    with Store(either_way) as store, use_store(store), session() as tx:  # type: ignore[attr-defined]
        assert tx.value(IDLE) == "10min"


@pytest.mark.parametrize("session", [one_statement, reading, writing])
def test_a_statement_that_runs_too_long_is_ended(
    either_way: Settings, session: Callable[[], "Transaction"]
) -> None:
    with Store(replace(either_way, db_statement_timeout=1)) as store, use_store(store):
        with pytest.raises(Unavailable, match="DB_STATEMENT_TIMEOUT"), session() as tx:  # type: ignore[attr-defined]
            tx.value(SLEEP, seconds=DEADLINE)
        with session() as tx:  # type: ignore[attr-defined]
            assert tx.all(ALL_NAMES) == []
