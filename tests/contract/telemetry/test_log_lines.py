"""What becomes of a log line: every field of it, whatever it is made of."""

import json
import logging
import logging.config
import logging.handlers
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from openalgo_store import (
    DatabaseLogHandler,
    Store,
    flush_writers,
    writer_stats,
)
from tests.support.log_lines import lines, log


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
        "test_log_lines", "test_a_line_is_stored_with_all_that_is_known_of_it",
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


def test_extra_fields_are_json_for_any_reader(store: Store, handler: DatabaseLogHandler) -> None:
    log.info("x", extra={"a": {"b": [1.5, True, None, "ज"]}})
    assert flush_writers()
    with store.transaction("logs", readonly=True) as tx:
        (text,) = tx.connection.exec_driver_sql(
            "SELECT CAST(extra_data AS TEXT) FROM application_logs WHERE logger = 'app.orders'"
        ).scalars()
    assert json.loads(text) == {"a": {"b": [1.5, True, None, "ज"]}}


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
