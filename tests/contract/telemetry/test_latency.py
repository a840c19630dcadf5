"""Latency: recorded without waiting, and measured around calls."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import insert

from openalgo_store import (
    ConfigurationError,
    InvalidInput,
    SessionMisuse,
    Store,
    get_write_session,
    measure_latency,
    purge_latency,
    record_latency,
    use_store,
    writer_stats,
)
from openalgo_store.background.marks import Mark
from openalgo_store.engine.queries import Query
from openalgo_store.repositories.telemetry import latency
from openalgo_store.tables.telemetry import latency_writers
from openalgo_store.values import clock
from openalgo_store.values.clock import IST
from tests.support.latencies import COUNT_WRITERS, DAY, START, Call, calls, record


def test_what_is_recorded_is_stored_as_it_was(store: Store) -> None:
    india = timezone(timedelta(hours=5, minutes=30))
    end = START + timedelta(milliseconds=12, microseconds=345)
    record_latency("26030200001", "zerodha", "place_order", START.astimezone(india), end)
    record_latency(
        order_id=None, broker=None, operation="ऑर्डर", start_time=START, end_time=START,
        success=False, error_message="HTTP 502\n\tतक़दीर",
    )  # fmt: skip
    placed = Call("26030200001", "zerodha", "place_order", START, end, 12.345, True, None)
    failed = Call(None, None, "ऑर्डर", START, START, 0.0, False, "HTTP 502\n\tतक़दीर")
    assert calls() == [placed, failed]
    assert writer_stats()["latency"].written == 2


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"operation": None}, "operation: give one"),
    ({"operation": 7}, "operation: text is needed, not int"),
    ({"operation": "x" * 51}, "operation: text of 51 characters where the column holds 50"),
    ({"broker": "a\0b"}, "broker: text with a NUL"),
    ({"order_id": "\ud800"}, "order_id: text with a lone surrogate"),
    ({"order_id": 26030200001}, "order_id: text is needed, not int"),
    ({"error_message": "a\0b"}, "error_message: text with a NUL"),
    ({"success": "yes"}, "success: True or False"),
    ({"success": None}, "success: True or False"),
    ({"start_time": START.replace(tzinfo=None)}, "pass aware datetimes"),
    ({"end_time": START.replace(tzinfo=None)}, "pass aware datetimes"),
    ({"start_time": 1.5}, "two aware datetimes"),
    ({"end_time": None}, "two aware datetimes"),
    ({"start_time": datetime.min.replace(tzinfo=IST)}, "two aware datetimes"),
    ({"end_time": START - timedelta(microseconds=1)}, "end_time is before start_time"),
]


def test_what_no_column_holds_is_refused_at_once(store: Store) -> None:
    good: dict[str, Any] = {
        "order_id": "1", "broker": "zerodha", "operation": "place_order", "start_time": START,
        "end_time": START,
    }  # fmt: skip
    for change, said in REFUSED:
        with pytest.raises(InvalidInput, match=said):
            record_latency(**(good | change))
    assert calls() == []


def test_without_a_store_or_with_a_closed_one_it_says_so(store: Store) -> None:
    record()
    store.close()
    with pytest.raises(SessionMisuse, match="this store is closed"):
        record()
    use_store(None)
    with pytest.raises(ConfigurationError, match="no store is open"):
        record()


def test_closing_the_store_writes_what_was_recorded(store: Store) -> None:
    with Store(store.settings) as other:
        use_store(other)
        for _ in range(100):
            record()
    use_store(store)
    assert len(calls()) == 100


def test_a_batch_whose_commit_got_no_answer_is_not_written_twice(store: Store) -> None:
    def row(number: int) -> tuple[Any, ...]:
        return (str(number), "zerodha", "place_order", START, START, 0.0, True, None)

    first, second = Mark("one", 1), Mark("one", 2)
    for mark, number in ((first, 1), (first, 1), (second, 2), (first, 1), (second, 2)):
        latency._write(store, [row(number)], mark)
    latency._write(store, [row(3)], Mark("other", 1))
    assert [each.order_id for each in calls()] == ["1", "2", "3"]


def test_a_row_that_the_database_refuses_is_left_out_alone(store: Store) -> None:
    record()
    writer = store.writers["latency"]
    bad = (None, "zerodha", "x" * 51, START, START, 0.0, True, None)
    unfit = (None, "zerodha", "odd", "a time", START, 0.0, True, None)
    for number in range(100):
        record(number)
        if number == 40:
            writer.put(bad)
            writer.put(unfit)
    assert len(calls()) == 101
    assert writer_stats()["latency"][:4] == (101, 0, 2, 0)


def test_a_block_is_measured_and_may_name_its_order(store: Store) -> None:
    with measure_latency(None, "zerodha", "place_order") as measured:
        measured.order_id = "26030200001"
    (call,) = calls()
    assert (call.order_id, call.broker, call.operation) == (
        "26030200001", "zerodha", "place_order",
    )  # fmt: skip
    assert call.success
    assert call.error_message is None
    assert timedelta(0) <= call.end_time - call.start_time < timedelta(seconds=5)
    assert clock.now() - call.start_time < timedelta(minutes=1)


def test_an_exception_is_recorded_and_goes_on(store: Store) -> None:
    class OddError(Exception):
        pass

    error = OddError("api_key=abcdef123456 was refused \0\ud800" + "x" * 1000)
    with pytest.raises(OddError) as raised, measure_latency(None, "zerodha", "place_order"):
        raise error
    assert raised.value is error

    class MuteError(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    with pytest.raises(MuteError), measure_latency(None, "zerodha", "modify_order"):
        raise MuteError
    with pytest.raises(KeyboardInterrupt), measure_latency(None, "zerodha", "cancel_order"):
        raise KeyboardInterrupt
    first, mute, second = calls()
    assert (first.success, mute.success, second.success) == (False, False, False)
    assert mute.error_message == "MuteError: (its text cannot be made)"
    assert second.error_message == "KeyboardInterrupt: "
    assert first.error_message is not None
    assert first.error_message.startswith("OddError: api_key=*** was refused \\x00\\ud800xxx")
    assert len(first.error_message) == 500


def test_a_measurement_never_fails_what_it_measures(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    ids: tuple[Any, ...] = ("x" * 51, 26030200001, "a\0b")
    placed = []
    for order_id in ids:
        with measure_latency(order_id, "zerodha", "place_order"):
            placed.append(order_id)
    with measure_latency(None, "zerodha", "place_order") as measured:
        measured.order_id = "x" * 51
    assert placed == list(ids)
    with pytest.raises(ZeroDivisionError), measure_latency(None, "zerodha", "place_order"):
        use_store(None)
        _ = 1 / 0
    use_store(store)
    assert len([each for each in caplog.messages if "is not recorded: order_id" in each]) == 4
    assert [each for each in caplog.messages if "is not recorded: no store is open" in each]
    assert calls() == []
    with pytest.raises(InvalidInput, match="broker"):
        measure_latency(None, "x" * 51, "place_order")


def test_functions_and_coroutines_are_measured_at_each_call(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = [0.0]
    monkeypatch.setattr(latency, "perf_counter", lambda: seconds[0])

    @measure_latency(None, "zerodha", "add")
    def add(one: int, other: int = 1) -> int:
        """Adds."""
        return 1 if one == 0 else add(one - 1) + other  # measured inside itself, too

    @measure_latency(None, "zerodha", "divide")
    async def divide(one: int, other: int) -> float:
        await asyncio.sleep(0)
        seconds[0] += 0.05  # which passes while it is awaited, not while it is called
        return one / other

    async def at_once() -> list[Any]:
        tasks = [divide(6, other) for other in (1, 2, 0)]
        return await asyncio.gather(*tasks, return_exceptions=True)

    assert add(2) == 3
    assert (add.__name__, add.__doc__) == ("add", "Adds.")
    assert asyncio.run(at_once())[:2] == [6.0, 3.0]
    found = calls()
    assert [each.operation for each in found].count("add") == 3
    divided = [each for each in found if each.operation == "divide"]
    assert sorted(each.success for each in divided) == [False, True, True]
    assert all(each.latency_ms >= 49 for each in divided)


def test_a_generator_function_is_refused_because_its_call_takes_no_time(store: Store) -> None:
    def pages() -> Iterator[int]:
        yield 1

    async def ticks() -> AsyncIterator[int]:
        yield 1

    for function in (pages, ticks):
        with pytest.raises(InvalidInput, match="measure the loop"):
            measure_latency(None, "zerodha", "get_pages")(function)


@pytest.mark.only("sqlite")
def test_moments_are_copied_as_the_same_text_that_a_statement_writes(store: Store) -> None:
    """They are compared as text, so that every way in must agree to the letter."""
    moments = [
        START, START + timedelta(microseconds=1), START.replace(year=1, microsecond=999_999),
        IST.localize(datetime(2026, 3, 2)), IST.localize(datetime(9999, 12, 31, 23, 59, 59)),
    ]  # fmt: skip
    columns = ("writer", "sequence", "written_at")
    rows = [(f"{number}", number, moment) for number, moment in enumerate(moments)]
    written = []
    for way in ("copy", "statement"):
        with get_write_session("latency") as tx:
            if way == "copy":
                tx.copy(latency_writers, columns, rows)
            else:
                values = [dict(zip(columns, row, strict=True)) for row in rows]
                tx.many(Query.of(insert(latency_writers)), values)
            sql = "SELECT written_at FROM latency_writers ORDER BY sequence"
            written.append(list(tx.connection.exec_driver_sql(sql).scalars()))
            tx.connection.exec_driver_sql("DELETE FROM latency_writers")
    assert written[0] == written[1]
    assert written[0][0] == "2026-03-02 03:45:00.000000"


def test_old_calls_are_purged_with_the_marks_of_processes_that_ended(store: Store) -> None:
    record(-86_400)
    record()
    assert len(calls()) == 2
    with get_write_session("latency") as tx:
        tx.copy(latency_writers, ("writer", "sequence", "written_at"), [("ended", 9, START)])
    assert purge_latency(START, dry_run=True) == 1
    assert purge_latency(START) == 1
    assert [each.start_time for each in calls()] == [START]
    with get_write_session("latency") as tx:
        assert purge_latency(clock.now() + DAY, tx=tx) == 1
        assert tx.value(COUNT_WRITERS) == 1  # the one in use stays
    with pytest.raises(InvalidInput, match="no time zone"):
        purge_latency(START.replace(tzinfo=None))
