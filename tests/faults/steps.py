"""The steps of an operation: each statement and each COMMIT, and what is done between two."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random
from typing import Any, NamedTuple

import pytest
from psycopg.pq import TransactionStatus
from yoyo.backends.base import DatabaseBackend

from openalgo_store.engine.transaction_state import TransactionState

Step = Callable[[Any], object]
"""Called with the driver's connection on which a step is done."""
_STEPS: tuple[tuple[type, str, str], ...] = (
    (TransactionState, "perform", "driver"),
    (DatabaseBackend, "execute", "connection"),  # of migrations
    (DatabaseBackend, "commit", "connection"),
)


@contextmanager
def stepping(*, before: Step = id, after: Step = id) -> Iterator[None]:
    """Call these around each step of every store and of every migration of this process."""

    def watched(step: Callable[..., Any], connection: str) -> Callable[..., Any]:
        def do(owner: Any, *arguments: Any, **options: Any) -> Any:
            before(getattr(owner, connection))
            found = step(owner, *arguments, **options)
            after(getattr(owner, connection))
            return found

        return do

    with pytest.MonkeyPatch.context() as patch:
        for owner, name, connection in _STEPS:
            patch.setattr(owner, name, watched(getattr(owner, name), connection))
        yield


def is_in_transaction(driver: Any) -> bool:
    """Whether this connection has begun something that others do not see yet."""
    if isinstance(driver, sqlite3.Connection):
        return driver.in_transaction
    return driver is not None and driver.info.transaction_status != TransactionStatus.IDLE


class Point(NamedTuple):
    """Before or after the step of this number, from 1."""

    number: int
    is_before: bool

    @classmethod
    def among(cls, steps: int, chance: Random) -> "Point":
        """One of an operation that takes so many steps."""
        return cls(chance.randint(1, max(1, steps)), chance.random() < 0.5)


class Strike:
    """What is done once, at a point to which the operations of a block come."""

    def __init__(self, point: Point, do: Step) -> None:
        self.is_done = False
        self._point = point
        self._do = do
        self._begun = self._ended = 0

    def before(self, driver: Any) -> None:
        self._begun += 1
        self._strike_at(Point(self._begun, True), driver)

    def after(self, driver: Any) -> None:
        self._ended += 1
        self._strike_at(Point(self._ended, False), driver)

    def _strike_at(self, point: Point, driver: Any) -> None:
        if point == self._point and not self.is_done:
            self.is_done = True
            self._do(driver)


@contextmanager
def striking(point: Point, do: Step) -> Iterator[Strike]:
    """Do this once, at the point that an operation in this block comes to."""
    strike = Strike(point, do)
    with stepping(before=strike.before, after=strike.after):
        yield strike
