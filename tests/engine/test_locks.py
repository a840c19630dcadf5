"""The queue of a file's writers: fair in the end, whoever is interrupted or lost on the way."""

import _thread
import contextlib
import os
import threading

import pytest

from openalgo_store.engine.sqlite import locks
from openalgo_store.engine.sqlite.locks import WriterLock
from tests.support.waiting import DEADLINE


class Writer:
    """What holds a writer lock."""

    def __init__(self, lock: WriterLock) -> None:
        self.lock = lock
        self.lost = False

    def is_lost(self) -> bool:
        return self.lost

    def close(self) -> None:
        self.lock.release(self)

    close_with_store = close


def wait_for_waiting(lock: WriterLock, count: int) -> None:
    """Until so many writers wait."""
    while len(lock._waiting) < count:
        os.sched_yield()


def test_the_lock_goes_to_whoever_has_waited_longest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "_PATIENCE", 0.0)
    lock, order = WriterLock(), list[int]()
    first, impatient = Writer(lock), Writer(lock)
    assert lock.acquire(first, 0)

    def wait(number: int) -> None:
        writer = Writer(lock)
        assert lock.acquire(writer, DEADLINE)
        order.append(number)
        lock.release(writer)

    threads = []
    for number in range(5):
        threads.append(threading.Thread(target=wait, args=(number,)))
        threads[-1].start()
        wait_for_waiting(lock, number + 1)
    assert not lock.acquire(impatient, 0)  # gives its place up
    lock.release(first)
    for thread in threads:
        thread.join(DEADLINE)
    assert order == [0, 1, 2, 3, 4]
    assert not lock._waiting
    assert lock.acquire(first, 0)


def waiting(lock: WriterLock) -> threading.Thread:
    """A thread that waits for the lock, and keeps it."""
    thread = threading.Thread(target=lock.acquire, args=(Writer(lock), DEADLINE))
    thread.start()
    wait_for_waiting(lock, 1)
    return thread


def test_who_runs_overtakes_one_that_waits_but_for_a_moment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(locks, "_PATIENCE", DEADLINE)
    lock = WriterLock()
    first, second = Writer(lock), Writer(lock)
    assert lock.acquire(first, 0)
    thread = waiting(lock)
    with lock._mutex:  # nobody comes in between
        lock.release(first)
        assert lock.acquire(second, 0)
    with lock._mutex:  # it may not have run since it was woken
        lock.release(second)
        assert lock.acquire(first, 0)
    lock.release(first)
    thread.join(DEADLINE)
    assert not thread.is_alive()
    assert not lock.acquire(first, 0)
    assert not lock._waiting


def test_who_has_waited_for_long_is_not_overtaken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "_PATIENCE", 0.0)
    lock = WriterLock()
    first, second = Writer(lock), Writer(lock)
    assert lock.acquire(first, 0)
    thread = waiting(lock)
    with lock._mutex:
        lock.release(first)
        assert not lock.acquire(second, 0)
    thread.join(DEADLINE)
    assert not thread.is_alive()
    assert not lock.acquire(second, 0)


@pytest.mark.parametrize("others", [1, 2, 5])
def test_how_long_is_long_grows_with_those_that_wait(
    monkeypatch: pytest.MonkeyPatch, others: int
) -> None:
    monkeypatch.setattr(locks, "_PATIENCE", 1000.0)
    lock, first = WriterLock(), Writer(WriterLock())
    assert lock.acquire(first, 0)
    lock._waiting.extend(locks._Waiting(Writer(lock)) for _ in range(others))
    longest = lock._waiting[0]
    longest.since -= 1500  # enough for one that waits, not for two
    lock.release(first)
    assert lock._holder is (longest.holder if others == 1 else None)
    assert not longest.woken.locked()


def test_who_is_interrupted_once_it_was_woken_wakes_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(locks, "_PATIENCE", DEADLINE)
    lock = WriterLock()
    first, interrupted = Writer(lock), locks._Waiting(Writer(lock))
    next_one = locks._Waiting(Writer(lock))
    assert lock.acquire(first, 0)
    lock._waiting.extend([interrupted, next_one])
    lock.release(first)
    assert not interrupted.woken.locked()
    assert next_one.woken.locked()
    lock.release(interrupted.holder)  # as the end of its block does
    assert not next_one.woken.locked()


def test_who_holds_it_may_ask_again_and_who_does_not_releases_nothing() -> None:
    lock = WriterLock()
    holder, other = Writer(lock), Writer(lock)
    assert lock.acquire(holder, 0)
    assert lock.acquire(holder, 0)
    lock.release(other)
    assert not lock.acquire(other, 0)
    lock.release(holder)
    lock.release(holder)
    assert lock.acquire(other, 0)


def test_a_lock_that_comes_with_ctrl_c_goes_on_to_the_next() -> None:
    for _ in range(20):
        lock = WriterLock()
        first, interrupted, last = Writer(lock), Writer(lock), Writer(lock)
        assert lock.acquire(first, 0)

        def interrupt(lock: WriterLock = lock, first: Writer = first) -> None:
            wait_for_waiting(lock, 1)
            _thread.interrupt_main()
            lock.release(first)

        other = threading.Thread(target=interrupt)
        other.start()
        with contextlib.suppress(KeyboardInterrupt):
            assert lock.acquire(interrupted, DEADLINE)
        lock.release(interrupted)  # as the end of its block does
        other.join(DEADLINE)
        assert lock.acquire(last, 0)


def test_a_lock_whose_holder_is_lost_is_taken_back() -> None:
    lock = WriterLock()
    lost, next_one = Writer(lock), Writer(lock)
    assert lock.acquire(lost, 0)
    lost.lost = True
    assert lock.acquire(next_one, DEADLINE)
    assert not lock.acquire(lost, 0)


def test_a_lock_whose_holder_is_lost_while_others_wait_is_taken_back() -> None:
    class LostLater(Writer):
        """Found at the first look, and not at the next one."""

        def is_lost(self) -> bool:
            was_lost, self.lost = self.lost, True
            return was_lost

    lock = WriterLock()
    assert lock.acquire(LostLater(lock), 0)
    assert lock.acquire(Writer(lock), 2.0)


def test_who_was_interrupted_as_it_began_to_wait_does_not_stand_in_the_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def interrupt(lock: WriterLock) -> None:
        raise KeyboardInterrupt

    lock = WriterLock()
    first, interrupted, last = Writer(lock), Writer(lock), Writer(lock)
    assert lock.acquire(first, 0)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(WriterLock, "_take_back", interrupt)
        lock.acquire(interrupted, DEADLINE)
    lock.release(interrupted)  # as the end of its block does
    lock.release(first)
    assert lock.acquire(last, 0)
