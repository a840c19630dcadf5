"""A standby of PostgreSQL that streams: whose reads it serves, and when this process's own."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url

from openalgo_store import (
    LIVE,
    SessionMisuse,
    Settings,
    Store,
    Unavailable,
    check_health,
    create_api_key,
    flush_writers,
    get_order,
    get_read_session,
    get_user_by_api_key,
    get_write_session,
    list_api_keys,
    use_store,
)
from openalgo_store.engine import replica as replicas
from openalgo_store.engine.dialect import Replication
from openalgo_store.engine.queries import Query
from openalgo_store.sessions import one_statement
from tests.engine.conftest import reads_the_replica
from tests.support.interrupts import Interrupted
from tests.support.round_trips import tracing
from tests.support.rows import add_order, add_user, new_user
from tests.support.standby import Pair, ask
from tests.support.waiting import DEADLINE, wait_until

Answer = Callable[[], Replication]
pytestmark = pytest.mark.only("postgresql")


@contextmanager
def elsewhere(store: Store) -> Iterator[None]:
    """Another process, which has no replica."""
    with Store(replace(store.settings, read_database_url="")) as other, use_store(other):
        yield


@contextmanager
def asking(store: Store) -> Iterator[list[str]]:
    """Whom the store asks how far the log is, meanwhile."""
    assert store.replica is not None
    asked: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        for name, dialect in (
            ("replica", store.replica.dialect),
            ("main", store.replica.primary),
        ):
            ask_it = dialect.replication

            def noted(name: str = name, ask_it: Callable[[], Any] = ask_it) -> Any:
                asked.append(name)
                return ask_it()

            patch.setattr(dialect, "replication", noted)
        yield asked


def test_reads_go_to_the_standby_writes_and_what_is_in_them_to_the_primary(
    streaming: Store, engine_name: str
) -> None:
    assert reads_the_replica()
    with get_write_session() as tx:
        assert not reads_the_replica(tx)
    with get_read_session(primary=True) as tx:
        assert not reads_the_replica(tx)
    with get_read_session("sandbox") as tx:
        assert not reads_the_replica(tx)


@pytest.mark.parametrize("pin", [0, 3600])
def test_a_process_sees_what_it_has_written_though_the_standby_does_not(
    streamed_settings: Settings, pair: Pair, engine_name: str, pin: float
) -> None:
    """However long that takes: READ_REPLICA_PIN does not count where the standby tells."""
    settings = replace(streamed_settings, read_replica_pin=pin)
    with Store(settings) as store, Store(settings) as another, use_store(store):
        user = new_user()
        wait_until(reads_the_replica)
        pair.standby.pause()
        add_order(user, "mine", book=LIVE)
        for _ in range(3):
            assert get_order("mine") is not None
            assert not reads_the_replica()
        with use_store(another):  # one that has written nothing
            assert reads_the_replica()
            assert get_order("mine") is None
        assert get_order("mine") is not None
        pair.standby.resume()
        wait_until(reads_the_replica)
        assert get_order("mine") is not None


def test_and_though_all_its_connections_to_the_primary_are_in_use(
    streamed_settings: Settings, pair: Pair, engine_name: str
) -> None:
    """How far the log is has a connection of its own: else it would be as if nobody could tell."""
    settings = replace(
        streamed_settings,
        read_replica_pin=0,
        db_pool_size=1,
        db_max_overflow=0,
        db_pool_timeout=0,
    )
    with Store(settings) as store, use_store(store):
        user = new_user()
        wait_until(reads_the_replica)
        pair.standby.pause()
        add_order(user, "mine", book=LIVE)
        with get_write_session() as tx, asking(store) as asked:
            add_order(user, "busy", book=LIVE, tx=tx)
            while asked.count("main") < 3:
                with pytest.raises(Unavailable, match="every connection to"):
                    get_order("mine")
        assert get_order("mine") is not None


def test_what_is_written_after_the_log_was_asked_is_waited_for_too(
    streaming: Store, pair: Pair, engine_name: str
) -> None:
    user = new_user()
    assert get_order("second") is None  # asks how far the log is
    pair.wait_for_replay()
    pair.standby.pause()
    add_order(user, "second", book=LIVE)
    assert get_order("second") is not None


def test_a_session_that_has_not_begun_reads_what_was_written_meanwhile(
    streaming: Store, pair: Pair, engine_name: str
) -> None:
    pair.standby.pause()
    with get_read_session() as tx:
        assert tx.on_replica
        new_user()
        assert not reads_the_replica(tx)
        assert not tx.on_replica
    with get_read_session() as tx:
        assert not tx.on_replica


def test_a_write_of_any_thread_counts(streaming: Store, pair: Pair, engine_name: str) -> None:
    pair.standby.pause()
    assert reads_the_replica()
    thread = threading.Thread(target=new_user)
    thread.start()
    thread.join()
    assert not reads_the_replica()


def test_a_write_whose_outcome_is_unknown_counts_and_one_that_is_rolled_back_does_not(
    streaming: Store, pair: Pair, engine_name: str
) -> None:
    pair.standby.pause()
    with pytest.raises(Interrupted), get_write_session() as tx:
        add_user(tx, "asha")
        raise Interrupted
    assert reads_the_replica()

    def commit_and_raise(driver: Any) -> None:
        driver.execute("COMMIT")
        raise Interrupted

    with pytest.MonkeyPatch.context() as patch, pytest.raises(Interrupted):
        with get_write_session() as tx:
            add_user(tx, "asha")
            patch.setattr(psycopg.Connection, "commit", commit_and_raise)
    assert not reads_the_replica()


def test_a_write_that_comes_while_the_primary_answers_is_waited_for(
    streaming: Store, pair: Pair, engine_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says how far the log had gone before that write."""
    user = new_user()
    pair.wait_for_replay()
    assert streaming.replica is not None
    primary = streaming.replica.primary
    answer = primary.replication

    def answer_and_write() -> Replication:
        told = answer()
        monkeypatch.undo()
        pair.standby.pause()
        add_order(user, "late", book=LIVE)
        return told

    monkeypatch.setattr(primary, "replication", answer_and_write)
    wait_until(lambda: get_order("late") is not None)
    for _ in range(3):
        assert get_order("late") is not None


def test_what_is_committed_without_waiting_for_the_disk_is_waited_for(
    streaming: Store, pair: Pair, engine_name: str, pass_time: Callable[[float], None]
) -> None:
    """For a moment the standby shows all that is on the primary's disk, and lacks it."""
    hasty = make_url(streaming.settings.database_url).update_query_dict(
        {"options": "-c synchronous_commit=off"}
    )
    url = hasty.render_as_string(hide_password=False)
    user = new_user()
    with Store(replace(streaming.settings, database_url=url)) as store:
        for number in range(5):
            with elsewhere(streaming):
                add_order(user, f"theirs{number}", book=LIVE)
            pair.wait_for_replay()
            with use_store(store):
                add_order(user, f"ours{number}", book=LIVE)
                for _ in range(3):
                    assert get_order(f"ours{number}") is not None
                    pass_time(0.1)  # so that the next read asks


def test_a_use_of_a_key_is_not_waited_for(
    streamed_settings: Settings, pair: Pair, engine_name: str
) -> None:
    """Nobody reads it from the standby, and a busy process writes one all the time."""
    with Store(replace(streamed_settings, api_key_pepper="p" * 40)) as store, use_store(store):
        issued = create_api_key(new_user())
        wait_until(reads_the_replica)
        pair.standby.pause()
        assert get_user_by_api_key(issued.api_key) is not None
        assert flush_writers()
        assert list_api_keys(issued.user_id)[0].last_used is not None
        assert reads_the_replica()


def test_without_writes_nobody_is_asked_and_a_write_is_asked_for_by_the_first_read(
    streaming: Store,
    pair: Pair,
    engine_name: str,
    monkeypatch: pytest.MonkeyPatch,
    pass_time: Callable[[float], None],
) -> None:
    monkeypatch.setattr(replicas, "_LOOK", 3600.0)
    user = new_user()
    pair.wait_for_replay()
    with Store(streaming.settings) as store, use_store(store):
        assert reads_the_replica()
        add_order(user, "first", book=LIVE)  # makes the connection and the statement
        wait_until(reads_the_replica)
        with asking(store) as asked:
            with tracing(store) as sent:
                for _ in range(100):
                    assert reads_the_replica()
                assert asked == []
                pair.standby.pause()
                add_order(user, "second", book=LIVE)
                assert asked == []
            assert len(sent) == 1, sent
            for _ in range(3):
                assert not reads_the_replica()
                pass_time(1)
            pair.standby.resume()
            wait_until(reads_the_replica)
        assert asked[0] == "main"
        assert asked.count("main") == 1
        assert set(asked[1:]) == {"replica"}


def test_one_thread_asks_and_the_others_read_the_primary(
    streaming: Store, engine_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though the standby does not answer."""
    assert streaming.replica is not None
    assert reads_the_replica()
    go_on, calls = threading.Event(), []
    answer = streaming.replica.dialect.replication

    def wait() -> Replication:
        calls.append(threading.get_ident())
        assert go_on.wait(30)
        return answer()

    monkeypatch.setattr(streaming.replica.dialect, "replication", wait)
    streaming.replica.doubt()
    first = threading.Thread(target=wait_until, args=(reads_the_replica,))
    first.start()
    wait_until(lambda: bool(calls))
    assert [reads_the_replica() for _ in range(20)] == [False] * 20
    assert calls == [first.ident]
    go_on.set()
    first.join()
    assert reads_the_replica()


def test_the_end_of_a_page_of_the_log_is_not_waited_for(
    streaming: Store, pair: Pair, engine_name: str
) -> None:
    """Where nothing follows, the standby stands at its end and the primary behind a header."""
    assert streaming.replica is not None
    primary, standby = streaming.replica.primary, streaming.replica.dialect
    is_behind_a_header = "SELECT (pg_current_wal_insert_lsn() - '0/0') % 8192 = 40"
    for number in range(5):
        new_user(f"user{number}")
        ask(pair.primary.admin, "SELECT pg_switch_wal()")
        written = primary.replication().position
        if ask(pair.primary.admin, is_behind_a_header):  # nor was anything else written
            break
    pair.wait_for_replay()
    assert written is not None
    assert (standby.replication().position or 0) >= written


def test_the_standby_cannot_be_written_through_a_read_session(
    streaming: Store, engine_name: str
) -> None:
    write: Query[None] = Query.of(text("DELETE FROM users"))
    refused = "a read session cannot write: use get_write_session"
    with pytest.raises(SessionMisuse, match=refused), get_read_session() as tx:
        assert tx.on_replica
        tx.run(write)
    with pytest.raises(SessionMisuse, match=refused), get_read_session() as tx:
        tx.connection.execute(text("DELETE FROM users"))
    with pytest.raises(SessionMisuse, match=refused), one_statement() as tx:
        assert tx.on_replica
        tx.run(write)


def test_a_store_tells_how_its_replica_is(streaming: Store, pair: Pair, engine_name: str) -> None:
    replica = streaming.replica
    assert replica is not None
    assert reads_the_replica()
    host = make_url(streaming.settings.read_database_url)
    identity = f"{host.host}:{host.port}/{host.database}"
    assert replica.status() == (identity, True, 0.0, None)
    health = check_health(DEADLINE)
    assert health.ok
    assert health.warnings == []  # that a standby is read-only is none
    assert health.databases[-1].replica == (identity, True, 0.0, None)
    pair.standby.pause()
    new_user()
    assert check_health(DEADLINE).ok  # it only has to replay what this process has written
    _, serves, lag, problem = replica.status()
    assert (serves, problem) == (False, None)
    assert lag is None or lag > 0
