"""How a transaction ends when its COMMIT is interrupted or unheard, and what is called then."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from openalgo_store import (
    Conflict,
    SessionMisuse,
    Store,
    Transaction,
    TransactionFailed,
    Unavailable,
    get_read_session,
    get_write_session,
)
from openalgo_store.engine.sqlite.connections import Connection
from openalgo_store.tables.symbols import symbols
from openalgo_store.values import clock
from tests.support.endings import lose_one_answer
from tests.support.interrupts import Interrupted
from tests.support.rows import ALL_NAMES, add_user, names

DRIVERS: dict[str, Any] = {"sqlite": Connection, "postgresql": psycopg.Connection}


def note_endings(tx: Transaction, seen: list[str]) -> None:
    """Note which of the two callbacks is called."""
    tx.after_commit(lambda: seen.append("committed"), unknown=lambda: seen.append("unknown"))


@contextmanager
def interrupted_commits(engine_name: str) -> Iterator[None]:
    """Within the block an interrupt comes as each COMMIT begins."""

    def interrupt(connection: Any) -> None:
        raise Interrupted

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DRIVERS[engine_name], "commit", interrupt)
        yield


def test_an_interrupt_as_commit_begins_calls_nothing_that_needs_the_commit(
    store: Store, engine_name: str
) -> None:
    seen: list[str] = []
    with interrupted_commits(engine_name), pytest.raises(Interrupted), get_write_session() as tx:
        add_user(tx, "asha")
        note_endings(tx, seen)
        tx.after_commit(lambda: seen.append("committed"))
    assert names() == []
    assert seen == ["unknown"]


@pytest.mark.only("postgresql")
@pytest.mark.parametrize("out_of_step", [False, True], ids=["lost", "two answers"])
def test_a_commit_whose_answer_is_lost_is_kept_and_calls_what_is_meant_for_that(
    store: Store, engine_name: str, out_of_step: bool
) -> None:
    seen: list[str] = []
    lost = lose_one_answer(out_of_step=out_of_step)
    with lost, pytest.raises(Unavailable) as raised, get_write_session() as tx:
        add_user(tx, "asha")
        note_endings(tx, seen)
        used = tx.connection.connection.driver_connection
    assert raised.value.outcome_unknown
    assert seen == ["unknown"]
    assert names() == ["asha"]
    assert used is not None
    assert used.closed  # nobody else gets what comes of it later


def test_a_connection_whose_rollback_failed_is_nobodys_any_more(
    store: Store, engine_name: str
) -> None:
    """It may be out of step: what comes back next would be the answer to another question."""
    driver = DRIVERS[engine_name]
    rollback, error = driver.rollback, store.databases["main"].driver_error

    def fail_once(connection: Any) -> None:
        patch.undo()
        rollback(connection)
        raise error("received 2 results from command 'ROLLBACK'")

    with pytest.MonkeyPatch.context() as patch:
        with pytest.raises(ZeroDivisionError), get_write_session() as tx:
            add_user(tx, "asha")
            used = tx._state.driver
            patch.setattr(driver, "rollback", fail_once)
            _ = 1 / 0
    assert store.databases["main"].is_lost(used)
    assert names() == []


REFUSED_AT_COMMIT = {
    "sqlite": (
        "PRAGMA defer_foreign_keys = ON",
        """
        INSERT INTO strategies (user_id, name, strategy_type, is_active, created_at)
        VALUES (99, 'of nobody', 'python', FALSE, '2026-03-02 04:00:00.000000')
        """,
    ),
    "postgresql": (
        """
        CREATE FUNCTION pg_temp.refuse() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN RAISE EXCEPTION 'run it again' USING ERRCODE = '40001'; END
        $$
        """,
        "CREATE TEMPORARY TABLE refused (id int)",
        """
        CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON refused
            DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION pg_temp.refuse()
        """,
        "INSERT INTO refused VALUES (1)",
    ),
}
"""What is looked at only when the transaction is to be committed."""


def test_a_commit_that_the_database_refuses_is_known_to_have_failed(
    store: Store, engine_name: str
) -> None:
    seen: list[str] = []
    refusal = Conflict if engine_name == "sqlite" else Unavailable
    with pytest.raises(refusal) as raised, get_write_session() as tx:
        add_user(tx, "asha")
        note_endings(tx, seen)
        for statement in REFUSED_AT_COMMIT[engine_name]:
            tx.driver_connection.execute(statement)
    assert not getattr(raised.value, "outcome_unknown", False)
    assert seen == []
    assert names() == []


def test_an_exception_that_is_no_error_undoes_the_block_too(store: Store) -> None:
    seen: list[str] = []
    for raised in (KeyboardInterrupt, SystemExit, GeneratorExit):
        with pytest.raises(raised), get_write_session() as tx:
            add_user(tx, "asha")
            note_endings(tx, seen)
            raise raised
    assert names() == []
    assert seen == []


def test_an_interrupt_of_a_statement_that_is_caught_still_fails_the_session(
    store: Store, engine_name: str
) -> None:
    """Nobody knows how far the statement came."""

    def interrupt(*sent: Any) -> None:
        raise Interrupted

    with pytest.raises(TransactionFailed) as failed, get_write_session() as tx:
        add_user(tx, "asha")
        with pytest.MonkeyPatch.context() as patch, pytest.raises(Interrupted):
            patch.setattr(DRIVERS[engine_name], "execute", interrupt)
            add_user(tx, "binod")
        with pytest.raises(TransactionFailed):
            add_user(tx, "chitra")
    assert "was interrupted by Interrupted" in str(failed.value.__cause__)
    assert names() == []


def test_an_interrupt_amid_the_rows_of_a_copy_that_is_caught_fails_the_session(
    store: Store,
) -> None:
    columns = ["broker", "symbol", "broker_symbol", "token", "exchange", "last_updated"]

    def rows() -> Iterator[tuple[object, ...]]:
        yield ("b", "S", "S", "1", "NSE", clock.now())
        raise Interrupted

    with pytest.raises(TransactionFailed), get_write_session() as tx:
        with pytest.raises(Interrupted):
            tx.copy(symbols, columns, rows())
        with pytest.raises(TransactionFailed):
            add_user(tx, "asha")
    assert names() == []


def test_each_callback_is_called_once_even_when_one_raises_an_interrupt(store: Store) -> None:
    seen: list[str] = []

    def interrupt() -> None:
        seen.append("interrupt")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), get_write_session() as tx:
        add_user(tx, "asha")
        tx.after_commit(lambda: seen.append("first"))
        tx.after_commit(interrupt)
        tx.after_commit(lambda: seen.append("last"))
    assert names() == ["asha"]
    assert seen == ["first", "interrupt", "last"]


def test_a_callback_finds_the_database_free_to_be_written(store: Store) -> None:
    """Connection and writer lock are given back by then."""
    seen: list[str] = []

    def write() -> None:
        with pytest.raises(SessionMisuse, match="ended"):
            tx.all(ALL_NAMES)
        with get_write_session() as other:
            add_user(other, "binod")
            seen.extend(other.all(ALL_NAMES))

    with get_write_session() as tx:
        add_user(tx, "asha")
        tx.after_commit(write)
    assert seen == ["asha", "binod"]


def test_what_is_read_in_a_session_that_only_reads_calls_back_as_well(store: Store) -> None:
    seen: list[str] = []
    with get_read_session() as tx:
        tx.all(ALL_NAMES)
        note_endings(tx, seen)
    assert seen == ["committed"]
