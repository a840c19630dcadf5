"""A standby that is stopped, promoted or behind, or whose primary is: reads go on."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from math import inf
from typing import Any

import psycopg
import pytest
from sqlalchemy.engine import make_url

from openalgo_store import (
    LIVE,
    Settings,
    Store,
    Unavailable,
    check_health,
    get_order,
    get_read_session,
    get_user,
    use_store,
)
from openalgo_store.engine.dialect import Replication
from openalgo_store.engine.replica import Replica
from openalgo_store.engine.replica_state import ReplicaState
from tests.engine.conftest import reads_the_replica
from tests.support.rows import ALL_NAMES, add_order, names, new_user
from tests.support.standby import Pair, ask
from tests.support.waiting import DEADLINE, wait_until

pytestmark = pytest.mark.only("postgresql")

_AGE = "SELECT extract(epoch FROM now() - pg_last_xact_replay_timestamp())"


def said(caplog: pytest.LogCaptureFixture, level: int) -> list[str]:
    """What was logged of the replica."""
    return [
        each.getMessage()
        for each in caplog.records
        if each.levelno == level and "replica" in each.getMessage()
    ]


@contextmanager
def elsewhere(settings: Settings) -> Iterator[None]:
    """Another process, which has no replica."""
    with Store(replace(settings, read_database_url="")) as store, use_store(store):
        yield


def test_a_standby_that_is_away_is_left_out_with_one_warning_and_comes_back(
    streaming: Store, pair: Pair, engine_name: str, caplog: pytest.LogCaptureFixture
) -> None:
    with elsewhere(streaming.settings):
        new_user()
    pair.wait_for_replay()
    assert reads_the_replica()
    pair.standby.stop()
    for _ in range(5):
        assert names() == ["asha"]
    assert streaming.replica is not None
    wait_until(lambda: bool(names() and said(caplog, logging.WARNING)))
    status = streaming.replica.status()
    assert (status.serves, status.lag) == (False, None)
    assert "cannot be reached" in str(status.problem)
    (problem,) = check_health(DEADLINE).problems
    assert problem.startswith("replica: ")
    assert names() == ["asha"]
    pair.standby.start()
    wait_until(reads_the_replica)
    (warning,), (info,) = said(caplog, logging.WARNING), said(caplog, logging.INFO)
    assert "is left out, reads go to DATABASE_URL: PostgreSQL 127.0.0.1:" in warning
    assert "throwaway" not in warning
    assert info.endswith("serves reads again")
    assert streaming.replica.problem is None


def test_a_session_whose_standby_dies_before_its_first_answer_goes_on_with_the_primary(
    streaming: Store, pair: Pair, engine_name: str
) -> None:
    """Between the look at the connection and the statement."""
    with elsewhere(streaming.settings):
        add_order(new_user(), "one", book=LIVE)
    pair.wait_for_replay()
    with losing_a_standby(pair) as lost:
        assert get_order("one") is not None  # a statement alone
    assert lost == [True, True]  # it tried another connection, and only then the primary
    assert streaming.replica is not None
    assert streaming.replica._fit_until == -inf  # the next one looks at it first
    wait_until(reads_the_replica)
    with losing_a_standby(pair) as lost, get_read_session() as tx:
        assert tx.on_replica
        assert tx.all(ALL_NAMES) == ["asha"]
        assert not tx.on_replica
        assert tx.all(ALL_NAMES) == ["asha"]
    assert lost == [True]


@contextmanager
def losing_a_standby(pair: Pair) -> Iterator[list[bool]]:
    """Each session on the standby is ended by its server when it has begun; which were."""
    begin, lost = ReplicaState.begin, []

    def begin_and_lose(state: ReplicaState) -> object:
        driver = begin(state)
        if state.on_replica:
            pid = driver.info.backend_pid
            lost.append(ask(pair.standby.admin, f"SELECT pg_terminate_backend({pid}, 5000)"))
        return driver

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ReplicaState, "begin", begin_and_lose)
        yield lost


def test_a_session_that_has_read_from_a_standby_that_dies_has_failed(
    streaming: Store, pair: Pair, engine_name: str
) -> None:
    """What it has read and what it would read belong to one snapshot."""
    with pytest.raises(Unavailable), get_read_session() as tx:
        assert reads_the_replica(tx)
        pair.standby.stop()
        tx.all(ALL_NAMES)
    assert names() == []


def test_a_standby_that_was_promoted_is_left_out_by_those_who_know_it_and_by_new_ones(
    streaming: Store, pair: Pair, engine_name: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert reads_the_replica()
    pair.standby.promote()
    with elsewhere(streaming.settings):
        new_user()
    wait_until(lambda: names() == ["asha"])  # what the promoted one never hears of
    with Store(streaming.settings) as another, use_store(another):
        assert names() == ["asha"]
        assert another.replica is not None
        assert "was it promoted?" in str(another.replica.problem)
    assert names() == ["asha"]
    assert len(said(caplog, logging.WARNING)) == 2  # one of each store


def test_while_the_primary_is_away_the_standby_serves_what_can_be_read_there(
    streaming: Store, pair: Pair, engine_name: str, caplog: pytest.LogCaptureFixture
) -> None:
    """And nothing else: neither what decides who may enter, nor what may lack a write of ours."""
    user = new_user()
    wait_until(reads_the_replica)
    pair.standby.pause()
    add_order(user, "ours", book=LIVE)
    hasty = Store(replace(streaming.settings, read_replica_pin=0))
    with use_store(hasty):
        add_order(user, "theirs", book=LIVE)
    pair.stop_primary()
    with Store(streaming.settings) as another, use_store(another):
        assert get_order("ours") is None  # it knows no better
        with pytest.raises(Unavailable):
            get_user(user)
        with pytest.raises(Unavailable):
            add_order(user, "next", book=LIVE)
    with hasty, use_store(hasty):
        assert get_order("theirs") is None  # it has been READ_REPLICA_PIN since
    with pytest.raises(Unavailable):
        get_order("ours")
    pair.standby.resume()
    pair.start_primary()
    wait_until(reads_the_replica)
    assert get_order("ours") is not None
    assert said(caplog, logging.WARNING) == []


def test_a_write_that_is_known_to_be_missing_is_waited_for_though_the_primary_is_away(
    streaming: Store, pair: Pair, engine_name: str
) -> None:
    impatient = replace(streaming.settings, read_replica_pin=0)
    user = new_user()
    pair.wait_for_replay()
    with Store(impatient) as store, use_store(store):
        assert reads_the_replica()
        pair.standby.pause()
        add_order(user, "ours", book=LIVE)
        replica = store.replica
        assert replica is not None
        wait_until(lambda: finds("ours") and replica._sampled is replica._write)
        pair.stop_primary()
        wait_until(lambda: not finds("ours") and replica._is_primary_silent)
        with pytest.raises(Unavailable):
            get_order("ours")
        pair.standby.resume()
        wait_until(lambda: finds("ours"))
        assert reads_the_replica()


def is_refused() -> bool:
    """Whether a read finds nobody to serve it."""
    try:
        names()
    except Unavailable:
        return True
    return False


def finds(order_id: str) -> bool:
    """Whether the order is read, from whom ever."""
    try:
        return get_order(order_id) is not None
    except Unavailable:
        return False


def test_a_standby_that_is_behind_is_left_out_and_one_of_an_idle_primary_is_not(
    streamed_settings: Settings,
    pair: Pair,
    engine_name: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with elsewhere(streamed_settings):
        new_user()
    pair.wait_for_replay()
    wait_until(lambda: bool(ask(pair.standby.admin, _AGE) > 1))
    with Store(replace(streamed_settings, read_replica_max_lag=1)) as store, use_store(store):
        assert reads_the_replica()
        pair.standby.pause()
        with elsewhere(streamed_settings):
            new_user("binod")
        wait_until(lambda: names() == ["asha", "binod"])  # of the primary, at most a second later
        wait_until(lambda: bool(names() and said(caplog, logging.WARNING)))
        assert store.replica is not None
        assert (store.replica.status().lag or 0) > 1
        (problem,) = check_health(DEADLINE).problems
        assert problem == "replica: it is over 1 s (READ_REPLICA_MAX_LAG) behind"
        pair.stop_primary()
        replica = store.replica
        wait_until(lambda: is_refused() and replica._is_primary_silent)
        assert is_refused()
        pair.start_primary()
        with Store(store.settings) as another, use_store(another):  # it never saw the standby well
            assert names() == ["asha", "binod"]
        pair.standby.resume()
        wait_until(reads_the_replica)
        assert store.replica.status().lag == 0
    (warning,), (info,) = said(caplog, logging.WARNING), said(caplog, logging.INFO)
    assert warning.endswith("it is over 1 s (READ_REPLICA_MAX_LAG) behind")
    assert info.endswith("serves reads again")


def test_one_that_may_be_little_behind_is_looked_at_more_often(
    streamed_settings: Settings, pair: Pair, engine_name: str, pass_time: Callable[[float], None]
) -> None:
    with Store(replace(streamed_settings, read_replica_max_lag=0.2)) as store, use_store(store):
        wait_until(reads_the_replica)
        pair.standby.pause()
        with elsewhere(streamed_settings):
            new_user()
        pass_time(0.3)
        assert names() == ["asha"]


def test_a_standby_that_may_not_be_asked_is_waited_for_by_time(
    streaming: Store, pair: Pair, engine_name: str
) -> None:
    """As servers are that somebody else runs."""
    url = make_url(streaming.settings.database_url)
    with psycopg.connect(
        url.set(drivername="postgresql").render_as_string(hide_password=False), autocommit=True
    ) as admin:
        admin.execute("REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC")
        admin.execute("CREATE ROLE reader LOGIN IN ROLE pg_read_all_data")
    try:
        pair.wait_for_replay()
        theirs = make_url(streaming.settings.read_database_url).set(username="reader")
        settings = replace(
            streaming.settings,
            read_database_url=theirs.render_as_string(hide_password=False),
            read_replica_pin=1,
        )
        with Store(settings) as store, use_store(store):
            assert reads_the_replica()
            new_user()
            assert not reads_the_replica()
            wait_until(reads_the_replica)
            assert store.replica is not None
            assert store.replica.status().lag is None
    finally:
        ask(pair.primary.admin, "DROP ROLE reader")


def test_what_a_crash_of_the_primary_has_lost_is_not_waited_for(
    streaming: Store, pair: Pair, engine_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its log goes on from where it was on the disk, a failover's from where the standby was."""
    assert streaming.replica is not None
    primary = streaming.replica.primary
    answer, asked = primary.replication, []

    def answer_from_memory() -> Replication:
        monkeypatch.undo()
        asked.append(answer())
        return asked[0]._replace(position=(asked[0].position or 0) + 10**9)

    monkeypatch.setattr(primary, "replication", answer_from_memory)
    new_user()
    wait_until(lambda: bool(names() and asked))
    assert not reads_the_replica()
    wait_until(reads_the_replica)


def test_a_look_that_loses_its_connection_leaves_it_out_of_the_pool(
    streaming: Store, pair: Pair, engine_name: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Else the pool finds it broken, and says so at ERROR."""
    assert streaming.replica is not None
    standby = streaming.replica.dialect
    check_out, lost = standby.check_out, []

    def check_out_and_lose() -> object:
        held = check_out()
        driver: Any = held.driver_connection
        end = f"SELECT pg_terminate_backend({driver.info.backend_pid}, 60000)"
        lost.append(ask(pair.standby.admin, end))
        return held

    assert standby.replication().is_standby
    with pytest.MonkeyPatch.context() as patch, pytest.raises(Unavailable):
        patch.setattr(standby, "check_out", check_out_and_lose)
        standby.replication()
    assert lost == [True]
    assert standby.replication().is_standby
    assert [each for each in caplog.records if each.levelno >= logging.ERROR] == []


def test_a_signal_handler_that_ends_a_look_leaves_the_next_one_to_others(
    streaming: Store, engine_name: str
) -> None:
    replica = streaming.replica
    assert replica is not None
    with pytest.MonkeyPatch.context() as patch:

        def raise_at_once(self: Replica) -> None:
            raise KeyboardInterrupt

        patch.setattr(Replica, "_look", raise_at_once)
        with pytest.raises(KeyboardInterrupt) as kept:
            names()
    wait_until(reads_the_replica)
    assert kept.traceback  # which holds all that the look had
