"""What a transaction keeps and what it undoes: blocks, errors, savepoints, callbacks."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import psycopg
import pytest
from sqlalchemy import insert, update

from openalgo_store import (
    Conflict,
    InvalidInput,
    SessionMisuse,
    Store,
    Transaction,
    TransactionFailed,
    count_symbols,
    get_read_session,
    get_write_session,
)
from openalgo_store.engine.queries import Query
from openalgo_store.engine.transaction_state import TransactionState
from openalgo_store.tables.accounts import users
from openalgo_store.tables.strategies import strategies
from openalgo_store.tables.symbols import symbols
from openalgo_store.values import clock
from tests.support.rows import ALL_NAMES, COUNT_USERS, add_user, names, user


def break_a_rule(tx: Transaction) -> None:
    """A database error: the name is taken."""
    add_user(tx, "asha")


def test_a_block_that_ends_normally_is_kept(store: Store) -> None:
    with get_write_session() as tx:
        add_user(tx, "asha")
        assert tx.all(ALL_NAMES) == ["asha"]
    assert names() == ["asha"]


def test_an_exception_undoes_the_whole_block(store: Store) -> None:
    with pytest.raises(ZeroDivisionError), get_write_session() as tx:
        add_user(tx, "asha")
        _ = 1 / 0
    assert names() == []


def test_a_session_that_runs_no_statement_makes_no_connection(store: Store) -> None:
    with get_write_session() as tx:
        assert tx._state.driver is None


def test_a_database_error_that_is_caught_still_fails_the_session(with_asha: Store) -> None:
    with pytest.raises(TransactionFailed) as raised, get_write_session() as tx:
        add_user(tx, "binod")
        with pytest.raises(Conflict):
            break_a_rule(tx)
    assert isinstance(raised.value.__cause__, Conflict)
    assert names() == ["asha"]


def test_no_verb_works_after_a_database_error(with_asha: Store) -> None:
    verbs: list[Callable[[Transaction], object]] = [
        lambda tx: tx.one(ALL_NAMES),
        lambda tx: tx.value(COUNT_USERS),
        lambda tx: tx.all(ALL_NAMES),
        lambda tx: tx.stream(ALL_NAMES),
        lambda tx: tx.run(Query.of(update(users).values(is_active=False))),
        lambda tx: tx.many(Query.of(insert(users)), [user("chitra")]),
        lambda tx: tx.copy(strategies, ["name"], []),
        lambda tx: tx.lock("any"),
        lambda tx: tx.before_commit("any", print),
        lambda tx: tx.after_commit(print),
        lambda tx: tx.connection,
        lambda tx: tx.driver_connection,
        lambda tx: tx.savepoint().__enter__(),
    ]
    with pytest.raises(TransactionFailed), get_write_session() as tx:
        with pytest.raises(Conflict):
            break_a_rule(tx)
        for verb in verbs:
            with pytest.raises(TransactionFailed, match="nothing of this transaction can be kept"):
                verb(tx)


def test_an_error_through_the_core_connection_fails_the_session_too(with_asha: Store) -> None:
    with pytest.raises(TransactionFailed), get_write_session() as tx:
        with pytest.raises(Conflict):
            tx.connection.execute(insert(users).values(**user("asha")))


def test_a_transaction_that_the_driver_knows_to_be_lost_is_not_taken_for_committed(
    store: Store, engine_name: str
) -> None:
    """COMMIT would roll it back without a word."""
    seen: list[str] = []
    with pytest.raises(TransactionFailed), get_write_session() as tx:
        add_user(tx, "asha")
        tx.after_commit(lambda: seen.append("ran"))
        if engine_name == "sqlite":
            tx.driver_connection.execute("ROLLBACK")  # as SQLite does when the disk is full
        else:
            with pytest.raises(psycopg.Error):
                tx.driver_connection.execute("SELECT 1 / 0")
    assert names() == []
    assert seen == []


def test_a_failed_copy_fails_the_session(store: Store) -> None:
    columns = ["broker", "symbol", "broker_symbol", "token", "exchange", "last_updated"]
    row = ("b", "S", "S", "1", "NSE", None)  # last_updated needs a value
    with pytest.raises(TransactionFailed), get_write_session() as tx:
        with pytest.raises(InvalidInput, match="last_updated needs a value"):
            tx.copy(symbols, columns, [row])
    assert count_symbols() == 0


def test_a_copy_whose_rows_end_in_an_error_fails_the_session(store: Store) -> None:
    def rows() -> Iterator[tuple[object, ...]]:
        yield from [("b", f"S{n}", "S", "1", "NSE", clock.now()) for n in range(3)]
        raise ZeroDivisionError

    columns = ["broker", "symbol", "broker_symbol", "token", "exchange", "last_updated"]
    with pytest.raises(TransactionFailed), get_write_session() as tx:
        with pytest.raises(ZeroDivisionError):
            tx.copy(symbols, columns, rows())
    assert count_symbols() == 0
    with get_read_session() as tx:
        with pytest.raises(SessionMisuse, match="a read session cannot write"):
            tx.copy(symbols, columns, [])


@pytest.mark.filterwarnings("error")
def test_a_lost_connection_fails_the_session_even_behind_a_savepoint(store: Store) -> None:
    for inside in (True, False):
        with pytest.raises(TransactionFailed, match="can be kept"), get_write_session() as tx:
            add_user(tx, "asha")
            if inside:
                with pytest.raises(ZeroDivisionError), tx.savepoint():
                    tx.connection.invalidate()
                    _ = 1 / 0
            else:
                tx.connection.invalidate()
            with pytest.raises(TransactionFailed):
                tx.all(ALL_NAMES)
    assert names() == []


def test_a_savepoint_can_fail_alone(with_asha: Store) -> None:
    with get_write_session() as tx:
        add_user(tx, "binod")
        with pytest.raises(Conflict), tx.savepoint():
            add_user(tx, "chitra")
            break_a_rule(tx)
        add_user(tx, "devi")
    assert names() == ["asha", "binod", "devi"]


def test_a_savepoint_does_not_hide_an_error_that_is_caught_inside(with_asha: Store) -> None:
    with get_write_session() as tx:
        with pytest.raises(TransactionFailed), tx.savepoint():
            with pytest.raises(Conflict):
                break_a_rule(tx)
        add_user(tx, "binod")
    assert names() == ["asha", "binod"]


def test_savepoints_nest(with_asha: Store) -> None:
    with get_write_session() as tx:
        with tx.savepoint():
            add_user(tx, "binod")
            with pytest.raises(Conflict), tx.savepoint():
                break_a_rule(tx)
            add_user(tx, "chitra")
    assert names() == ["asha", "binod", "chitra"]


def test_last_steps_are_part_of_the_transaction_one_for_each_name_and_in_their_order(
    store: Store,
) -> None:
    seen: list[str] = []
    with get_write_session() as tx:
        add_user(tx, "asha")
        tx.before_commit("b", lambda: add_user(tx, "chitra"))
        tx.before_commit("a", lambda: add_user(tx, "binod"))
        tx.before_commit("b", lambda: seen.append("a second b"))
        tx.after_commit(lambda: seen.append("committed"))
    assert (names(), seen) == (["asha", "binod", "chitra"], ["committed"])


def test_a_last_step_may_be_the_only_one_and_is_not_taken_after_an_error_that_was_caught(
    with_asha: Store,
) -> None:
    seen: list[str] = []
    with get_write_session() as tx:
        tx.before_commit("any", lambda: add_user(tx, "binod"))
        tx.after_commit(lambda: seen.append("committed"))
    assert (names(), seen) == (["asha", "binod"], ["committed"])
    with pytest.raises(TransactionFailed), get_write_session() as tx:
        tx.before_commit("any", lambda: seen.append("taken"))
        with pytest.raises(Conflict):
            break_a_rule(tx)
    assert seen == ["committed"]


def test_a_last_step_that_fails_keeps_nothing_and_is_not_taken_where_nothing_is_kept(
    store: Store,
) -> None:
    seen: list[str] = []
    with pytest.raises(ZeroDivisionError), get_write_session() as tx:
        add_user(tx, "asha")
        tx.before_commit("any", lambda: 1 // 0)
        tx.after_commit(lambda: seen.append("committed"))
    with pytest.raises(KeyError), get_write_session() as tx:
        add_user(tx, "asha")
        tx.before_commit("any", lambda: seen.append("taken"))
        raise KeyError
    assert (names(), seen) == ([], [])


def test_callbacks_run_after_the_commit_and_in_order(store: Store) -> None:
    seen: list[object] = []
    with get_write_session() as tx:
        add_user(tx, "asha")
        tx.after_commit(lambda: seen.append(names()))
        tx.after_commit(lambda: seen.append("second"))
        assert seen == []
    assert seen == [["asha"], "second"]


def test_a_transaction_is_committing_from_its_commit_until_its_callbacks_are_done(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[str, bool]] = []
    perform = TransactionState.perform

    def watched(state: TransactionState, statement: str, *given: Any, **named: Any) -> Any:
        if statement == "COMMIT":
            seen.append((statement, tx.is_committing()))
        return perform(state, statement, *given, **named)

    monkeypatch.setattr(TransactionState, "perform", watched)
    with get_write_session() as tx:
        add_user(tx, "asha")
        tx.before_commit("any", lambda: seen.append(("before", tx.is_committing())))
        for each in ("first", "last"):
            tx.after_commit(partial(lambda name: seen.append((name, tx.is_committing())), each))
    assert seen == [("before", False), ("COMMIT", True), ("first", True), ("last", True)]
    assert not tx.is_committing()


def test_a_transaction_that_is_rolled_back_is_not_committing_even_as_it_is_given_back(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[bool] = []
    release = TransactionState.release

    def watched(state: TransactionState) -> None:
        seen.append(tx.is_committing())
        release(state)

    monkeypatch.setattr(TransactionState, "release", watched)
    with pytest.raises(KeyError), get_write_session() as tx:
        add_user(tx, "asha")
        raise KeyError
    with get_write_session() as tx:
        add_user(tx, "binod")
    assert seen == [False, True]


def test_callbacks_of_what_was_rolled_back_do_not_run(with_asha: Store) -> None:
    seen: list[str] = []
    with get_write_session() as tx:
        tx.after_commit(lambda: seen.append("outer"))
        with pytest.raises(Conflict), tx.savepoint():
            tx.after_commit(lambda: seen.append("inner"))
            break_a_rule(tx)
    assert seen == ["outer"]
    with pytest.raises(TransactionFailed), get_write_session() as tx:
        tx.after_commit(lambda: seen.append("failed"))
        with pytest.raises(Conflict):
            break_a_rule(tx)
    assert seen == ["outer"]


def test_an_error_of_a_callback_is_logged_and_the_others_run(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[str] = []
    with get_write_session() as tx:
        add_user(tx, "asha")
        tx.after_commit(lambda: 1 / 0)
        tx.after_commit(lambda: seen.append("ran"))
    assert seen == ["ran"]
    assert names() == ["asha"]
    assert "ZeroDivisionError" in caplog.text
