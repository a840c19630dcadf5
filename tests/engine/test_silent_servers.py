"""A standby or its primary does not even refuse, as behind a broken network."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from openalgo_store import LIVE, Settings, Store, Unavailable, get_order, use_store
from openalgo_store.engine.dialect import Replication
from tests.engine.conftest import reads_the_replica
from tests.support.rows import add_order, new_user
from tests.support.standby import Pair
from tests.support.waiting import wait_until

pytestmark = pytest.mark.only("postgresql")
TIMEOUT = 10.0
"""Seconds until a driver gives up."""


@contextmanager
def silent_primary(store: Store, wait: Callable[[], object]) -> Iterator[list[threading.Thread]]:
    """Meanwhile who asks the primary how far its log is waits in vain; the threads that did."""
    assert store.replica is not None
    asked: list[threading.Thread] = []

    def wait_in_vain() -> Replication:
        asked.append(threading.current_thread())
        wait()
        raise Unavailable("the primary cannot be reached")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store.replica.primary, "replication", wait_in_vain)
        yield asked


def test_a_standby_is_looked_at_each_second_though_its_primary_is_seldom_asked(
    streaming: Store,
    engine_name: str,
    pass_time: Callable[[float], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wait_until(reads_the_replica)
    assert streaming.replica is not None
    standby = streaming.replica.dialect
    answer = standby.replication

    def answer_as_promoted() -> Replication:
        return answer()._replace(is_standby=False)

    with silent_primary(streaming, lambda: pass_time(TIMEOUT)) as asked:
        for seconds in (1, 1, 1):
            pass_time(seconds)
            assert reads_the_replica()
        assert len(asked) == 1
        monkeypatch.setattr(standby, "replication", answer_as_promoted)
        pass_time(1)
        assert not reads_the_replica()
        assert len(asked) == 1
        pass_time(10 * TIMEOUT)
        reads_the_replica()
        assert len(asked) == 2


def test_while_one_thread_waits_for_the_primary_the_others_are_served(
    streaming: Store, engine_name: str, pass_time: Callable[[float], None]
) -> None:
    wait_until(reads_the_replica)
    found: list[bool] = []
    is_over = threading.Event()
    with silent_primary(streaming, lambda: is_over.wait(30)) as asked:
        pass_time(1)
        first = threading.Thread(target=lambda: found.append(reads_the_replica()))
        first.start()
        wait_until(lambda: bool(asked))
        for _ in range(3):
            pass_time(1)
            assert reads_the_replica()
        is_over.set()
        first.join()
    assert asked == [first]
    assert found == [True]


def test_one_that_was_silent_is_asked_again_after_a_write(
    streamed_settings: Settings, pair: Pair, engine_name: str, pass_time: Callable[[float], None]
) -> None:
    """Which shows that it is there: the write need not be waited for by READ_REPLICA_PIN."""
    with Store(replace(streamed_settings, read_replica_pin=0)) as store, use_store(store):
        user = new_user()
        wait_until(reads_the_replica)
        with silent_primary(store, lambda: pass_time(TIMEOUT)) as asked:
            pass_time(1)
            assert reads_the_replica()
        assert asked
        pair.standby.pause()
        add_order(user, "mine", book=LIVE)
        pass_time(1)
        assert get_order("mine") is not None
        assert not reads_the_replica()


def test_a_standby_that_answers_slowly_serves_and_one_that_does_not_answer_is_seldom_asked(
    streaming: Store,
    engine_name: str,
    pass_time: Callable[[float], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wait_until(reads_the_replica)
    assert streaming.replica is not None
    standby = streaming.replica.dialect
    answer, asked = standby.replication, []

    def answer_slowly() -> Replication:
        pass_time(0.5)
        return answer()

    def do_not_answer() -> Replication:
        asked.append(True)
        pass_time(TIMEOUT)
        raise Unavailable("the standby cannot be reached")

    monkeypatch.setattr(standby, "replication", answer_slowly)
    for _ in range(3):
        pass_time(1)
        assert reads_the_replica()
    monkeypatch.setattr(standby, "replication", do_not_answer)
    for seconds in (1, TIMEOUT, TIMEOUT):
        pass_time(seconds)
        assert not reads_the_replica()
    assert len(asked) == 1
    monkeypatch.setattr(standby, "replication", answer)
    pass_time(10 * TIMEOUT)
    assert reads_the_replica()
