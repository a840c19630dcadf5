"""Start-up: the five databases come up whatever happens around them, or nothing is left open."""

import logging
import signal
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.engine import make_url

from openalgo_store import (
    ConfigurationError,
    SessionMisuse,
    Settings,
    Store,
    Unavailable,
    cache_stats,
    close_databases,
    count_symbols,
    get_engine,
    get_pending_migrations,
    get_read_session,
    get_schema_version,
    get_symbol_token,
    get_write_session,
    init_databases,
    replace_symbols,
    run_pending_migrations,
    use_store,
)
from openalgo_store.schema import migrate
from openalgo_store.settings import DATABASES, project_folder
from tests.programs.databases import result_of, start
from tests.support.chance import chance_of
from tests.support.processes import wait_until_ready
from tests.support.rows import shares
from tests.support.settings import settings_of
from tests.support.watching import sent


@pytest.fixture(autouse=True)
def closed_afterwards() -> Any:
    yield
    close_databases()


def test_one_call_brings_five_empty_databases_up(settings: Settings, engine_name: str) -> None:
    store = init_databases(settings)
    for name in DATABASES:
        files = (project_folder("migrations") / name / engine_name).glob("*.sql")
        assert get_pending_migrations(name) == []
        assert get_schema_version(name) == max(each.name.partition(".")[0] for each in files)
        assert get_engine(name) is store.databases[name].engine
    assert count_symbols() == 0


def test_it_may_be_called_again_and_gives_the_same_store(migrated_settings: Settings) -> None:
    store = init_databases(migrated_settings)
    replace_symbols(shares(3), "zerodha")
    assert init_databases(migrated_settings) is store
    assert count_symbols() == 3
    assert run_pending_migrations() == []


def test_the_caches_are_warm_when_it_returns(migrated_settings: Settings) -> None:
    init_databases(migrated_settings)
    replace_symbols(shares(7), "zerodha")
    close_databases()
    init_databases(migrated_settings)
    assert cache_stats()["symbol_cache"].size == 7
    close_databases()
    init_databases(migrated_settings, warm=False)
    assert cache_stats()["symbol_cache"].size == 0


def test_secrets_are_not_needed_for_what_does_not_use_them(migrated_settings: Settings) -> None:
    assert (migrated_settings.api_key_pepper, migrated_settings.token_encryption_keys) == ("", "")
    init_databases(migrated_settings)
    replace_symbols(shares(1), "zerodha")


def test_two_stores_live_side_by_side_and_start_cold(
    settings: Settings, migrated_settings: Settings
) -> None:
    first = init_databases(settings)
    replace_symbols(shares(3), "zerodha")
    second = init_databases(migrated_settings)
    assert count_symbols() == 0
    use_store(first)
    assert count_symbols() == 3
    first.close()
    second.close()


def test_without_a_store_every_function_says_what_to_do() -> None:
    with pytest.raises(ConfigurationError, match=r"call init_databases\(\) first"):
        count_symbols()


def test_after_closing_nothing_is_open(migrated_settings: Settings) -> None:
    store = init_databases(migrated_settings)
    close_databases()
    close_databases()
    with pytest.raises(SessionMisuse):
        store.transaction("main", readonly=True)


def test_a_folder_that_cannot_be_made_is_named_and_nothing_stays_open(
    settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    bad = replace(settings, logs_database_url=f"sqlite:///{tmp_path}/file/logs.db")
    with pytest.raises(ConfigurationError, match=r"LOGS_DATABASE_URL: the folder .* cannot"):
        init_databases(bad)
    with pytest.raises(ConfigurationError, match="no store is open"):
        count_symbols()


@pytest.mark.only("sqlite")
def test_a_folder_that_cannot_be_written_is_named(settings: Settings) -> None:
    folder = Path(settings.url("main").removeprefix("sqlite:///")).parent
    folder.chmod(0o555)
    message = result_of(start("initialise_without_rights", settings))
    assert message.startswith(f"DATABASE_URL: the folder {folder} cannot be")
    assert list(folder.iterdir()) == []


def test_a_failed_start_keeps_the_store_that_was_open(
    migrated_settings: Settings, tmp_path: Path
) -> None:
    before = init_databases(migrated_settings)
    (tmp_path / "no.db").write_text("this is not a database, but it is long enough to be one" * 50)
    with pytest.raises((ConfigurationError, Unavailable), match="database"):
        init_databases(
            replace(migrated_settings, telegram_database_url=f"sqlite:///{tmp_path}/no.db")
        )
    assert count_symbols() == 0
    assert get_engine() is before.databases["main"].engine


def test_a_server_that_is_away_is_named_without_its_password(settings: Settings) -> None:
    away = replace(settings, logs_database_url="postgresql://u:hush@127.0.0.1:1/logs")
    with pytest.raises(Unavailable) as raised:
        init_databases(away)
    assert "LOGS_DATABASE_URL" in str(raised.value)
    assert "hush" not in str(raised.value)


def test_eight_processes_may_start_at_once(
    settings: Settings,
) -> None:
    for process in [start("initialise", settings) for _ in range(8)]:
        assert result_of(process) == "done"
    init_databases(settings)
    assert [get_pending_migrations(name) for name in DATABASES] == [[]] * 5


def test_a_start_that_is_killed_is_completed_by_the_next(
    new_urls: Callable[[], dict[str, str]],
    soak: Callable[[int], int],
) -> None:
    moments = chance_of("kills of a start")
    for _ in range(soak(20)):
        settings = settings_of(new_urls())
        process = start("initialise", settings)
        wait_until_ready(process)
        time.sleep(moments.uniform(0.0, 0.4))  # the moment of the kill, not a wait for anything
        process.kill()
        process.communicate()
        assert process.returncode in (0, -signal.SIGKILL)
        init_databases(settings)
        assert [get_pending_migrations(name) for name in DATABASES] == [[]] * 5
        replace_symbols(shares(3), "zerodha")
        close_databases()


def test_every_sqlite_connection_is_prepared(migrated_settings: Settings, engine_name: str) -> None:
    init_databases(migrated_settings)
    if engine_name == "postgresql":
        with get_read_session() as tx:
            assert tx.connection.exec_driver_sql("SHOW timezone").scalar() == "UTC"
        return
    for name in DATABASES:
        for session in (get_read_session, get_write_session):
            with session(name) as tx:
                values = {
                    pragma: tx.connection.exec_driver_sql(f"PRAGMA {pragma}").scalar()
                    for pragma in ("journal_mode", "foreign_keys", "synchronous", "busy_timeout")
                }
            assert values == {
                "journal_mode": "wal", "foreign_keys": 1, "synchronous": 1, "busy_timeout": 30_000,
            }  # fmt: skip


@pytest.mark.only("postgresql")
def test_pools_that_could_exceed_the_server_are_warned_of(
    migrated_settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        init_databases(migrated_settings)
        assert caplog.text == ""
        close_databases()
        init_databases(replace(migrated_settings, db_pool_size=500))
    assert "lower DB_POOL_SIZE and DB_MAX_OVERFLOW" in caplog.text


def test_reads_of_main_go_to_the_replica_and_the_cache_reads_the_primary(
    settings: Settings, migrated_settings: Settings
) -> None:
    """An empty database stands in for a replica that lags behind."""
    replica = migrated_settings.url("main")
    with Store(replace(settings, read_database_url=replica, read_replica_pin=0)) as store:
        use_store(store)
        run_pending_migrations()
        replace_symbols(shares(3), "zerodha")
        with sent(store, "main") as asked:
            assert count_symbols() == 0
        assert asked == []  # of the primary
        with get_write_session() as tx:
            assert count_symbols(tx=tx) == 3
        assert get_symbol_token("SHARE1", "NSE", "zerodha") == "T1"


def test_a_telegram_database_that_is_being_written_does_not_hold_up_a_start(
    migrated_settings: Settings, engine_name: str
) -> None:
    """Nothing is pending, so nothing has to be written: not even a lock of the tables matters."""
    lock = {
        "sqlite": "UPDATE telegram_messages SET content = ''",  # BEGIN IMMEDIATE holds the file
        "postgresql": "LOCK TABLE telegram_chats, telegram_messages",
    }
    with Store(migrated_settings) as other:
        with other.transaction("telegram", readonly=False) as tx:
            tx.connection.exec_driver_sql(lock[engine_name])
            began = time.monotonic()
            init_databases(migrated_settings)
            assert time.monotonic() - began < 20


def test_a_database_that_is_locked_whole_ends_a_start_with_an_error(
    migrated_settings: Settings, engine_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("openalgo_store.schema.migrate.DEADLINE", 1)
    lock = {
        "sqlite": "PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE",
        "postgresql": "BEGIN; LOCK TABLE openalgo_migrations",
    }
    with closing(migrate.connect(make_url(migrated_settings.url("telegram")))) as other:
        for statement in lock[engine_name].split("; "):
            other.execute(statement)
        with pytest.raises(Unavailable, match=r"DATABASE_URL .* cannot serve"):
            init_databases(migrated_settings)
    init_databases(migrated_settings)
