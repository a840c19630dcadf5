"""The handler: every line once, none of its own, in the right store, and never a wait."""

import logging
import logging.config
import logging.handlers
import queue
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from openalgo_store import (
    DatabaseLogHandler,
    Settings,
    Store,
    Unavailable,
    close_databases,
    flush_writers,
    get_logs,
    get_user,
    init_databases,
    record_latency,
    use_store,
    writer_stats,
)
from openalgo_store.engine.transaction_state import TransactionState
from tests.support.log_lines import attached, count_rows, lines, log
from tests.support.waiting import wait_until


def test_dict_config_makes_one(store: Store) -> None:
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "handlers": {
                "database": {
                    "class": "openalgo_store.DatabaseLogHandler",
                    "level": "WARNING",
                    "batch_size": 10,
                    "flush_interval": 0.01,
                    "capacity": 100,
                    "drop": "newest",
                }
            },
            "loggers": {"app": {"handlers": ["database"], "level": "DEBUG"}},
        }
    )
    try:
        log.info("below the handler's level")
        log.error("above it")
        wait_until(lambda: count_rows(store) == 1)
        assert [each.message for each in lines()] == ["above it"]
    finally:
        (handler,) = logging.getLogger("app").handlers
        logging.getLogger("app").removeHandler(handler)
        logging.getLogger("app").setLevel(logging.NOTSET)
        handler.close()


def test_configuring_logging_anew_waits_for_nothing_and_loses_no_line(store: Store) -> None:
    """It closes the handlers under a lock that the writer needs, when every logger is at DEBUG."""
    handlers = {"database": {"class": "openalgo_store.DatabaseLogHandler", "flush_interval": 3600}}
    root = logging.getLogger()
    level, kept = root.level, root.handlers[:]
    config = {
        "version": 1,
        "disable_existing_loggers": False,
        "handlers": handlers,
        "root": {"handlers": ["database"], "level": "DEBUG"},
    }
    try:
        logging.config.dictConfig(config)
        log.info("the last words")
        began = time.monotonic()
        logging.config.dictConfig(config)
        assert time.monotonic() - began < 4
        assert [each.message for each in lines()] == ["the last words"]
        wait_until(lambda: "logs writer" not in [each.name for each in threading.enumerate()])
    finally:
        for handler in root.handlers[:]:
            handler.close()
        root.handlers[:] = kept
        root.setLevel(level)


def test_a_queue_in_front_of_the_handler_does_not_make_it_feed_itself(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It asks which thread a line is of: the thread that brings it is another."""
    monkeypatch.setattr(logging.getLogger("openalgo_store.statements"), "level", logging.DEBUG)
    waiting: queue.SimpleQueue[Any] = queue.SimpleQueue()
    with (
        Store(store.settings) as loud,
        attached(DatabaseLogHandler()) as target,
        attached(logging.handlers.QueueHandler(waiting)),
    ):
        use_store(loud)
        logging.getLogger().removeHandler(target)
        log.info("one line")
        target.handle(waiting.get())
        assert flush_writers()
        assert not waiting.empty()  # what the writer's statements log
        while not waiting.empty():
            target.handle(waiting.get())
        assert flush_writers()
        assert writer_stats()["logs"].written == 1
    use_store(store)


def test_lines_of_before_the_store_wait_for_it(
    migrated_settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    use_store(None)
    with attached(DatabaseLogHandler(flush_interval=0.01)) as _:
        log.info("starting up")
        began = time.monotonic()
        assert not flush_writers(timeout=30)
        assert time.monotonic() - began < 5  # nobody waits for what nobody promised
        init_databases(migrated_settings, warm=False)
        log.info("started")
        assert [each.message for each in lines()] == ["starting up", "started"]
        assert "rows wait for the database" not in caplog.text
        close_databases()


def test_closing_the_store_writes_the_lines_before_it(
    store: Store, other_logs: Store, handler: DatabaseLogHandler
) -> None:
    """To it: what is written later goes to the next store."""
    use_store(other_logs)
    log.info("the last words")
    other_logs.close()
    use_store(store)
    assert lines() == []
    with Store(other_logs.settings) as again:
        use_store(again)
        assert [each.message for each in lines()] == ["the last words"]
    use_store(store)


def test_a_batch_whose_commit_got_no_answer_does_not_go_to_the_next_store_too(
    store: Store, other_logs: Store, handler: DatabaseLogHandler, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit, lost = TransactionState.commit, list[int]()

    def commit_unheard(tx: TransactionState) -> None:
        commit(tx)
        if tx.database == "logs" and not tx.readonly and not lost:
            lost.append(1)
            use_store(other_logs)
            raise Unavailable("the connection broke")

    monkeypatch.setattr(TransactionState, "commit", commit_unheard)
    log.info("once")
    wait_until(lambda: bool(lost))
    assert lines() == []
    log.info("later")
    assert [each.message for each in lines()] == ["later"]
    use_store(store)
    assert [each.message for each in lines()] == ["once"]


def test_eight_threads_and_every_logger_at_debug_and_then_it_is_quiet(
    store: Store, handler: DatabaseLogHandler, soak: Callable[[int], int]
) -> None:
    """What the writers' own statements log would otherwise be written for ever."""
    each = soak(2000)
    loud = [
        logging.getLogger(name)
        for name in ("psycopg", "openalgo_store", "openalgo_store.statements")
    ]
    levels = [logger.level for logger in loud]
    for logger in loud:
        logger.setLevel(logging.DEBUG)

    def work(thread: int) -> None:
        moment = datetime.now(UTC)
        for number in range(each):
            log.debug("%d-%d", thread, number)
            record_latency(None, "zerodha", "place_order", moment, moment)
            if number % 100 == 0:
                get_user(1)  # its statements are worth a line: they are the application's

    try:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(work, range(8)))
        assert flush_writers()
        at_rest = count_rows(store)
        ticks = threading.Event()
        ticks.wait(1.5)  # more than the interval of every writer
        assert flush_writers()
        assert count_rows(store) == at_rest
    finally:
        for logger, level in zip(loud, levels, strict=True):
            logger.setLevel(level)
    stats = writer_stats()["logs"]
    assert stats.written == at_rest
    assert (stats.failed, stats.queued) == (0, 0)
    of_app = set(messages_of_application())
    assert len(of_app) + stats.dropped >= 8 * each
    assert get_logs(logger="openalgo_store.statements", limit=1).entries


def messages_of_application() -> Iterator[str]:
    page = get_logs(logger="app", limit=1000)
    yield from (entry.message for entry in page.entries)
    while page.next_cursor:
        page = get_logs(logger="app", cursor=page.next_cursor, limit=1000)
        yield from (entry.message for entry in page.entries)


def test_logging_returns_at_once_while_the_database_is_away(migrated_settings: Settings) -> None:
    away = "postgresql://nobody@127.0.0.1:1/none"
    with Store(replace(migrated_settings, logs_database_url=away)) as store:
        use_store(store)
        handler = DatabaseLogHandler(capacity=1000)
        logging.getLogger("app").addHandler(handler)
        try:
            began = time.monotonic()
            for number in range(5000):
                log.warning("%d", number)
            assert time.monotonic() - began < 5
            assert not flush_writers(timeout=0.2)
            stats = writer_stats()["logs"]
            assert (stats.dropped + stats.queued, stats.written) == (5000, 0)
        finally:
            logging.getLogger("app").removeHandler(handler)
            handler._writer.close(timeout=0)
    use_store(None)
