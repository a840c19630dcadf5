"""The bounded writer: nothing lost, nothing doubled, every row counted, and nobody waits."""

import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from openalgo_store import InvalidInput
from openalgo_store.background.buffered_writer import BufferedWriter
from openalgo_store.background.marks import Mark
from openalgo_store.records import Row
from tests.support.waiting import DEADLINE, wait_until
from tests.support.writers import Table, writing_to


@pytest.fixture
def table() -> Table:
    return Table()


def test_a_flush_returns_when_everything_before_it_is_written(table: Table) -> None:
    with writing_to(table, interval=3600) as writer:
        assert writer.flush()  # nothing at all
        for number in range(1000):
            writer.put((number,))
        assert writer.flush()
        assert table.rows == list(range(1000))
        assert writer.stats() == (1000, 0, 0, 0, None)


def test_rows_are_written_by_size_or_by_age_without_a_flush(table: Table) -> None:
    with writing_to(table, interval=3600, batch_size=10) as writer:
        for number in range(25):
            writer.put((number,))
        wait_until(lambda: len(table.rows) >= 20)
    assert table.rows == list(range(25))
    with writing_to(table, interval=0.01, batch_size=1000) as writer:
        writer.put((25,))
        wait_until(lambda: 25 in table.rows)


def test_a_flush_returns_while_others_go_on_producing() -> None:
    produced = threading.Event()

    def write(rows: Sequence[Row], mark: Mark) -> None:
        if not produced.is_set():
            writer.put((1,))  # as if another thread had been faster than the writer

    writer = BufferedWriter("latency", write, interval=3600, batch_size=1)
    writer.put((1,))
    try:
        assert writer.flush(DEADLINE)
        assert writer.flush(DEADLINE)
    finally:
        produced.set()
        writer.close()


def test_the_newest_rows_stay_or_the_oldest_and_the_others_are_counted(table: Table) -> None:
    for drop, kept in (("oldest", range(2, 12)), ("newest", range(10))):
        table.rows.clear()
        table.lets_in.clear()
        with writing_to(table, interval=3600, batch_size=10, capacity=10, drop=drop) as writer:
            writer.put((-99,))
            assert not writer.flush(0.05)  # the thread is inside a write now
            for number in range(12):
                writer.put((number,))
            assert writer.stats()[1:4] == (2, 0, 11)
            table.lets_in.set()
            assert writer.flush()
            assert table.rows == list(kept)
            assert writer.stats()[:4] == (10, 2, 1, 0)


def test_eight_threads_and_a_small_buffer_lose_exactly_what_is_counted(
    table: Table, soak: Callable[[int], int]
) -> None:
    each = soak(50_000)
    with writing_to(table, batch_size=50, capacity=100) as writer:

        def produce(first: int) -> None:
            for number in range(first, first + each):
                writer.put((number,))

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(produce, range(0, 8 * each, each)))
        assert writer.flush()
        written, dropped, failed, queued, _ = writer.stats()
        assert (failed, queued) == (0, 0)
        assert written + dropped == 8 * each
        assert len(set(table.rows)) == len(table.rows) == written


def test_a_full_buffer_is_told_once_for_each_batch(
    table: Table, caplog: pytest.LogCaptureFixture
) -> None:
    with writing_to(table, interval=3600, batch_size=5, capacity=5) as writer:
        table.lets_in.clear()
        for number in range(50):
            writer.put((number,))
        table.lets_in.set()
        assert writer.flush()
        dropped = writer.stats().dropped
    assert dropped >= 40
    counts = [int(each.split()[1]) for each in caplog.messages if "rows dropped" in each]
    assert sum(counts) == dropped
    assert len(counts) <= 3


def test_a_table_that_is_away_gets_the_same_batch_under_the_same_mark(
    table: Table, caplog: pytest.LogCaptureFixture
) -> None:
    with writing_to(table, interval=3600) as writer:
        table.away = True
        writer.put((1,))
        assert not writer.flush(0.05)
        assert writer.stats() == (0, 0, 0, 1, "the table is away")
        writer.put((2,))
        tried = table.tried
        wait_until(lambda: table.tried > tried)  # by itself, after a while
        table.away = False
        assert writer.flush()
        assert writer.stats() == (2, 0, 0, 0, None)
    assert table.rows == [1, 2]
    assert [mark.sequence for mark in table.marks] == [1, 2]
    assert len([each for each in caplog.messages if "wait for the database" in each]) == 1
    assert len([each for each in caplog.messages if "the database is back" in each]) == 1


def test_a_bad_row_is_left_out_alone(table: Table, caplog: pytest.LogCaptureFixture) -> None:
    numbers = [*range(500), -1, *range(500, 700), -2, -3, *range(700, 1000)]
    with writing_to(table, interval=3600) as writer:
        for number in numbers:
            writer.put((number,))
        assert writer.flush()
        assert writer.stats()[:4] == (1000, 0, 3, 0)
    assert table.rows == list(range(1000))
    sequences = [mark.sequence for mark in table.marks]
    assert sequences == sorted(set(sequences))
    assert caplog.messages == ["latency: 3 rows were refused: a negative number"]


def test_closing_writes_the_rest_and_counts_what_it_cannot(
    table: Table, caplog: pytest.LogCaptureFixture
) -> None:
    with writing_to(table, interval=3600) as writer:
        writer.put((1,))
        assert writer.close()
        assert writer.close()
        writer.put((2,))
        assert writer.stats()[:4] == (1, 1, 0, 0)
        assert writer.flush(0)
    with writing_to(table, interval=3600) as writer:
        table.away = True
        writer.put((3,))
        assert not writer.close(timeout=0.05)
        assert writer.stats()[:4] == (0, 0, 1, 0)
    assert table.rows == [1]
    assert "latency: 1 rows are lost: the table is away" in caplog.messages


def test_a_filter_with_a_bug_does_not_end_the_thread(
    table: Table, capsys: pytest.CaptureFixture[str]
) -> None:
    """The application's, on the logger of the store."""

    def filter_badly(record: logging.LogRecord) -> bool:
        raise RuntimeError("the filter has a bug")

    log = logging.getLogger("openalgo_store")
    log.addFilter(filter_badly)
    try:
        with writing_to(table, interval=3600) as writer:
            table.away = True
            writer.put((1,))
            assert not writer.flush(0.05)
            wait_until(lambda: table.tried > 1)
            table.away = False
            assert writer.flush(DEADLINE)
    finally:
        log.removeFilter(filter_badly)
    assert table.rows == [1]
    assert "the filter has a bug" in capsys.readouterr().err


def test_rows_that_come_too_late_are_counted_and_told(
    table: Table, caplog: pytest.LogCaptureFixture
) -> None:
    with writing_to(table, interval=3600) as writer:
        writer.put((1,))
        table.lets_in.clear()
        thread = threading.Thread(target=writer.close)
        thread.start()
        wait_until(lambda: table.tried == 1)  # it closes, and the last batch is on its way
        writer.put((2,))
        table.lets_in.set()
        thread.join()
        assert writer.stats() == (1, 1, 0, 0, None)
    assert [each for each in caplog.messages if "or the writer is closed" in each]


@pytest.mark.parametrize(
    ("bad", "mend"),
    [
        ({"batch_size": 0}, "batch_size must be 1 or more"),
        ({"batch_size": 11, "capacity": 10}, "a writer needs batch_size <= capacity"),
        ({"interval": 0}, "an interval above 0 seconds"),
        ({"interval": 1e300}, "of a day at most"),
        ({"drop": "all"}, "drop must be one of oldest, newest"),
    ],
)
def test_settings_that_cannot_work_are_refused(bad: dict[str, Any], mend: str) -> None:
    with pytest.raises(InvalidInput, match=mend):
        BufferedWriter("latency", Table().write, **bad)


def test_no_two_batches_are_tried_under_one_mark() -> None:
    """Nor those that were refused: nobody knows what became of them."""
    tried: dict[Mark, list[Row]] = {}

    class Noting(Table):
        def write(self, rows: Sequence[Row], mark: Mark) -> None:
            assert tried.setdefault(mark, list(rows)) == list(rows)
            super().write(rows, mark)

    with writing_to(Noting(), interval=3600) as writer:
        for number in (1, 2, -3, 4):
            writer.put((number,))
        assert writer.flush()
        assert writer.stats()[:4] == (3, 0, 1, 0)
    assert len(tried) == 5  # all, two halves, and two quarters of the second


def test_nobody_writes_beside_the_thread(table: Table) -> None:
    """As a flush at the end of the interpreter would, which can start no thread."""
    with writing_to(table, interval=3600) as writer:
        table.lets_in.clear()
        writer.put((1,))
        assert not writer.flush(0)
        wait_until(lambda: table.tried == 1)
        writer.put((2,))
        assert not writer._drain(0.01)
        assert table.tried == 1
        table.lets_in.set()
        assert writer.flush()
    assert table.rows == [1, 2]
