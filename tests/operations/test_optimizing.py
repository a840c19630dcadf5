"""Databases are kept in shape while others use them: statistics, room, the log."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import delete, text
from sqlalchemy.engine import make_url

from openalgo_store import Settings, Store, get_read_session, get_write_session, use_store
from openalgo_store.engine.dialect import Step
from openalgo_store.engine.queries import Query
from openalgo_store.operations.checking import check_databases
from openalgo_store.operations.optimizing import Optimized, optimize_databases
from openalgo_store.settings import DATABASES
from openalgo_store.tables.telemetry import application_logs
from tests.programs.copying import trading_writer
from tests.support.installation import rows_of
from tests.support.processes import let_go
from tests.support.rows import MONDAY
from tests.support.settings import settings_of, urls_of
from tests.support.waiting import DEADLINE

MESSAGE = "a message of some length " * 4
ROWS = 20_000
STATISTICS = {
    "sqlite": "SELECT count(*) FROM sqlite_stat1 WHERE tbl = 'symbols'",
    "postgresql": "SELECT count(*) FROM pg_stats WHERE tablename = 'symbols'",
}
_delete_logs: Query[None] = Query.of(delete(application_logs))


@pytest.fixture
def clerk(filled: Store) -> Iterator[Settings]:
    """The settings of a role that may read and write, and owns nothing."""
    name = f"clerk_{uuid4().hex}"
    url = filled.settings.url("main")
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as admin:
        admin.execute(f"CREATE ROLE {name} LOGIN IN ROLE pg_read_all_data, pg_write_all_data")
        role = make_url(url).set(username=name).render_as_string(hide_password=False)
        yield settings_of(dict.fromkeys(DATABASES, role))
        admin.execute(f"DROP ROLE {name}")


def failed(found: Optimized) -> dict[str, str | None]:
    return {each.what: each.why for each in found.steps if each.state == "failed"}


def optimize(store: Store, *names: str) -> list[Optimized]:
    return list(optimize_databases(store, names or DATABASES))


def log_much(*, and_forget: bool) -> None:
    """Log entries, which are deleted again."""
    with get_write_session("logs") as tx:
        row = (MONDAY, "INFO", "openalgo", MESSAGE)
        tx.copy(application_logs, ["timestamp", "level", "logger", "message"], [row] * ROWS)
    if and_forget:
        with get_write_session("logs") as tx:
            assert tx.run(_delete_logs) == ROWS


def test_the_planner_has_statistics_of_every_table_with_rows(filled: Store) -> None:
    count = Query.of(text(STATISTICS[filled.databases["main"].name]), int)
    with use_store(filled):
        before = rows_of(filled, "main")
        assert [failed(each) for each in optimize(filled)] == [{}] * 5
        with get_read_session() as tx:
            assert tx.value(count)
        assert rows_of(filled, "main") == before


def test_what_was_deleted_takes_no_room_afterwards(store: Store) -> None:
    log_much(and_forget=True)
    (found,) = optimize(store, "logs")
    assert failed(found) == {}
    assert found.before.data_bytes - found.after.data_bytes > ROWS * len(MESSAGE)
    assert not found.after.log_bytes


@pytest.mark.only("sqlite")
def test_a_file_of_which_little_is_free_is_not_written_anew(store: Store) -> None:
    log_much(and_forget=False)
    with get_write_session("logs") as tx:
        tx.run(Query.of(delete(application_logs).where(application_logs.c.id <= ROWS // 10)))
    (found,) = optimize(store, "logs")
    assert [each.state for each in found.steps] == ["done", "not needed", "done"]
    assert found.steps[1].why in ("9% of it is free", "10% of it is free")
    assert found.after.data_bytes >= found.before.data_bytes


@pytest.mark.only("sqlite")
def test_a_file_is_not_written_anew_on_a_disk_without_room_for_that(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    log_much(and_forget=True)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=10_000))
    (found,) = optimize(store, "logs")
    why = failed(found)["compaction"]
    assert why == "it takes 0 MB of its disk, which has 0: make room there"
    assert [each.state for each in found.steps] == ["done", "failed", "done"]
    with closing(sqlite3.connect(store.databases["logs"].identity)) as driver:
        page, pages, free = (
            driver.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("page_size", "page_count", "freelist_count")
        )
    needed = 2 * (pages - free) * page
    for there, state in ((needed - 1, "failed"), (needed, "done")):
        monkeypatch.setattr(shutil, "disk_usage", lambda _, free=there: SimpleNamespace(free=free))
        (found,) = optimize(store, "logs")
        assert found.steps[1].state == state


@pytest.mark.only("sqlite")
def test_a_small_file_is_not_written_anew_though_most_of_it_is_free(store: Store) -> None:
    with get_write_session("logs") as tx:
        row = (MONDAY, "INFO", "openalgo", MESSAGE)
        tx.copy(application_logs, ["timestamp", "level", "logger", "message"], [row] * 1_000)
    with get_write_session("logs") as tx:
        tx.run(_delete_logs)
    (found,) = optimize(store, "logs")
    assert found.steps[1].state == "not needed"
    share = int((found.steps[1].why or "").partition("%")[0])
    assert share > 50


@pytest.mark.only("sqlite")
def test_what_another_process_keeps_locked_is_told_and_the_rest_is_done(
    migrated_settings: Settings,
) -> None:
    impatient = replace(migrated_settings, db_sqlite_busy_timeout=0)
    with Store(impatient) as store, use_store(store):
        log_much(and_forget=True)
        path = store.databases["logs"].identity
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            logs, latency = optimize(store, "logs", "latency")
            other.execute("ROLLBACK")
        locked = f"{path} is locked by another process: its transaction took too long, try again"
        assert failed(logs) == {
            "statistics": locked,
            "compaction": locked,
            "log": "others read or wrote all the time: try again",
        }
        assert failed(latency) == {}
        with get_read_session("logs") as tx:
            tx.value(Query.of(text("SELECT count(*) FROM application_logs"), int))
            with get_write_session("logs") as write:
                write.run(_delete_logs)
            (found,) = optimize(store, "logs")
        assert failed(found) == {"log": "others read or wrote all the time: try again"}


@pytest.mark.only("postgresql")
def test_a_table_that_others_hold_is_passed_over_and_told(filled: Store) -> None:
    with psycopg.connect(filled.settings.url("main").replace("+psycopg", "")) as other:
        other.execute("LOCK TABLE symbols")
        main, logs = optimize(filled, "main", "logs")
    (why,) = failed(main).values()
    assert why is not None
    assert why.startswith('1 table was passed over: skipping vacuum of "symbols"')
    assert failed(logs) == {}


@pytest.mark.only("postgresql")
def test_tables_of_another_owner_are_told_in_one_line(filled: Store, clerk: Settings) -> None:
    with Store(clerk) as store:
        (found,) = optimize(store, "logs")
    (why,) = failed(found).values()
    assert why is not None
    assert why.startswith("2 tables were passed over: ")
    assert "application_logs" in why


def test_a_writer_beside_it_loses_nothing(filled: Store) -> None:
    writer = trading_writer(urls_of(filled.settings), 1)
    committed = [writer.stdout.readline().strip()]
    for _ in range(3):
        optimize(filled, "main")
        committed.append(writer.stdout.readline().strip())
    let_go(writer)
    rest, errors = writer.communicate(DEADLINE)
    assert not errors
    orders = {row[1] for row in rows_of(filled, "main")["orders"]}
    assert {*committed, *rest.split()} <= orders
    with use_store(filled):
        assert list(check_databases(["main"])) == []


@pytest.mark.only("sqlite")
def test_a_damaged_file_is_told_and_left(store: Store) -> None:
    log_much(and_forget=False)
    optimize(store, "logs")
    path = store.databases["logs"].identity
    store.close()
    with Path(path).open("r+b") as file:
        file.seek(8192)
        file.write(b"\xff" * 40_000)
    with Store(store.settings) as again:
        (found,) = optimize(again, "logs")
    assert found.steps[0] == Step(
        "statistics", "failed", f"{path} is damaged: restore it from a backup"
    )
