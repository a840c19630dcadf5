"""Signals, forks, kills and databases that go away: rows are neither lost nor doubled."""

import signal
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from random import Random

import pytest
from sqlalchemy import select
from sqlalchemy.engine import make_url

from openalgo_store import (
    SessionMisuse,
    Settings,
    Store,
    Unavailable,
    get_logs,
    get_read_session,
    use_store,
)
from openalgo_store.background.marks import Mark
from openalgo_store.background.shutdown import flush_writers, writer_stats
from openalgo_store.engine.queries import Query
from openalgo_store.engine.transaction_state import TransactionState
from openalgo_store.records import Row
from openalgo_store.repositories.telemetry import latency
from openalgo_store.tables.telemetry import latency_metrics
from tests.programs.databases import result_of
from tests.programs.telemetry import record, start, start_at_once
from tests.support.chance import chance_of
from tests.support.postgres_server import PostgresServer
from tests.support.server_faults import refusing

Disturb = Callable[[Random], None]
ORDER_IDS = Query.of(select(latency_metrics.c.order_id), str)


def stored() -> Counter[str]:
    """How often each row stands in the database."""
    with get_read_session("latency") as tx:
        return Counter(tx.all(ORDER_IDS))


def test_sigterm_and_fork_lose_and_double_nothing(store: Store, soak: Callable[[int], int]) -> None:
    recorded = result_of(start_at_once("end_children_by_sigterm", store.settings, str(soak(50))))
    found = stored()
    assert set(found.values()) == {1}
    by_writer = Counter(order_id.partition("-")[0] for order_id in found)
    assert by_writer.keys() >= recorded.keys()
    for name, count in recorded.items():
        # the signal may come when a row has been recorded but not yet been counted
        assert by_writer[name] in (count, count + 1), name
    assert by_writer["parent"] == recorded["parent"]


def test_lines_that_wait_at_a_fork_are_written_by_the_parent_alone(store: Store) -> None:
    process = start("log_and_fork", store.settings)
    _, error = process.communicate(timeout=60)
    assert process.returncode == 0, error
    written = sorted(entry.message for entry in get_logs(logger="app").entries)
    before, children = ([f"{of} {n}" for n in range(3)] for of in ("before fork", "child"))
    assert written == ["after the forks", *before, *children]


@pytest.mark.parametrize("program", ["end_inside_a_session", "end_inside_a_lock"])
def test_sigterm_ends_a_process_whose_main_thread_holds_what_the_writer_needs(
    store: Store, program: str
) -> None:
    """What it waits for is bounded: the row may be lost, the process never hangs."""
    process = start_at_once(program, store.settings)
    _, error = process.communicate(timeout=60)
    assert process.returncode == -signal.SIGTERM, error
    assert set(stored().values()) <= {1}


def test_sigterm_whose_handler_raises_loses_nothing_that_the_main_thread_kept_back(
    store: Store,
) -> None:
    """The exception ends the session, and what waits is written when the interpreter ends."""
    process = start("exit_inside_a_session", store.settings)
    _, error = process.communicate(timeout=60)
    assert process.returncode == 3, error
    assert stored() == {"kept back": 1}


def test_a_kill_loses_at_most_what_the_interval_covers(store: Store) -> None:
    process = start_at_once("record_until_killed", store.settings)
    recorded: list[tuple[float, int]] = []
    while not recorded or time.monotonic() - recorded[0][0] < 2.5:
        line = process.stdout.readline()
        recorded.append((time.monotonic(), int(line)))
    process.kill()
    process.communicate(timeout=30)
    killed_at = recorded[-1][0]
    writing = 1.0  # seconds, on a slow machine
    due = max((n for at, n in recorded if at < killed_at - 1.0 - writing), default=0)
    found = stored()
    assert set(found.values()) == {1}
    assert due > 10
    assert {f"killed-{number}" for number in range(due)} <= found.keys()


@pytest.mark.parametrize("how", ["end", "exit", "error"])
def test_what_is_buffered_is_written_when_the_interpreter_ends(store: Store, how: str) -> None:
    process = start("record_and_end", store.settings, how)
    _, error = process.communicate(timeout=60)
    assert process.returncode == (1 if how == "error" else 0), error
    assert stored() == Counter([f"row-{number}" for number in range(1000)] + ["by a callback"])


def test_closing_at_any_moment_loses_nothing(store: Store, soak: Callable[[int], int]) -> None:
    chance = chance_of("rows before a close")
    recorded = []
    for run in range(soak(50)):
        with Store(store.settings) as short:
            use_store(short)
            disturbed(short)
            for number in range(chance.randrange(200)):
                record(f"{run}-{number}")
                recorded.append(f"{run}-{number}")
    use_store(store)
    assert stored() == Counter(recorded)


def test_what_is_recorded_while_the_store_closes_is_refused(store: Store) -> None:
    """A row is written or its caller is told."""
    entered, go_on = threading.Event(), threading.Event()
    with Store(store.settings) as short:
        use_store(short)

        def write(rows: Sequence[Row], mark: Mark) -> None:
            entered.set()
            assert go_on.wait(30)
            latency._write(short, rows, mark)

        short.open_writer("latency", write)
        record("before")
        closing = threading.Thread(target=short.close)
        closing.start()
        assert entered.wait(30)
        with pytest.raises(SessionMisuse, match="closed"):
            record("too late")
        go_on.set()
        closing.join()
    use_store(store)
    assert stored() == {"before": 1}


def test_a_commit_without_an_answer_is_not_repeated(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit, lost = TransactionState.commit, list[int]()

    def commit_unheard(tx: TransactionState) -> None:
        commit(tx)
        if tx.database == "latency" and not tx.readonly and len(lost) < 3:
            lost.append(1)
            raise Unavailable("the connection broke")

    monkeypatch.setattr(TransactionState, "commit", commit_unheard)
    for number in range(10):
        record(f"{number}")
        assert flush_writers()
    assert len(lost) == 3
    assert stored() == Counter(map(str, range(10)))
    assert writer_stats()["latency"] == (10, 0, 0, 0, None)


def disturbed(store: Store) -> None:
    """Let its writer write all the time, so that it is met inside a write."""
    store.open_writer("latency", partial(latency._write, store), batch_size=20)


def stream_through(settings: Settings, runs: int, disturb: Disturb) -> None:
    """Record while the database goes away and comes back; every row is stored once."""
    recorded = 0
    with Store(replace(settings, db_sqlite_busy_timeout=0.02)) as store:
        use_store(store)
        disturbed(store)
        for run in range(runs):
            thread = threading.Thread(target=disturb, args=(chance_of(f"disturbance {run}"),))
            thread.start()
            while thread.is_alive():
                record(f"{recorded}")
                recorded += 1
                if recorded % 7 == 0:
                    time.sleep(0.001)
            thread.join()
            assert flush_writers(timeout=30), writer_stats()
        stats = writer_stats()["latency"]
        assert stats.written + stats.dropped == recorded
        assert (stats.failed, stats.queued) == (0, 0)
        found = stored()
    assert set(found.values()) == {1}
    assert len(found) == recorded - stats.dropped


@pytest.mark.only("postgresql")
def test_a_restarted_server_gets_every_row_once(
    migrated_settings: Settings, postgres: PostgresServer, soak: Callable[[int], int]
) -> None:
    def disturb(chance: Random) -> None:
        time.sleep(chance.uniform(0, 0.1))
        if postgres.restart is None:
            refuse_for_a_while(postgres, migrated_settings.latency_database_url, chance)
        else:
            postgres.restart(chance.choice(("fast", "immediate")))

    stream_through(migrated_settings, soak(30), disturb)


@pytest.mark.only("postgresql")
def test_a_database_that_refuses_connections_gets_every_row_once(
    migrated_settings: Settings, postgres: PostgresServer, soak: Callable[[int], int]
) -> None:
    def disturb(chance: Random) -> None:
        time.sleep(chance.uniform(0, 0.1))
        refuse_for_a_while(postgres, migrated_settings.latency_database_url, chance)

    stream_through(migrated_settings, soak(30), disturb)


def refuse_for_a_while(server: PostgresServer, url: str, chance: Random) -> None:
    """End every connection of a database and let no new one in."""
    with refusing(server, url):
        time.sleep(chance.uniform(0, 0.3))


@pytest.mark.only("sqlite")
def test_a_file_locked_by_others_for_too_long_gets_every_row_once(
    migrated_settings: Settings, soak: Callable[[int], int]
) -> None:
    path = make_url(migrated_settings.latency_database_url).database or ""

    def disturb(chance: Random) -> None:
        time.sleep(chance.uniform(0, 0.1))
        other = sqlite3.connect(path, isolation_level=None, timeout=10)
        other.execute("BEGIN EXCLUSIVE")
        time.sleep(chance.uniform(0, 0.3))
        other.execute("COMMIT")
        other.close()

    stream_through(migrated_settings, soak(30), disturb)


def test_recording_returns_at_once_while_the_database_is_away(
    migrated_settings: Settings,
) -> None:
    """Nowhere to write at all: 10,000 calls take no longer, and what is lost is counted."""
    away = "postgresql://nobody@127.0.0.1:1/none"
    store = Store(replace(migrated_settings, latency_database_url=away))
    use_store(store)
    began = time.monotonic()
    for number in range(10_000):
        record(f"{number}")
    assert time.monotonic() - began < 2
    assert not flush_writers(timeout=0.2)
    stats = writer_stats()["latency"]
    assert stats.queued == 10_000
    assert "cannot be reached" in (stats.error or "")
    store.writers["latency"].close(timeout=0)
    store.close()
    use_store(None)
