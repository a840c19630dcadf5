"""Retention: exactly what is old goes, in small transactions that leave room for writers."""

import re
import threading
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from click.testing import CliRunner
from sqlalchemy import Column, Table, func, select

from openalgo_store import (
    InvalidInput,
    Store,
    WrongDatabase,
    get_read_session,
    get_write_session,
    save_telegram_chat,
    use_store,
)
from openalgo_store.cli import main
from openalgo_store.engine.queries import Query
from openalgo_store.repositories.purging import purge_rows
from openalgo_store.settings import DATABASES, variable_of
from openalgo_store.tables.messaging import telegram_messages
from openalgo_store.tables.telemetry import application_logs, latency_metrics
from openalgo_store.values import clock
from tests.support.settings import Urls
from tests.support.watching import watching

BEFORE = datetime(2026, 3, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


class Stream(NamedTuple):
    """A table that takes a stream of rows; `rest` are the values beside the moment."""

    database: str
    table: Table
    moment: Column[datetime]
    rest: dict[str, Any]

    def fill(self, moments: Iterable[datetime]) -> None:
        """A row at each of these moments."""
        columns = [self.moment.name, *self.rest]
        with get_write_session(self.database) as tx:
            tx.copy(self.table, columns, [(each, *self.rest.values()) for each in moments])

    def size(self) -> int | None:
        with get_read_session(self.database) as tx:
            return tx.value(Query.of(select(func.count()).select_from(self.table), int))

    def purge(self, **options: Any) -> int:
        return purge_rows(self.database, self.table, self.moment, BEFORE, **options)


LATENCY = Stream(
    "latency",
    latency_metrics,
    latency_metrics.c.start_time,
    {"operation": "place_order", "end_time": BEFORE, "latency_ms": 1.0, "success": True},
)
LOGS = Stream(
    "logs",
    application_logs,
    application_logs.c.timestamp,
    {"level": "INFO", "logger": "openalgo", "message": "hello"},
)


@pytest.fixture(params=[LATENCY, LOGS], ids=lambda stream: stream.database)
def stream(request: pytest.FixtureRequest, store: Store) -> Stream:
    found: Stream = request.param
    return found


@pytest.fixture
def rests(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long each rest would have been; nobody sleeps."""
    lengths: list[float] = []
    monkeypatch.setattr("openalgo_store.repositories.purging.sleep", lengths.append)
    return lengths


def test_what_is_older_goes_and_what_is_as_old_or_newer_stays(
    stream: Stream, rests: list[float]
) -> None:
    moments = [BEFORE + n * HOUR for n in range(-25, 10)]
    stream.fill([*moments, BEFORE - timedelta(microseconds=1)])
    assert stream.purge(dry_run=True) == 26
    assert stream.size() == 36
    assert stream.purge(batch_size=10) == 26
    with get_read_session(stream.database) as tx:
        left = tx.all(Query.of(select(stream.moment).order_by(stream.moment), datetime))
    assert left == moments[25:]
    assert len(rests) == 2
    assert stream.purge() == stream.purge(dry_run=True) == 0


def test_rows_of_one_moment_are_no_larger_batch(
    stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream.fill([BEFORE - 2 * HOUR] * 5 + [BEFORE - HOUR] * 28 + [BEFORE] * 2)
    left: list[int | None] = []
    monkeypatch.setattr(
        "openalgo_store.repositories.purging.sleep", lambda _: left.append(stream.size())
    )
    assert stream.purge(batch_size=10) == 33
    assert left == [25, 15, 5]
    assert stream.size() == 2


def test_each_batch_is_a_transaction_of_its_own(
    stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream.fill([BEFORE - n * HOUR for n in range(1, 26)])
    left: list[int | None] = []

    def look_and_be_interrupted(seconds: float) -> None:
        left.append(stream.size())
        if len(left) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr("openalgo_store.repositories.purging.sleep", look_and_be_interrupted)
    with pytest.raises(KeyboardInterrupt):
        stream.purge(batch_size=10)
    assert left == [15, 5]
    assert stream.size() == 5


def test_a_writer_gets_in_while_the_purge_rests(
    stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream.fill([BEFORE - n * HOUR for n in range(1, 26)])
    resting, written = threading.Event(), threading.Event()

    def rest(seconds: float) -> None:
        resting.set()
        assert written.wait(30)

    monkeypatch.setattr("openalgo_store.repositories.purging.sleep", rest)
    purge = threading.Thread(target=stream.purge, kwargs={"batch_size": 10})
    purge.start()
    assert resting.wait(30)
    stream.fill([BEFORE + HOUR])
    assert stream.size() == 16
    written.set()
    purge.join()
    assert stream.size() == 1


def test_within_a_session_nothing_rests_and_the_session_decides(
    stream: Stream, rests: list[float]
) -> None:
    stream.fill([BEFORE - HOUR] * 25)
    with pytest.raises(ZeroDivisionError):
        with get_write_session(stream.database) as tx:
            assert stream.purge(batch_size=10, tx=tx) == 25
            assert stream.purge(dry_run=True, tx=tx) == 0
            raise ZeroDivisionError
    assert stream.size() == 25
    with get_write_session(stream.database) as tx:
        assert stream.purge(batch_size=10, tx=tx) == 25
    assert stream.size() == 0
    assert rests == []


TELEGRAM = {"chat_id": 7, "message_type": "order", "content": "hello", "created_at": BEFORE}
SENT = Stream("telegram", telegram_messages, telegram_messages.c.sent_at, TELEGRAM)
PARKED = Stream("telegram", telegram_messages, telegram_messages.c.parked_at, TELEGRAM)


@pytest.mark.parametrize("stream", [LATENCY, LOGS, SENT, PARKED], ids=lambda each: each.moment.name)
def test_a_batch_is_found_by_its_index(store: Store, stream: Stream, rests: list[float]) -> None:
    """On an analysed table of some thousand rows; the statements are those that were sent."""
    save_telegram_chat(7)
    stream.fill(BEFORE - n * HOUR for n in range(20_000))
    sent: list[tuple[str, Any]] = []
    dialect = store.databases[stream.database]
    with get_write_session(stream.database) as tx:
        tx.connection.exec_driver_sql("ANALYZE")
        with watching(store, stream.database, before=lambda *each: sent.append(each)):
            purge_rows(stream.database, stream.table, stream.moment, BEFORE - 17_000 * HOUR, tx=tx)
        assert len(sent) == 3 + 3 + 2
        explain = {"sqlite": "EXPLAIN QUERY PLAN", "postgresql": "EXPLAIN"}[dialect.name]
        for statement, parameters in sent:
            rows = tx.connection.exec_driver_sql(f"{explain} {statement}", parameters)
            plan = "\n".join(map(str, rows))
            assert f"ix_{stream.table.name}_{stream.moment.name}" in plan, plan
            assert "Seq Scan" not in plan, plan
            assert "SCAN" not in plan, plan


def test_what_makes_no_sense_is_refused(stream: Stream) -> None:
    naive = datetime(2026, 3, 1)
    for dry_run in (True, False):
        with pytest.raises(InvalidInput, match="no time zone"):
            purge_rows(stream.database, stream.table, stream.moment, naive, dry_run=dry_run)
    with pytest.raises(InvalidInput, match="batch_size"):
        stream.purge(batch_size=0)
    for size in (2**70, 1.5):
        with pytest.raises(InvalidInput, match="whole number"):
            stream.purge(batch_size=size)
    assert stream.purge(batch_size=2**40) == 0
    with get_write_session("main") as tx, pytest.raises(WrongDatabase):
        stream.purge(tx=tx)


# The command


@pytest.fixture
def purge(
    store: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Callable[..., tuple[int, str]]:
    """A function that runs `openalgo-store purge`: its exit code and what it printed."""
    monkeypatch.chdir(tmp_path)
    for name in DATABASES:
        monkeypatch.setenv(variable_of(name), store.settings.url(name))

    def run(*arguments: str) -> tuple[int, str]:
        use_store(None)  # the command closes the one in use
        result = CliRunner().invoke(main, ["purge", *arguments])
        use_store(store)
        return result.exit_code, re.sub(r": older than .* UTC", "", result.output)

    return run


def fill_all() -> None:
    """Of each database two rows from 40 days ago and one from 20; a message that waits since."""
    days = [clock.now() - timedelta(days=ago) for ago in (40, 40, 20)]
    LATENCY.fill(days)
    LOGS.fill(days)
    columns = ("chat_id", "message_type", "content", "delivered", "sent_at", "created_at")
    with get_write_session("telegram") as tx:
        save_telegram_chat(7, tx=tx)
        sent = [(7, "order", "sent", True, day, day) for day in days]
        tx.copy(telegram_messages, columns, [*sent, (7, "order", "waits", False, None, days[0])])


def test_the_command_purges_every_database_and_says_how_much(
    purge: Callable[..., tuple[int, str]],
) -> None:
    fill_all()
    would = "latency   2 rows would go\nlogs      2 rows would go\ntelegram  2 rows would go\n"
    assert purge("--older-than", "30d", "--dry-run") == (0, would)
    assert purge("--older-than", "30d") == (0, would.replace("would go", "purged"))
    assert purge("--older-than", "99999w", "--dry-run") == (0, would.replace("2 rows", "0 rows"))
    assert purge("--older-than", "90m", "--database", "telegram") == (
        0,
        "telegram  1 rows purged\n",
    )
    assert (LATENCY.size(), LOGS.size()) == (1, 1)
    with get_read_session("telegram") as tx:
        assert tx.all(Query.of(select(telegram_messages.c.content), str)) == ["waits"]


def test_the_command_refuses_an_age_that_is_none(purge: Callable[..., tuple[int, str]]) -> None:
    fill_all()
    for age in ("", "d", "30", "0d", "-1d", "1.5d", "30 d", "1y", "100000d", "1٣d"):
        code, said = purge("--older-than", age)
        assert (code, said[:20]) == (1, "error: --older-than "), age
    assert LATENCY.size() == 3


def test_the_command_needs_an_age_and_a_database_that_has_old_rows(
    purge: Callable[..., tuple[int, str]],
) -> None:
    assert "Missing option '--older-than'" in purge()[1]
    assert "'main' is not one of" in purge("--older-than", "1d", "--database", "main")[1]


def test_the_command_makes_no_database(
    purge: Callable[..., tuple[int, str]], fresh_urls: Urls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOGS_DATABASE_URL", fresh_urls["logs"])
    said = "error: the logs database is not set up: run `openalgo-store init`\n"
    assert purge("--older-than", "1d") == (1, said)
