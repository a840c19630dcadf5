"""The handler: every line once, none of its own, no secret, and never a wait or an error."""

import json
import logging
import logging.config
import logging.handlers
import queue
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from openalgo_store import (
    DatabaseLogHandler,
    LogEntry,
    Settings,
    Store,
    Transaction,
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
from openalgo_store.engine.queries import Query
from openalgo_store.security.redaction import as_json, is_secret, redacted
from openalgo_store.tables.telemetry import application_logs
from tests.support.waiting import wait_until

COUNT = Query.of(select(func.count()).select_from(application_logs), int)
log = logging.getLogger("app.orders")


@pytest.fixture
def handler() -> Iterator[DatabaseLogHandler]:
    """A handler on the root logger, which lets everything pass."""
    made = DatabaseLogHandler()
    with attached(made):
        yield made


@pytest.fixture
def other_logs(store: Store, tmp_path: Path) -> Iterator[Store]:
    """A store with a logs database of its own."""
    url = f"sqlite:///{tmp_path / 'other_logs.db'}"
    settings = replace(store.settings, logs_database_url=url)
    init_databases(settings, warm=False).close()
    with Store(settings) as other:
        use_store(store)
        yield other


class attached:  # noqa: N801
    """Lets a handler get everything, and closes it."""

    def __init__(self, handler: logging.Handler) -> None:
        self.handler = handler

    def __enter__(self) -> logging.Handler:
        root = logging.getLogger()
        self.level = root.level
        root.addHandler(self.handler)
        root.setLevel(logging.DEBUG)
        return self.handler

    def __exit__(self, *_: object) -> None:
        logging.getLogger().removeHandler(self.handler)
        logging.getLogger().setLevel(self.level)
        self.handler.close()


def lines(**filters: Any) -> list[LogEntry]:
    """What is stored of the application, the oldest first."""
    assert flush_writers()
    return get_logs(**({"logger": "app"} | filters)).entries[::-1]


def count_rows(store: Store) -> int:
    """Without a word to any logger, which would be another line."""
    root = logging.getLogger()
    before = root.manager.disable
    logging.disable()
    try:
        with store.transaction("logs", readonly=True) as tx:
            return tx.value(COUNT) or 0
    finally:
        logging.disable(before)


def test_a_line_is_stored_with_all_that_is_known_of_it(
    store: Store, handler: DatabaseLogHandler
) -> None:
    before = datetime.now(UTC)
    log.warning("order %s of %d lots", "26030200001", 5, extra={"user_id": 7, "lots": [1, 2]})
    (entry,) = lines()
    assert (entry.level, entry.logger, entry.message) == (
        "WARNING", "app.orders", "order 26030200001 of 5 lots",
    )  # fmt: skip
    assert (entry.module, entry.function) == (
        "test_log_handler", "test_a_line_is_stored_with_all_that_is_known_of_it",
    )  # fmt: skip
    assert entry.line_number is not None
    assert entry.extra_data == {"user_id": 7, "lots": [1, 2]}
    assert entry.exception is None
    assert before - timedelta(seconds=1) < entry.timestamp <= datetime.now(UTC)
    log.info("nothing extra")
    assert lines()[1].extra_data is None


def test_a_traceback_is_stored_as_it_is_printed(store: Store, handler: DatabaseLogHandler) -> None:
    try:
        _ = 1 / 0
    except ZeroDivisionError:
        log.exception("it failed", stack_info=True)
    (entry,) = lines(level="ERROR")
    assert entry.exception is not None
    assert entry.exception.startswith("Traceback (most recent call last):")
    assert entry.exception.endswith("ZeroDivisionError: division by zero")
    assert entry.extra_data["stack_info"].startswith("Stack")


def test_arguments_count_as_they_were_when_the_line_was_logged(
    store: Store, handler: DatabaseLogHandler
) -> None:
    order = {"quantity": 1}
    log.info("order %s", order, extra={"order": order})
    order["quantity"] = 2
    (entry,) = lines()
    assert entry.message == "order {'quantity': 1}"
    assert entry.extra_data == {"order": {"quantity": 1}}


class Awkward:
    """Nothing can be done with it."""

    def __repr__(self) -> str:
        raise RuntimeError("no repr")


def test_no_line_is_lost_for_a_character_or_a_value(
    store: Store, handler: DatabaseLogHandler
) -> None:
    endless: dict[str, Any] = {}
    endless["itself"] = endless
    log.info("NUL \0, surrogate \ud800, rupee ₹")
    for message, argument in (("too few %s %s", 1), ("%s", Awkward())):
        # not through the logger: pytest's own handlers raise
        handler.handle(log.makeRecord("app", 20, __file__, 1, message, (argument,), None))
    log.info("x" * 100_000)
    logging.getLogger("app." + "x" * 200).info("a long name")
    log.info(
        "odd fields",
        extra={
            "nan": float("nan"), "big": 2**70, "set": {1}, "object": object, "day": datetime.min,
            "awkward": Awkward(), "endless": endless, "tuple": (1, "\0"),
            "bytes": b"\xff", "\ud800": "\ud800",
        },
    )  # fmt: skip
    found = lines()
    assert len(found) == 6
    assert found[0].message == "NUL \\x00, surrogate \\ud800, rupee ₹"
    assert found[1].message == "too few %s %s [1]"
    assert found[2].message == "%s ['<Awkward>']"
    assert len(found[3].message) == 65_536
    assert found[4].logger.startswith("app.xxx")
    extra = found[5].extra_data
    assert extra["nan"] == "nan"
    assert extra["big"] == str(2**70)
    assert extra["set"] == [1]
    assert extra["object"] == "<class 'object'>"
    assert extra["day"] == "datetime.datetime(1, 1, 1, 0, 0)"
    assert extra["awkward"] == "<Awkward>"
    assert extra["tuple"] == [1, "\\x00"]
    assert extra["\\ud800"] == "\\ud800"
    assert writer_stats()["logs"][1:4] == (0, 0, 0)


SECRETS = (
    ("password=hunter22!", "hunter22!"),
    ("PASSWORD: 'two words', user 5", "two words"),
    ('{"access_token": "ab\\"cd12345", "user": 5}', 'cd12345'),
    ("{'apiKey': b'abcdef'}", "abcdef"),
    ("client_secret=s3cr3t&grant=x", "s3cr3t"),
    ("Authorization: Bearer abc.def-123", "abc.def-123"),
    ("'Authorization': 'token kite_key:kite_token'", "kite_token"),
    ("authorization=token kite_key:kite_token", "kite_token"),
    ("sent bearer abcdefghijkl to it", "abcdefghijkl"),
    ("postgresql://user:pa55@host:5432/db is away", "pa55"),
    ("the key openalgo_" + "A1b2C3d4" * 5, "A1b2C3d4"),
    ("jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI1In0.abc_DEF", "eyJzdWIiOiI1In0"),
    ("$argon2id$v=19$m=8,t=1,p=1$c2FsdA$aGFzaA", "aGFzaA"),
    ("TOTP=123456 pin: 9876", "123456"),
    ("TOTP=123456 pin: 9876", "9876"),
)  # fmt: skip
HARMLESS = (
    "order 26030200001 of RELIANCE placed in 12.5 ms",
    "openalgo_store.repositories.users took https://host:80/path",
    "spin: 5, mapping: {'symbol': 'TCS'}, author: asha",
    "token expired, log in again",
)


def test_secrets_are_told_from_what_is_none() -> None:
    for text, secret in SECRETS:
        assert secret not in redacted(text), text
        assert "***" in redacted(text), text
    for text in HARMLESS:
        assert redacted(text) == text
    assert redacted("password=x, user=asha") == "password=***, user=asha"
    for name in ("password", "api_key", "accessToken", "X-Api-Key", "Set-Cookie", "TOKENS", "pin"):
        assert is_secret(name), name
    for name in ("user_id", "token_count", "spin", "keyboard", "symbol"):
        assert not is_secret(name), name
    assert as_json({"a": [{"api_key": 5}]}, hide=True) == {"a": [{"api_key": "***"}]}


def test_redaction_of_a_long_text_takes_no_time() -> None:
    began = time.monotonic()
    for text in (
        "a" * 100_000,
        "token" * 20_000,
        "a.-" * 30_000,
        "password " * 10_000,
        "://" * 30_000,
    ):
        redacted(text)
    assert time.monotonic() - began < 2


def test_secrets_do_not_reach_the_database_unless_asked_for(
    store: Store, handler: DatabaseLogHandler
) -> None:
    class LoginError(Exception):
        pass

    log.info(
        "login with password=%s", "hunter22", extra={"api_key": "hunter22", "x": ["pwd=hunter22"]}
    )
    try:
        raise LoginError("token=hunter22 was refused")
    except LoginError:
        log.exception("Authorization: Bearer hunter22hunter22")
    assert "hunter22" not in repr(lines())
    assert "password=***" in lines()[0].message
    with attached(DatabaseLogHandler(redact=False)):
        logging.getLogger("plain").info("password=%s", "in clear")
    assert get_logs(logger="plain").entries[0].message == "password=in clear"


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
    monkeypatch.setattr(logging.getLogger("sqlalchemy"), "level", logging.DEBUG)
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
    commit, lost = Transaction._commit, list[int]()

    def commit_unheard(tx: Transaction) -> None:
        commit(tx)
        if tx.database == "logs" and not tx.readonly and not lost:
            lost.append(1)
            use_store(other_logs)
            raise Unavailable("the connection broke")

    monkeypatch.setattr(Transaction, "_commit", commit_unheard)
    log.info("once")
    wait_until(lambda: bool(lost))
    assert lines() == []
    log.info("later")
    assert [each.message for each in lines()] == ["later"]
    use_store(store)
    assert [each.message for each in lines()] == ["once"]


def test_a_filter_of_the_handler_counts(store: Store, handler: DatabaseLogHandler) -> None:
    handler.addFilter(lambda record: record.getMessage() != "noise")
    log.info("noise")
    log.info("signal")
    assert [each.message for each in lines()] == ["signal"]


def test_a_line_that_cannot_be_formatted_fails_nobody(
    store: Store, handler: DatabaseLogHandler, capsys: pytest.CaptureFixture[str]
) -> None:
    handler.handle(logging.makeLogRecord({"name": "app", "created": "no time"}))
    assert lines() == []
    assert "TypeError" in capsys.readouterr().err


def test_eight_threads_and_every_logger_at_debug_and_then_it_is_quiet(
    store: Store, handler: DatabaseLogHandler, soak: Callable[[int], int]
) -> None:
    """What the writers' own statements log would otherwise be written for ever."""
    each = soak(2000)
    loud = [logging.getLogger(name) for name in ("sqlalchemy", "psycopg", "openalgo_store")]
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
    assert get_logs(logger="sqlalchemy", limit=1).entries


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


def test_extra_fields_are_json_for_any_reader(store: Store, handler: DatabaseLogHandler) -> None:
    log.info("x", extra={"a": {"b": [1.5, True, None, "ज"]}})
    assert flush_writers()
    with store.transaction("logs", readonly=True) as tx:
        (text,) = tx.connection.exec_driver_sql(
            "SELECT CAST(extra_data AS TEXT) FROM application_logs WHERE logger = 'app.orders'"
        ).scalars()
    assert json.loads(text) == {"a": {"b": [1.5, True, None, "ज"]}}
