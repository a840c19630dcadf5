"""The log as it is read: filters, pages that hold still, and purging."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from openalgo_store import (
    InvalidInput,
    LogEntry,
    Store,
    get_logs,
    get_read_session,
    get_write_session,
    purge_logs,
)
from openalgo_store.background.marks import Mark
from openalgo_store.repositories.telemetry.logs import LOG_COLUMNS, write_log_batch
from openalgo_store.tables.telemetry import application_logs, log_writers
from openalgo_store.values import clock

START = datetime(2026, 3, 2, 3, 45, tzinfo=UTC)


def add(*lines: tuple[Any, ...]) -> None:
    """Lines as (seconds after the start, level, logger, message, exception)."""
    rows = [
        (START + timedelta(seconds=after), level, logger, message, "m", "f", 7, exception, None)
        for after, level, logger, message, exception in lines
    ]
    with get_write_session("logs") as tx:
        tx.copy(application_logs, LOG_COLUMNS, rows)


def messages(entries: Sequence[LogEntry]) -> list[str]:
    return [each.message for each in entries]


def found(**filters: Any) -> list[str]:
    """The messages that pass these filters, the newest first."""
    return messages(get_logs(**filters).entries)


def test_an_entry_comes_back_as_it_was_written(store: Store) -> None:
    extra = {"user": 5, "tags": ["a", None], "nested": {"π": 1.5}}
    row = (START, "ERROR", "app.orders", "it failed", "orders", "place", 42, "Traceback…", extra)
    write_log_batch(store, [row], Mark("one", 1))
    (entry,) = get_logs().entries
    assert entry[1:] == row
    assert entry.timestamp.tzinfo is UTC


def test_a_batch_is_written_once_however_often_it_is_tried(store: Store) -> None:
    row = (START, "INFO", "app", "once", None, None, None, None, None)
    for _ in range(3):
        write_log_batch(store, [row], Mark("one", 1))
    assert found() == ["once"]


def test_the_newest_come_first_and_a_page_ends_where_the_next_begins(store: Store) -> None:
    add(*((number // 3, "INFO", "app", f"{number}", None) for number in range(20)))
    pages, cursor = list[list[str]](), None
    while True:
        page = get_logs(limit=6, cursor=cursor)
        pages.append(messages(page.entries))
        add((100 + len(pages), "INFO", "app", "newer, and in nobody's way", None))
        if (cursor := page.next_cursor) is None:
            break
    assert [len(page) for page in pages] == [6, 6, 6, 2]
    assert [each for page in pages for each in page] == [
        f"{number}" for number in reversed(range(20))
    ]
    assert get_logs(limit=24).next_cursor is None
    for bad in ("", "7", "yesterday_7", f"{START.isoformat()}_x"):
        with pytest.raises(InvalidInput, match="next_cursor of the page"):
            get_logs(cursor=bad)
    with pytest.raises(InvalidInput, match="has no time zone"):
        get_logs(until=START.replace(tzinfo=None), cursor=get_logs(limit=1).next_cursor)
    for limit in (0, 1001):
        with pytest.raises(InvalidInput, match="from 1 to 1000"):
            get_logs(limit=limit)


def test_a_level_stands_for_itself_and_those_above(store: Store) -> None:
    add(*((0, level, "app", level, None) for level in ("DEBUG", "INFO", "WARNING", "CRITICAL")))
    assert found(level="warning") == ["CRITICAL", "WARNING"]
    assert found(level=20) == ["CRITICAL", "WARNING", "INFO"]
    assert len(found(level=0)) == 4
    assert found(level=60) == []
    with pytest.raises(InvalidInput, match=r"a number or one of .*WARNING"):
        get_logs(level="loud")


def test_a_logger_stands_for_itself_and_those_below(store: Store) -> None:
    names = ("app", "app.orders", "app.orders.zerodha", "application", "App.x", "app-1", "app/2")
    add(*((0, "INFO", name, name, None) for name in names))
    assert sorted(found(logger="app")) == ["app", "app.orders", "app.orders.zerodha"]
    assert found(logger="app.orders.zerodha") == ["app.orders.zerodha"]
    assert found(logger="app.") == []


def test_a_text_is_found_as_it_stands_but_for_the_case_of_a_to_z(store: Store) -> None:
    lines = ("100% filled", "100 lots", "a_b", "aXb", "ORDER Placed", "ÉTÉ", "back\\slash", "a/b")
    add(*((0, "INFO", "app", line, None) for line in lines))
    add((0, "ERROR", "app", "failed", "Traceback\nValueError: 100%"))
    assert sorted(found(text="100%")) == ["100% filled", "failed"]
    assert found(text="a_b") == ["a_b"]
    assert found(text="order placed") == found(text="ORDER PLACED") == ["ORDER Placed"]
    assert found(text="ÉtÉ") == ["ÉTÉ"]
    assert found(text="été") == []
    assert found(text="\\s") == ["back\\slash"]
    assert found(text="a/b") == ["a/b"]


def test_filters_add_up_and_time_is_half_open(store: Store) -> None:
    for second in range(4):
        add((second, "INFO", "app", f"{second}", None), (second, "ERROR", "other", "no", None))
    since, until = START + timedelta(seconds=1), START + timedelta(seconds=3)
    assert found(since=since, until=until, logger="app") == ["2", "1"]
    assert found(since=since, until=until, logger="app", level="ERROR") == []
    with get_read_session("logs") as tx:
        assert found(until=since, text="0", tx=tx) == ["0"]
    with pytest.raises(InvalidInput, match="no time zone"):
        get_logs(since=START.replace(tzinfo=None))


def test_a_page_far_down_is_read_from_the_index(store: Store, engine_name: str) -> None:
    add(*((number, "INFO", "app", "x", None) for number in range(5000)))
    explain = {"sqlite": "EXPLAIN QUERY PLAN", "postgresql": "EXPLAIN"}[engine_name]
    with get_write_session("logs") as tx:
        tx.connection.exec_driver_sql("ANALYZE")
        plan = tx.connection.exec_driver_sql(
            f"{explain} SELECT id FROM application_logs "
            "WHERE (timestamp, id) < ('2026-03-02 04:45:00.000000', 3600) "
            "ORDER BY timestamp DESC, id DESC LIMIT 101"
        )
        shown = "\n".join(map(str, plan))
    assert "ix_application_logs_timestamp_id" in shown
    assert "Sort" not in shown
    assert "TEMP B-TREE" not in shown


def test_old_entries_are_purged_with_the_marks_of_processes_that_ended(store: Store) -> None:
    add((-1, "INFO", "app", "old", None), (0, "INFO", "app", "new", None))
    with get_write_session("logs") as tx:
        marks = [("ended", 9, START - timedelta(days=2)), ("running", 9, clock.now())]
        tx.copy(log_writers, ("writer", "sequence", "written_at"), marks)
    assert purge_logs(START, dry_run=True) == 1
    assert purge_logs(START) == 1
    assert found() == ["new"]
    with get_write_session("logs") as tx:
        assert purge_logs(clock.now() + timedelta(days=1), tx=tx) == 1
        left = tx.connection.exec_driver_sql("SELECT writer FROM log_writers").scalars()
        assert list(left) == ["running"]
