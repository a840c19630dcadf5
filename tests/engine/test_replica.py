"""A copy of main that does not tell how far it is, on both engines: a file, another database."""

import logging
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from math import inf
from pathlib import Path

import pytest

from openalgo_store import (
    ConfigurationError,
    SessionMisuse,
    Settings,
    Store,
    Unavailable,
    bulk_insert_symbols,
    check_health,
    get_read_session,
    get_symbol,
    get_symbol_tokens,
    get_write_session,
    init_databases,
    use_store,
    warm_symbol_cache,
)
from openalgo_store.engine.dialect import Replication
from tests.support.command import AWAY
from tests.support.rows import ALL_NAMES, add_user, names, shares
from tests.support.settings import Urls, settings_of
from tests.support.waiting import DEADLINE, wait_until

FORKS = pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork")
OTHERS = {"sqlite": AWAY["postgresql"], "postgresql": AWAY["sqlite"]}


@pytest.fixture
def copied(migrated_settings: Settings, copy_of_main: Callable[[], str]) -> Settings:
    """Settings of databases with an empty copy of main that nobody keeps up to date."""
    return replace(migrated_settings, read_database_url=copy_of_main(), read_replica_pin=3600)


@pytest.fixture
def behind(copied: Settings) -> Iterator[Store]:
    """A store with such a copy; it is the current one."""
    with Store(copied) as store, use_store(store):
        yield store


def write(name: str) -> None:
    with get_write_session() as tx:
        add_user(tx, name)


def test_a_copy_is_read_until_this_process_writes(behind: Store) -> None:
    with get_read_session() as tx:
        assert tx.on_replica
    write("asha")
    assert names() == ["asha"]
    with Store(behind.settings) as another, use_store(another):
        assert names() == []


def test_symbols_are_those_of_the_primary(behind: Store) -> None:
    """What is loaded into memory, and what is asked for because the master in memory lacks it."""

    def load_elsewhere(count: int) -> None:
        with Store(replace(behind.settings, read_database_url="")) as other, use_store(other):
            bulk_insert_symbols(shares(count), "zerodha")

    load_elsewhere(1)
    assert warm_symbol_cache("zerodha") == 1
    load_elsewhere(3)
    assert get_symbol("SHARE1", "NSE", "zerodha") is not None
    assert len(get_symbol_tokens([("SHARE0", "NSE"), ("SHARE2", "NSE")], "zerodha")) == 2
    with get_read_session() as tx:
        assert tx.on_replica
        assert get_symbol("SHARE0", "NSE", "zerodha", tx=tx) is None


def test_and_again_after_the_time_that_is_set(
    behind: Store, pass_time: Callable[[float], None]
) -> None:
    write("asha")
    assert names() == ["asha"]
    pass_time(3600)
    assert names() == []
    write("binod")
    assert names() == ["asha", "binod"]


def test_a_session_that_begins_after_a_write_shows_it(behind: Store) -> None:
    with get_read_session() as tx:
        assert tx.on_replica
        write("asha")
        assert tx.all(ALL_NAMES) == ["asha"]
        assert not tx.on_replica


def test_the_session_for_which_a_look_is_due_is_served_each_time(
    behind: Store, pass_time: Callable[[float], None]
) -> None:
    for _ in range(3):
        assert on_replica()
        pass_time(60)


def test_or_at_once(copied: Settings) -> None:
    with Store(replace(copied, read_replica_pin=0)) as store, use_store(store):
        for name in ("asha", "binod"):
            write(name)
            assert names() == []


def test_what_is_rolled_back_is_not_waited_for(behind: Store) -> None:
    assert names() == []
    with pytest.raises(ZeroDivisionError), get_write_session() as tx:
        add_user(tx, "asha")
        raise ZeroDivisionError
    with get_read_session() as tx:
        assert tx.on_replica


def test_a_write_to_another_database_is_not_waited_for(behind: Store) -> None:
    with behind.transaction("sandbox", readonly=False) as tx:
        tx.begin()
    with get_read_session() as tx:
        assert tx.on_replica


def test_a_copy_cannot_be_written_through_a_read_session(behind: Store) -> None:
    with (
        pytest.raises(SessionMisuse, match="a read session cannot write"),
        get_read_session() as tx,
    ):
        assert tx.on_replica
        add_user(tx, "asha")


def test_new_tables_are_read_on_the_primary_until_the_replica_has_them(
    new_urls: Callable[[], Urls],
) -> None:
    with Store(settings_of(new_urls())) as other, other.databases["main"].engine.connect():
        empty = other.settings.database_url  # and the file is there
    settings = replace(settings_of(new_urls()), read_database_url=empty, read_replica_pin=3600)
    with init_databases(settings):
        assert names() == []
    use_store(None)
    with Store(settings) as store, use_store(store):
        assert on_replica()


@FORKS
def test_a_child_goes_on_waiting_for_what_was_written_before_the_fork(behind: Store) -> None:
    assert names() == []
    write("asha")
    assert in_a_child(lambda: ",".join(names())) == "asha"


@FORKS
def test_a_child_looks_itself_where_another_thread_was_looking(
    behind: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert behind.replica is not None
    looking, go_on, parent = threading.Event(), threading.Event(), os.getpid()
    answer = behind.replica.dialect.replication

    def wait() -> Replication:
        if os.getpid() == parent:
            looking.set()
            assert go_on.wait(30)
        return answer()

    monkeypatch.setattr(behind.replica.dialect, "replication", wait)
    thread = threading.Thread(target=names)
    thread.start()
    assert looking.wait(30)
    assert in_a_child(lambda: str(on_replica())) == "True"
    go_on.set()
    thread.join()


def test_a_copy_is_no_promoted_standby_while_its_primary_is_asked_for_the_first_time(
    behind: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Until that answers, nobody knows whose place in the log it tells."""
    assert behind.replica is not None
    asked, go_on = threading.Event(), threading.Event()
    answer = behind.replica.primary.replication

    def wait() -> Replication:
        asked.set()
        assert go_on.wait(30)
        return answer()

    monkeypatch.setattr(behind.replica.primary, "replication", wait)
    thread = threading.Thread(target=names)
    thread.start()
    assert asked.wait(30)
    assert not on_replica()
    go_on.set()
    thread.join()
    wait_until(on_replica)
    assert [each for each in caplog.messages if "the replica" in each] == []


def in_a_child(ask: Callable[[], str]) -> str:
    """What a forked process answers."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(writer, ask().encode())
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    os.close(writer)
    with os.fdopen(reader) as said:
        return said.read()


def test_a_copy_that_is_away_is_left_out_with_one_warning(
    migrated_settings: Settings, engine_name: str, caplog: pytest.LogCaptureFixture
) -> None:
    settings = replace(migrated_settings, read_database_url=AWAY[engine_name])
    store = init_databases(settings)
    try:
        for _ in range(3):
            assert names() == []
        with get_read_session() as tx:
            assert not tx.on_replica
        assert store.replica is not None
        assert not store.replica.status().serves
        (warning,) = [each for each in caplog.messages if "the replica" in each]
        assert "is left out, reads go to DATABASE_URL" in warning
        assert "top-secret" not in warning
        databases = check_health(DEADLINE).databases
        assert [each.name for each in databases if each.problem] == ["replica"]
        with pytest.raises(Unavailable), store.replica_session() as tx:
            tx.begin()
    finally:
        store.close()
        use_store(None)


@pytest.mark.only("sqlite")
def test_a_file_that_is_not_there_yet_is_not_made_and_is_read_when_it_is(
    copied: Settings,
    engine_name: str,
    caplog: pytest.LogCaptureFixture,
    pass_time: Callable[[float], None],
) -> None:
    file = Path(copied.read_database_url.removeprefix("sqlite:///"))
    later = file.rename(file.with_name("later.db"))
    with Store(copied) as store, use_store(store):
        assert names() == []
        assert not file.exists()
        assert store.replica is not None
        assert store.replica.problem == f"{file} does not exist"
        later.rename(file)
        assert not on_replica()
        pass_time(60)
        assert on_replica()
    assert [each.levelno for each in caplog.records if "replica" in each.getMessage()] == [
        logging.WARNING,
        logging.INFO,
    ]


def on_replica() -> bool:
    with get_read_session() as tx:
        return tx.on_replica


@pytest.mark.only("postgresql")
def test_a_pool_of_the_replica_that_is_exhausted_leaves_the_primary(
    copied: Settings, engine_name: str
) -> None:
    small = replace(copied, db_pool_size=1, db_max_overflow=0, db_pool_timeout=0.05)
    with Store(small) as store, use_store(store):
        with get_read_session() as first:
            assert first.all(ALL_NAMES) == []
            assert first.on_replica
            with get_read_session() as second:
                assert second.on_replica
                second.begin()
                assert not second.on_replica
                assert second.all(ALL_NAMES) == []
                assert store.replica is not None
                assert store.replica._fit_until == -inf  # the next one looks at it first


def test_a_replica_of_another_engine_is_refused(
    migrated_settings: Settings, engine_name: str
) -> None:
    with pytest.raises(ConfigurationError, match="READ_DATABASE_URL is of another engine"):
        Store(replace(migrated_settings, read_database_url=OTHERS[engine_name]))


def test_main_itself_is_no_replica(migrated_settings: Settings) -> None:
    url = migrated_settings.database_url
    with Store(replace(migrated_settings, read_database_url=url)) as store, use_store(store):
        assert store.replica is None
        assert not on_replica()
        with pytest.raises(ConfigurationError, match="set READ_DATABASE_URL"):
            store.replica_session()
