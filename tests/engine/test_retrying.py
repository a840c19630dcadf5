"""retrying: what loses against another transaction is run again, and nothing else is."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
from sqlalchemy import text

from openalgo_store import (
    Conflict,
    InvalidInput,
    SessionMisuse,
    Store,
    Transaction,
    TransactionFailed,
    Unavailable,
    get_read_session,
    get_write_session,
    retrying,
)
from openalgo_store.engine.queries import Query
from tests.support.endings import lose_one_answer
from tests.support.rows import ALL_NAMES, add_user, names
from tests.support.waiting import DEADLINE

MARK: Query[None] = Query.of(text("UPDATE users SET email = email || '+' WHERE username = :name"))
EMAILS = Query.of(text("SELECT email FROM users ORDER BY id"), str)
REPEATABLE: Query[None] = Query.of(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))


@pytest.fixture
def two_users(store: Store) -> Store:
    with get_write_session() as tx:
        add_user(tx, "asha", email="a")
        add_user(tx, "binod", email="b")
    return store


def emails() -> list[str]:
    with get_read_session() as tx:
        return tx.all(EMAILS)


def both(first: Callable[[], int], second: Callable[[], int]) -> list[int]:
    """What two threads return that run these at once."""
    with ThreadPoolExecutor(2) as pool:
        running = [pool.submit(first), pool.submit(second)]
        return [each.result(DEADLINE) for each in running]


class Attempts:
    """Counts the attempts of one thread, and lets the first ones of several meet in the middle."""

    def __init__(self, together: threading.Barrier) -> None:
        self.count = 0
        self._together = together

    def begin(self) -> None:
        self.count += 1

    def meet(self) -> None:
        """Wait for the others, at the first attempt alone."""
        if self.count == 1:
            self._together.wait(DEADLINE)


@pytest.mark.only("postgresql")
def test_who_loses_a_deadlock_is_run_again_and_nothing_is_lost(two_users: Store) -> None:
    together = threading.Barrier(2)

    def crossing(*order: str) -> int:
        attempts = Attempts(together)

        def mark() -> None:
            attempts.begin()
            with get_write_session() as tx:
                tx.run(MARK, name=order[0])
                attempts.meet()
                tx.run(MARK, name=order[1])

        retrying(mark)
        return attempts.count

    counts = both(lambda: crossing("asha", "binod"), lambda: crossing("binod", "asha"))
    assert sorted(counts) == [1, 2]
    assert emails() == ["a++", "b++"]


@pytest.mark.only("postgresql")
def test_who_wrote_on_what_has_changed_since_is_run_again(two_users: Store) -> None:
    together = threading.Barrier(2)

    def writing() -> int:
        attempts = Attempts(together)

        def mark() -> None:
            attempts.begin()
            with get_write_session() as tx:
                tx.run(REPEATABLE)
                tx.all(EMAILS)  # the snapshot
                attempts.meet()
                tx.run(MARK, name="asha")

        retrying(mark)
        return attempts.count

    assert sorted(both(writing, writing)) == [1, 2]
    assert emails() == ["a++", "b"]


@pytest.mark.only("sqlite")
def test_who_would_write_on_a_snapshot_that_is_too_old_is_run_again(two_users: Store) -> None:
    """As a caller can who makes a writer of a read session: BEGIN of the store's own never does."""
    attempts = 0

    def read_then_write() -> None:
        nonlocal attempts
        attempts += 1
        with get_read_session() as tx:
            tx.driver_connection.execute("PRAGMA query_only = OFF")
            tx.all(EMAILS)  # the snapshot
            if attempts == 1:
                with get_write_session() as other:
                    other.run(MARK, name="asha")
            tx.connection.exec_driver_sql("UPDATE users SET email = email || '*'")

    retrying(read_then_write)
    assert attempts == 2
    assert emails() == ["a+*", "b*"]


def lose(tx: Transaction) -> None:
    """Fail as the loser of a deadlock does."""
    error = Unavailable("a deadlock")
    error.retryable = True
    tx.fail(error)
    raise error


def test_only_so_many_attempts_are_made_and_the_last_error_is_told(store: Store) -> None:
    calls: list[int] = []

    def unlucky() -> None:
        with get_write_session() as tx:
            add_user(tx, "asha")
            calls.append(len(tx.all(ALL_NAMES)))
            lose(tx)

    for attempts in (1, 3):
        calls.clear()
        with pytest.raises(Unavailable, match="a deadlock"):
            retrying(unlucky, attempts=attempts)
        assert calls == [1] * attempts  # each finds nothing of those before it
    assert names() == []


@pytest.mark.parametrize("attempts", [0, -1, 1.5, "3", None])
def test_a_number_of_attempts_that_is_none_is_refused(attempts: object) -> None:
    with pytest.raises(InvalidInput, match="attempts"):
        retrying(names, attempts=attempts)  # type: ignore[arg-type]


def test_what_the_unit_returns_is_returned_and_other_errors_pass_through(store: Store) -> None:
    calls: list[str] = []

    def add_twice() -> None:
        calls.append("add")
        with get_write_session() as tx:
            add_user(tx, "asha")
            add_user(tx, "asha")

    def be_away() -> None:
        calls.append("away")
        raise Unavailable("it is away")

    assert retrying(names) == []
    with pytest.raises(Conflict):
        retrying(add_twice)
    with pytest.raises(Unavailable, match="away"):
        retrying(be_away)
    assert calls == ["add", "away"]


@pytest.mark.only("postgresql")
def test_what_may_have_been_committed_is_not_run_again(store: Store, engine_name: str) -> None:
    def add() -> None:
        with get_write_session() as tx:
            add_user(tx, "asha")

    with lose_one_answer(), pytest.raises(Unavailable) as raised:
        retrying(add)
    assert raised.value.outcome_unknown
    assert names() == ["asha"]


def test_an_error_whose_outcome_is_unknown_is_never_run_again() -> None:
    calls: list[int] = []

    def unheard() -> None:
        calls.append(1)
        error = Unavailable("no answer")
        error.retryable = error.outcome_unknown = True
        raise error

    with pytest.raises(Unavailable, match="no answer"):
        retrying(unheard)
    assert calls == [1]


def test_inside_a_write_session_it_is_refused_before_anything_runs(store: Store) -> None:
    with get_write_session("logs"), pytest.raises(SessionMisuse, match="call it outside"):
        retrying(names)
    assert retrying(names) == []


def test_a_unit_that_hides_the_error_is_told_that_nothing_was_kept(store: Store) -> None:
    def hide() -> None:
        with get_write_session() as tx:
            add_user(tx, "asha")
            with suppress(Unavailable):
                lose(tx)

    with pytest.raises(TransactionFailed):
        retrying(hide)
    assert names() == []
