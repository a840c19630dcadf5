"""Questions that may hang: one thread for each, and nobody waits longer than agreed."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from openalgo_store.engine import questions
from openalgo_store.engine.questions import Questions
from tests.support.waiting import DEADLINE, wait_until


class Database:
    """Answers how often it was asked, as soon as it may."""

    def __init__(self) -> None:
        self.asked = 0
        self.may_answer = threading.Event()

    def ask(self) -> int:
        self.asked += 1
        asked = self.asked
        self.may_answer.wait(DEADLINE)
        return asked


@pytest.fixture
def database() -> Iterator[Database]:
    found = Database()
    yield found
    found.may_answer.set()


def test_whoever_asks_meanwhile_is_given_the_same_answer(database: Database) -> None:
    asking: Questions[int] = Questions()
    with ThreadPoolExecutor(8) as pool:
        waiting = [
            pool.submit(lambda: asking.ask("main", database.ask).wait(DEADLINE)) for _ in range(8)
        ]
        assert asking.ask("main", database.ask).wait(0.01) is None
        assert asking.ask("main", database.ask).wait(-1) is None
        wait_until(lambda: database.asked == 1)
        database.may_answer.set()
        assert [each.result() for each in waiting] == [1] * 8
    wait_until(lambda: asking.ask("main", database.ask).wait(DEADLINE) == 2)  # it asks anew


def test_one_that_hangs_keeps_no_other_name_waiting(database: Database) -> None:
    asking: Questions[int] = Questions()
    assert asking.ask("logs", database.ask).wait(0.01) is None
    assert asking.ask("main", lambda: 7).wait(DEADLINE) == 7


def test_one_that_hangs_for_long_is_passed_over(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    asking: Questions[int] = Questions()
    first = asking.ask("main", database.ask)
    assert asking.ask("main", database.ask) is first
    monkeypatch.setattr(questions, "_LONGEST", 0.0)
    second = asking.ask("main", database.ask)
    assert second is not first
    monkeypatch.undo()
    database.may_answer.set()
    assert {first.wait(DEADLINE), second.wait(DEADLINE)} == {1, 2}


def test_without_a_thread_the_next_one_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    asking: Questions[int] = Questions()
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        with pytest.raises(RuntimeError):
            asking.ask("main", lambda: 7)
    assert asking.ask("main", lambda: 7).wait(DEADLINE) == 7
