"""Between two statements: which ones the sessions run, and a stop before one of them."""

import threading
from collections.abc import Callable
from typing import Any

import pytest

from openalgo_store import Transaction
from tests.support.waiting import DEADLINE

_VERBS = ("one", "value", "all", "stream", "run")


def before_each_statement(monkeypatch: pytest.MonkeyPatch, call: Callable[[str], object]) -> None:
    """From now on, call this with the name of a statement before any session runs it."""

    def watched(verb: Callable[..., Any]) -> Callable[..., Any]:
        def run(tx: Transaction, query: Any, *arguments: Any, **params: Any) -> Any:
            call(query.name)
            return verb(tx, query, *arguments, **params)

        return run

    for name in _VERBS:
        monkeypatch.setattr(Transaction, name, watched(getattr(Transaction, name)))


def hold_until(monkeypatch: pytest.MonkeyPatch, name: str, *, sessions: int) -> None:
    """Hold the first threads that are about to run this statement, until so many stand there."""
    together = threading.Barrier(sessions)
    came: set[int] = set()

    def hold(statement: str) -> None:
        thread = threading.get_ident()
        if statement == name and thread not in came:
            came.add(thread)
            together.wait(DEADLINE)

    before_each_statement(monkeypatch, hold)


class Stop:
    """Holds the first session that is about to run this statement, until it may go on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
        self._name = name
        self._first = threading.Lock()
        self._reached = threading.Event()
        self._go_on = threading.Event()
        before_each_statement(monkeypatch, self._hold)

    def wait(self) -> None:
        """Until a session stands there."""
        assert self._reached.wait(DEADLINE), f"nobody came to {self._name}"

    def go_on(self) -> None:
        """Let it run the statement."""
        self._go_on.set()

    def _hold(self, name: str) -> None:
        if name == self._name and self._first.acquire(blocking=False):
            self._reached.set()
            assert self._go_on.wait(DEADLINE), f"nobody let {name} go on"
