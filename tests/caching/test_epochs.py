"""Epochs: when a process asks whether others have changed what it keeps, and what it drops."""

import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from math import inf
from weakref import ref

import pytest

from openalgo_store import Unavailable
from openalgo_store.caching import epochs as module
from openalgo_store.caching.background_tasks import BackgroundTasks
from openalgo_store.caching.epochs import Epochs
from tests.caching.conftest import Joined
from tests.support.waiting import wait_until


class Database:
    """The epochs that are stored, with a clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = 100.0
        self.stored = {"a": 1, "b": 1}
        self.error: Exception | None = None
        self.while_reading: Callable[[], object] = lambda: None
        self.looks = 0
        self.dropped: list[str] = []

    def read(self) -> dict[str, int]:
        self.looks += 1
        found = dict(self.stored)
        self.while_reading()
        if self.error:
            raise self.error
        return found


@pytest.fixture
def database(monkeypatch: pytest.MonkeyPatch) -> Database:
    found = Database()
    monkeypatch.setattr(module, "monotonic", lambda: found.now)
    return found


def epochs_of(
    database: Database, lease: float = 5.0, tasks: BackgroundTasks | None = None
) -> Epochs:
    """Epochs that have looked once."""
    found = Epochs(database.read, lease, tasks or BackgroundTasks(), database.dropped.append)
    found.renew()
    database.dropped.clear()
    database.looks = 0
    return found


def test_within_the_lease_nobody_looks_and_after_it_the_first_who_asks(database: Database) -> None:
    epochs = epochs_of(database)
    database.now += 4.9
    epochs.renew()
    assert (database.looks, epochs.until) == (0, 105.0)
    database.now += 0.1
    for _ in range(3):
        epochs.renew()
    assert (database.looks, epochs.until, epochs.serving_until) == (1, 110.0, 110.0)


def test_before_the_first_look_nothing_is_known(database: Database) -> None:
    epochs = Epochs(database.read, 5.0, BackgroundTasks(), database.dropped.append)
    assert (epochs.until, epochs.age()) == (-inf, None)
    epochs.renew()
    assert epochs.age() == 0.0
    database.now += 3
    assert epochs.age() == 3.0


def test_a_look_counts_from_its_beginning(database: Database) -> None:
    epochs = epochs_of(database)
    database.now = 200.0
    database.while_reading = lambda: setattr(database, "now", 203.0)
    epochs.renew()
    assert epochs.until == 205.0


def test_only_what_has_moved_is_dropped_and_before_anybody_may_answer(database: Database) -> None:
    epochs = epochs_of(database)
    database.now += 5
    database.stored |= {"b": 2, "new": 1}
    until: list[float] = []

    def drop(topic: str) -> None:
        database.dropped.append(topic)
        until.append(epochs.until)

    epochs._forget = drop
    epochs.renew()
    assert (database.dropped, until) == (["b", "new"], [105.0, 105.0])
    database.now += 5
    epochs.renew()
    assert database.dropped == ["b", "new"]


def test_what_this_process_has_changed_itself_is_not_dropped(database: Database) -> None:
    epochs = epochs_of(database)
    database.stored["a"] = 2
    epochs.follow("a", 2)
    database.now += 5
    epochs.renew()
    assert database.dropped == []


class Committing:
    """A transaction of this process, as long as it is kept."""

    def __init__(self, *, is_over: bool = False) -> None:
        self.is_over = is_over

    def is_committing(self) -> bool:
        return not self.is_over


@pytest.mark.parametrize(
    ("own", "stored", "is_over", "after", "dropped"),
    [
        (2, 2, False, 0.7, []),
        (2, 2, False, 0.8, ["a"]),
        (2, 2, True, 0.0, ["a"]),  # it was rolled back, and another process made it 2
        (2, 3, False, 0.0, ["a"]),
        (3, 2, False, 0.0, ["a"]),
        (3, 3, False, 0.0, ["a"]),  # with that which another process made before
        (2, 0, False, 0.0, ["a"]),
    ],
    ids=["in time", "too late", "over", "another's later", "another's", "both", "restored"],
)
def test_a_look_leaves_an_own_change_to_who_commits_it(
    database: Database, own: int, stored: int, is_over: bool, after: float, dropped: list[str]
) -> None:
    epochs = epochs_of(database, lease=0.25)  # and an answer may be a second old
    database.now += 5
    transaction = Committing(is_over=is_over)
    epochs.leave("a", own, transaction.is_committing)
    database.stored["a"] = stored
    database.now += after
    epochs.renew()
    assert database.dropped == dropped


def test_what_it_has_followed_is_no_move_and_leaves_nothing_behind(database: Database) -> None:
    epochs = epochs_of(database, lease=0.25)
    transaction = Committing()
    epochs.leave("a", 2, transaction.is_committing)
    database.stored["a"] = 2
    epochs.follow("a", 1)  # of another transaction
    assert epochs._own_moves.keys() == {"a"}
    epochs.follow("a", 2)
    database.now += 5
    epochs.renew()
    assert database.dropped == []
    assert epochs._own_moves == {}


def test_an_own_change_that_is_never_followed_is_dropped_by_a_later_look(
    database: Database,
) -> None:
    epochs = epochs_of(database, lease=0.25)
    database.now += 5
    transaction = Committing()
    epochs.leave("a", 2, transaction.is_committing)
    database.stored["a"] = 2
    epochs.renew()
    assert database.dropped == []
    transaction.is_over = True
    database.now += 0.25
    epochs.renew()
    assert database.dropped == ["a"]


def test_a_transaction_that_is_gone_is_not_kept_and_nothing_is_left_to_it(
    database: Database,
) -> None:
    """One that failed may hold the whole master that it was to write."""
    epochs = epochs_of(database, lease=0.25)
    database.now += 5
    transaction = Committing()
    gone = ref(transaction)
    epochs.leave("a", 2, transaction.is_committing)
    database.stored["a"] = 2
    del transaction
    assert gone() is None
    epochs.renew()
    assert database.dropped == ["a"]


@pytest.mark.parametrize(("lease", "oldest"), [(0.001, 0.1), (0.25, 1.0)])
def test_no_answer_is_older_for_what_is_left_than_it_may_be(
    database: Database, lease: float, oldest: float
) -> None:
    tasks = BackgroundTasks()
    tasks.close()  # no thread looks: who asks has to
    epochs = epochs_of(database, lease, tasks)
    database.now += 5
    transaction, told = Committing(), database.now + oldest
    epochs.leave("a", 2, transaction.is_committing)
    database.stored["a"] = 2
    database.now = told - lease - 0.0001  # at the last moment
    epochs.renew()
    assert database.dropped == []
    database.now = told + 0.0001
    epochs.renew_or_serve()
    assert database.dropped == ["a"]


def test_without_a_lease_nothing_is_left(database: Database) -> None:
    epochs = Epochs(database.read, 0.0, BackgroundTasks(), database.dropped.append)
    transaction = Committing()
    epochs.leave("a", 1, transaction.is_committing)
    epochs._look()
    assert database.dropped == ["a", "b"]


@pytest.mark.parametrize("stored", [1, 2], ids=["before it", "after it"])
def test_what_a_look_reads_beside_an_own_change_is_no_move(database: Database, stored: int) -> None:
    epochs = epochs_of(database)
    database.now += 5
    database.stored["a"] = stored
    database.while_reading = lambda: epochs.follow("a", 2)
    epochs.renew()
    assert database.dropped == []
    database.stored["a"] = 2
    database.now += 5
    database.while_reading = lambda: None
    epochs.renew()
    assert database.dropped == []


def test_its_own_change_does_not_hide_that_of_another(database: Database) -> None:
    epochs = epochs_of(database)
    database.stored["a"] = 3  # the second by another process, before this one's or after it
    epochs.follow("a", 3)
    database.now += 5
    epochs.renew()
    assert database.dropped == ["a"]


def test_epochs_of_a_restored_database_are_new_though_they_are_lower(database: Database) -> None:
    database.stored["a"] = 7
    epochs = epochs_of(database)
    database.stored["a"] = 4
    database.now += 5
    epochs.renew()
    assert database.dropped == ["a"]


def test_epochs_that_a_restored_database_does_not_have_are_new_once(database: Database) -> None:
    epochs = epochs_of(database)
    del database.stored["a"]
    for _ in range(2):
        database.now += 5
        epochs.renew()
        assert database.dropped == ["a"]


def test_one_thread_looks_and_the_others_wait_for_it(database: Database, joined: Joined) -> None:
    epochs = epochs_of(database)
    database.now += 5
    go_on = threading.Event()
    database.while_reading = lambda: go_on.wait(30)
    with ThreadPoolExecutor(5) as pool:
        renewals = [pool.submit(epochs.renew) for _ in range(5)]
        joined.wait_for(4)
        assert not any(each.done() for each in renewals)
        go_on.set()
        for each in renewals:
            each.result(30)
    assert database.looks == 1


def test_a_look_that_began_too_long_ago_does_not_do_for_who_asks_now(
    database: Database, joined: Joined
) -> None:
    epochs = epochs_of(database)
    database.now += 5
    began, go_on = threading.Event(), threading.Event()

    def wait() -> None:
        database.while_reading = lambda: None
        began.set()
        assert go_on.wait(30)

    database.while_reading = wait
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(epochs.renew)
        assert began.wait(30)
        database.now += 5  # the lease of that look is over before it has ended
        second = pool.submit(epochs.renew)
        joined.wait_for(1)
        go_on.set()
        first.result(30)
        second.result(30)
    assert (database.looks, epochs.until) == (2, 115.0)


def test_while_the_database_is_away_nothing_is_vouched_for_and_symbols_are_served(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    epochs = epochs_of(database)
    database.now += 5
    database.error = Unavailable("the database is away")
    for _ in range(2):
        with pytest.raises(Unavailable):
            epochs.renew()
    with caplog.at_level(logging.WARNING):
        epochs.renew_or_serve()
    assert epochs.until == 105.0
    assert epochs.serving_until > database.now
    assert epochs.failure is database.error
    assert caplog.text.count("only symbols are served: the database is away") == 1


def test_symbols_do_not_wait_for_a_database_that_is_away(database: Database) -> None:
    epochs = epochs_of(database)
    database.now += 5
    database.error = Unavailable("the database is away")
    epochs.renew_or_serve()
    assert database.looks == 1
    go_on = threading.Event()
    database.while_reading = lambda: go_on.wait(30)
    database.stored["a"] = 2
    database.now = epochs.serving_until
    for _ in range(3):
        epochs.renew_or_serve()  # in the background, which hangs
    wait_until(lambda: database.looks == 2)
    database.error = None
    go_on.set()
    wait_until(lambda: epochs.failure is None)
    wait_until(lambda: epochs.until == database.now + 5)
    assert database.dropped == ["a"]


def test_a_database_that_is_away_is_asked_once_a_second_though_the_lease_is_short(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks, slept = BackgroundTasks(), []
    epochs = epochs_of(database, 0.01, tasks)

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        tasks.is_closed = True

    monkeypatch.setattr(module, "sleep", sleep)
    database.now += 0.5
    database.error = Unavailable("the database is away")
    epochs.renew_or_serve()
    tasks.close()
    assert (database.looks, slept, epochs.serving_until) == (1, [1.0], database.now + 1)


def test_what_is_in_use_waits_for_no_look_and_a_thread_looks(database: Database) -> None:
    tasks, go_on = BackgroundTasks(), threading.Event()
    epochs = epochs_of(database, 0.01, tasks)
    database.while_reading = lambda: go_on.wait(30)
    database.stored["a"] = 2
    database.now += 0.5
    for _ in range(3):
        epochs.renew_or_serve()
    wait_until(lambda: database.looks == 1)
    assert database.dropped == []
    go_on.set()
    wait_until(lambda: epochs.until == database.now + 0.01)
    assert database.dropped == ["a"]
    tasks.close()


def test_what_nobody_has_used_for_a_second_is_not_told_before_a_look(database: Database) -> None:
    epochs = epochs_of(database, 0.01)
    database.stored["a"] = 2
    database.now += 1.01
    epochs.renew_or_serve()
    assert (database.looks, database.dropped) == (1, ["a"])


def test_the_thread_that_looks_ends_when_nobody_asks(database: Database) -> None:
    tasks = BackgroundTasks()
    epochs = epochs_of(database, 0.01, tasks)
    database.now += 0.5
    epochs.renew_or_serve()
    wait_until(lambda: database.looks == 1)
    assert tasks._running
    database.now += 10
    wait_until(lambda: not tasks._running)
    assert database.looks == 1


def test_a_task_in_the_background_is_run_once_at_a_time_and_awaited_at_the_end() -> None:
    tasks, go_on, runs = BackgroundTasks(), threading.Event(), []

    def task() -> None:
        assert go_on.wait(30)
        runs.append(1)

    for _ in range(3):
        tasks.start("one", task)
    with ThreadPoolExecutor(1) as pool:
        closing = pool.submit(tasks.close)
        go_on.set()
        closing.result(30)
    assert runs == [1]
    tasks.start("one", task)
    assert runs == [1]


def test_a_task_that_fails_is_told_in_the_log_and_may_be_started_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    tasks = BackgroundTasks()
    for _ in range(2):
        tasks.start("a reload", lambda: 1 // 0)
        wait_until(lambda: not tasks._running)
    tasks.close()
    assert caplog.text.count("a reload failed: integer division or modulo by zero") == 2
