"""check_health: what a running process is told of itself, whatever state its databases are in."""

import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from cryptography.fernet import Fernet
from sqlalchemy.engine import make_url

from openalgo_store import (
    ConfigurationError,
    DatabaseHealth,
    SessionMisuse,
    Settings,
    Store,
    Unavailable,
    bulk_insert_symbols,
    check_health,
    close_databases,
    create_api_key,
    get_read_session,
    get_symbol_token,
    get_user_by_api_key,
    get_write_session,
    use_store,
)
from openalgo_store.engine.sqlite.connections import GATE
from openalgo_store.operations import health
from openalgo_store.schema import migrate
from openalgo_store.settings import DATABASES
from tests.support.command import AWAY
from tests.support.forks import in_child
from tests.support.hanging import hanging_server, looks
from tests.support.rows import ALL_NAMES, add_user, new_user
from tests.support.waiting import DEADLINE, wait_until
from tests.support.writers import Table

SECRETS = {"api_key_pepper": "p" * 40, "token_encryption_keys": Fernet.generate_key().decode()}


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that does other things too may take its time."""
    monkeypatch.setattr(check_health, "__defaults__", (DEADLINE,))


@pytest.fixture
def opened(migrated_settings: Settings) -> Iterator[Callable[..., Store]]:
    """A function that opens a store with other settings and makes it the current one."""

    def open_with(**changes: Any) -> Store:
        close_databases()
        store = Store(replace(migrated_settings, **changes))
        use_store(store)
        return store

    yield open_with
    close_databases()


def health_of(name: str) -> DatabaseHealth:
    (found,) = [each for each in check_health().databases if each.name == name]
    return found


def test_a_process_that_is_well(store: Store, engine_name: str) -> None:
    bulk_insert_symbols([{"symbol": "TCS", "exchange": "NSE", "token": "11536"}], "angel")
    for _ in range(4):
        get_symbol_token("TCS", "NSE", "angel")
    found = check_health()
    assert (found.ok, found.problems, found.warnings) == (True, [], [])
    assert [each.name for each in found.databases] == list(DATABASES)
    for each in found.databases:
        assert (each.engine, each.state, each.pending) == (engine_name, "ok", [])
        assert each.server_version is not None
        assert each.server_version[0].isdigit()
        assert each.schema_version == migrate.schema_version(
            store.settings.url(each.name), each.name
        )
        assert each.round_trip_ms is not None
        assert each.round_trip_ms > 0
        assert each.size is not None
        assert each.size.data_bytes > 10_000
        assert (each.size.free_bytes is None) == (engine_name == "postgresql")
        assert each.rows == {}  # counting them takes long
    assert found.epochs_age is not None
    assert found.epochs_age < DEADLINE
    assert found.caches["symbol_cache"].hit_rate == 0.75
    assert found.caches["token_cache"].hit_rate is None
    assert found.writers["latency"].queued == 0


def test_the_connections_in_use_are_counted(store: Store, engine_name: str) -> None:
    with get_read_session() as tx:
        assert health_of("main").pool.in_use == 0  # nothing was asked yet
        tx.all(ALL_NAMES)
        assert health_of("main").pool.in_use == 1
    pool = health_of("main").pool
    assert pool.in_use == 0
    if engine_name == "postgresql":
        assert pool.idle >= 1
        assert pool.at_most == 25
    else:
        assert pool.idle == min(1, store.settings.db_sqlite_idle)
        assert pool.at_most is None


@pytest.mark.only("postgresql")
def test_a_pool_that_is_exhausted_is_a_warning_and_keeps_nobody_waiting(
    opened: Callable[..., Store],
) -> None:
    """Nor the look at its secrets, which are in that database."""
    opened(db_pool_size=1, db_max_overflow=0, db_pool_timeout=600, api_key_pepper="p" * 40)
    with get_read_session() as tx:
        tx.all(ALL_NAMES)
        found = check_health()
        assert found.ok
        assert found.warnings[0].startswith("main: all of its 1 connections are in use")
    assert check_health().warnings == []


def test_without_an_open_store_it_says_what_to_do(migrated_settings: Settings) -> None:
    with pytest.raises(ConfigurationError, match=r"call init_databases\(\)"):
        check_health()
    store = Store(migrated_settings)
    with use_store(store):
        store.close()
        with pytest.raises(SessionMisuse, match=r"closed: call init_databases\(\)"):
            check_health()


def test_a_database_that_is_away_hides_no_other(
    opened: Callable[..., Store], engine_name: str
) -> None:
    opened(logs_database_url=AWAY[engine_name], read_database_url=AWAY[engine_name])
    found = check_health()
    assert not found.ok
    states = {each.name: each.state for each in found.databases}
    away = dict.fromkeys(("logs", "replica"), "not reachable")
    assert states == dict.fromkeys(DATABASES, "ok") | away
    assert [each.partition(":")[0] for each in found.problems] == ["logs", "replica"]
    assert "top-secret" not in str(health)


def test_a_database_that_hangs_is_given_up_and_asked_by_one_thread_alone(
    opened: Callable[..., Store],
) -> None:
    with hanging_server() as url:
        store = opened(logs_database_url=url)
        expected = dict.fromkeys(DATABASES, "ok") | {"logs": "not reachable"}

        def is_found() -> bool:
            found = check_health(0.05)
            if {each.name: each.state for each in found.databases} != expected:
                return False  # the others have not answered yet
            assert "top-secret" not in str(found)
            assert [each.startswith("logs: no answer for ") for each in found.problems] == [True]
            return True

        wait_until(is_found)
        wait_until(is_found)
        assert looks("logs") == 1
        store.close()  # waits for none
        assert looks("logs") == 1


@pytest.mark.only("sqlite")
def test_a_file_that_another_has_to_itself_is_given_up(opened: Callable[..., Store]) -> None:
    store = opened()
    file = store.databases["logs"].identity
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        found = check_health(0.2)
        assert [each for each in found.problems if each.startswith("logs: no answer for ")]
        other.execute("ROLLBACK")
    wait_until(lambda: check_health().ok)


@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork")
def test_a_child_process_asks_for_itself(opened: Callable[..., Store]) -> None:
    opened()
    was_asked, may_answer = threading.Event(), threading.Event()
    look = health._look

    def wait_and_look(store: Store, found: DatabaseHealth) -> None:
        was_asked.set()
        may_answer.wait(DEADLINE)
        look(store, found)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(health, "_look", wait_and_look)
        assert not check_health(0.01).ok
        assert was_asked.wait(DEADLINE)
    assert in_child(lambda: check_health().ok)
    may_answer.set()
    assert check_health().ok


@pytest.mark.only("sqlite")
@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork")
def test_a_file_that_a_child_must_not_touch_is_not_looked_at(store: Store) -> None:
    def is_refused() -> bool:
        found = health_of("main")
        return found.state == "refused" and "this process was forked" in str(found.problem)

    with get_write_session() as tx:
        add_user(tx, "asha")
        assert in_child(is_refused)
    assert health_of("main").state == "ok"


@pytest.mark.only("sqlite")
def test_a_fork_waits_until_nobody_looks(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that is carried over it can cost the child rows."""
    seen: list[str] = []
    version_on = migrate.version_on

    def note(driver: Any, database: str) -> str | None:
        seen.extend(each for each in GATE.in_use() if each == store.databases[database].identity)
        return version_on(driver, database)

    monkeypatch.setattr(migrate, "version_on", note)
    check_health()
    assert sorted(seen) == sorted(each.identity for each in store.databases.values())
    assert GATE.in_use() == []


def test_no_file_is_made_for_a_database_that_is_not_there(
    settings: Settings, engine_name: str, tmp_path: Path
) -> None:
    """On PostgreSQL the database is there, and empty."""
    with Store(settings) as store, use_store(store):
        found = check_health()
        assert [each.problem for each in found.databases].count(None) == 0
        assert [each.name for each in found.databases if each.pending] == (
            [] if engine_name == "sqlite" else list(DATABASES)
        )
    assert [each for each in tmp_path.rglob("*") if each.is_file()] == []


# A database that answers, and is refused


def refused(name: str = "main") -> str:
    """Why; that the others are well."""
    found = check_health()
    assert {each.name: each.state for each in found.databases} == dict.fromkeys(DATABASES, "ok") | {
        name: "refused"
    }
    (problem,) = found.problems
    return problem


def execute(url: str, statement: str) -> None:
    with closing(migrate.connect(make_url(url), create=True)) as connection:
        connection.execute(statement)


def test_a_migration_that_was_edited(store: Store) -> None:
    execute(
        store.settings.url("telegram"),
        "UPDATE openalgo_migrations SET checksum = 'x' WHERE migration_id LIKE 'telegram-0001%'",
    )
    assert "telegram-0001-initial.sql was edited after it was applied" in refused("telegram")


def test_tables_that_something_else_made(
    opened: Callable[..., Store], new_urls: Callable[[], dict[str, str]]
) -> None:
    url = new_urls()["logs"]
    execute(url, "CREATE TABLE application_logs (id INTEGER)")
    opened(logs_database_url=url)
    assert "has the table application_logs but no record of a migration" in refused("logs")


def test_secrets_that_are_not_those_of_the_database(opened: Callable[..., Store]) -> None:
    opened(**SECRETS)
    create_api_key(new_user())
    assert check_health().ok
    opened(**SECRETS | {"api_key_pepper": "q" * 40})
    assert "API_KEY_PEPPER is not the one this database was made with" in refused()
    opened()  # a job that needs none
    assert check_health().ok


def test_an_engine_that_is_too_old(
    store: Store, engine_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if engine_name == "sqlite":
        monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 34, 1))
    else:
        old = property(lambda _: 130_021)
        monkeypatch.setattr(psycopg.ConnectionInfo, "server_version", old)
    found = check_health()
    assert {each.state for each in found.databases} == {"refused"}
    assert "3.35 or later" in found.problems[0] or "needs 14 or later" in found.problems[0]


@pytest.mark.only("sqlite")
def test_a_file_that_is_no_database(opened: Callable[..., Store], tmp_path: Path) -> None:
    (tmp_path / "no.db").write_text("this is not a database, but it is long enough" * 50)
    opened(logs_database_url=f"sqlite:///{tmp_path}/no.db")
    assert "is not a database" in refused("logs")


@pytest.mark.only("postgresql")
def test_a_server_that_takes_no_writes_is_a_warning(
    opened: Callable[..., Store], migrated_settings: Settings
) -> None:
    options = "?options=-c%20default_transaction_read_only%3Don"
    opened(logs_database_url=f"{migrated_settings.url('logs')}{options}")
    found = check_health()
    assert found.ok
    assert found.warnings == [
        "logs: it is read-only, so writes will fail: name its primary, or let it take writes"
    ]


@pytest.mark.only("postgresql")
def test_a_server_that_does_not_know_the_database(
    opened: Callable[..., Store], migrated_settings: Settings
) -> None:
    opened(logs_database_url=f"{migrated_settings.url('logs')}_no")
    assert "does not exist" in refused("logs")


# The process


def test_a_disk_with_less_room_than_the_database_takes_is_a_warning(
    store: Store, engine_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage("/")._replace(free=100)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    found = check_health()
    assert found.ok
    assert len(found.warnings) == (len(DATABASES) if engine_name == "sqlite" else 0)


def test_epochs_that_cannot_be_read_are_a_problem_until_they_can(
    opened: Callable[..., Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody else may ask: who is found to be ill is sent no requests."""

    def refuse() -> dict[str, int]:
        raise Unavailable("main is away")

    store = opened(**SECRETS)
    key = create_api_key(new_user())
    monkeypatch.setattr(store.epochs, "until", 0.0)
    monkeypatch.setattr(store.epochs, "_read", refuse)
    with pytest.raises(Unavailable):
        get_user_by_api_key(key.api_key)
    assert check_health().problems == ["nobody is let in from memory: main is away"]
    monkeypatch.undo()
    assert check_health(DEADLINE).problems == []


def test_rows_that_cannot_be_written_are_a_problem(store: Store) -> None:
    table = Table()
    table.away = True
    writer = store.open_writer("latency", table.write)
    writer.put((1,))
    writer.flush(0)
    wait_until(lambda: writer.stats().error is not None)
    found = check_health()
    assert found.problems == ["1 rows of latency wait: the table is away"]
    assert found.writers["latency"].queued == 1
    table.away = False
    assert writer.flush()
    assert check_health().ok


def test_a_replica_is_asked_how_far_it_is_behind(
    opened: Callable[..., Store], copy_of_main: Callable[[], str], engine_name: str
) -> None:
    opened(read_database_url=copy_of_main())
    found = check_health()
    assert found.ok
    replica = found.databases[-1]
    assert (replica.name, replica.schema_version) == ("replica", found.databases[0].schema_version)
    assert replica.replica is not None
    assert replica.replica.lag is None  # it is a copy, and no standby


def test_many_may_ask_at_once(store: Store) -> None:
    found: list[bool] = []
    threads = [
        threading.Thread(target=lambda: found.append(check_health(DEADLINE).ok)) for _ in range(6)
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert found == [True] * 6
