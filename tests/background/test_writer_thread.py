"""The thread of a buffered writer: one, whoever starts it and whatever interrupts that."""

import itertools
import signal
import threading
from collections.abc import Callable
from typing import Any

import pytest

from openalgo_store.background.buffered_writer import BufferedWriter
from tests.support.waiting import DEADLINE, wait_until
from tests.support.writers import Table, writing_to


@pytest.fixture
def table() -> Table:
    return Table()


def writer_threads() -> int:
    return [thread.name for thread in threading.enumerate()].count("latency writer")


def test_producers_that_both_find_no_thread_start_one(table: Table) -> None:
    """One of them looks for the thread and goes on only when the other has started it."""
    found_none, may_go_on = threading.Event(), threading.Event()

    class Slow(BufferedWriter):
        @property
        def _thread(self) -> Any:
            thread = self.__dict__.get("thread")
            if threading.current_thread() is first:
                looks.append(1)
                if len(looks) == 2:  # put has looked, and then _start
                    found_none.set()
                    assert may_go_on.wait(DEADLINE)
            return thread

        @_thread.setter
        def _thread(self, thread: Any) -> None:
            self.__dict__["thread"] = thread

    looks: list[int] = []
    writer = Slow("latency", table.write, interval=3600)
    first = threading.Thread(target=writer.put, args=((1,),))
    first.start()
    assert found_none.wait(DEADLINE)
    writer.put((2,))
    may_go_on.set()
    first.join(DEADLINE)
    wait_until(lambda: writer_threads() == 1)
    assert writer.flush()
    assert writer.close()
    assert writer_threads() == 0
    assert sorted(table.rows) == [1, 2]


def test_a_thread_whose_start_was_interrupted_is_the_only_one(
    table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C comes when the thread runs, and before the producer knows of it."""
    start = threading.Thread.start

    def start_and_raise(thread: threading.Thread) -> None:
        monkeypatch.setattr(threading.Thread, "start", start)
        start(thread)
        raise KeyboardInterrupt

    with writing_to(table, interval=3600) as writer:
        monkeypatch.setattr(threading.Thread, "start", start_and_raise)
        with pytest.raises(KeyboardInterrupt):
            writer.put((1,))
        writer.put((2,))
        assert writer.flush()
        wait_until(lambda: writer_threads() == 1)
    assert writer_threads() == 0
    assert table.rows == [1, 2]


def test_a_signal_that_comes_inside_the_lock_of_threading_itself_waits_for_a_bounded_time(
    table: Table,
) -> None:
    """As where it interrupts the start of any thread: the new thread needs that lock too."""
    with writing_to(table, interval=3600) as writer:
        with threading._active_limbo_lock:  # type: ignore[attr-defined]
            writer.put((1,))
            writer.flush(0.05)
        assert writer.flush()
        wait_until(lambda: writer_threads() == 1)
    assert table.rows == [1]


def test_a_writer_that_was_closed_starts_no_thread(table: Table) -> None:
    with writing_to(table, interval=3600) as writer:
        assert writer.close()
        writer.put((1,))
        assert writer.flush()
        assert writer_threads() == 0
        assert writer.stats()[:4] == (0, 1, 0, 0)


def test_closing_ends_the_thread() -> None:
    before = threading.active_count()
    with writing_to(Table()) as writer:
        writer.put((1,))
        assert threading.active_count() == before + 1
    wait_until(lambda: threading.active_count() == before)


def test_a_signal_handler_may_flush_wherever_it_interrupts(
    table: Table, soak: Callable[[int], int]
) -> None:
    """A timer interrupts the producer at a thousand places; each flush inside it succeeds."""
    flushed: list[bool] = []
    numbers = itertools.count()
    wanted = soak(1000)
    with writing_to(table, batch_size=3, capacity=1_000_000) as writer:

        def handle(number: int, frame: Any) -> None:
            writer.put((next(numbers),))
            flushed.append(writer.flush(DEADLINE))

        before = signal.signal(signal.SIGALRM, handle)
        signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
        try:
            while len(flushed) < wanted:
                writer.put((next(numbers),))
                if len(flushed) % 2:
                    writer.flush(DEADLINE)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
        assert writer.flush()
    assert all(flushed)
    assert sorted(table.rows) == list(range(next(numbers)))
