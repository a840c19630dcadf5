"""Operation: a public function that writes, as it is called while things break."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import NamedTuple

import pytest

from openalgo_store import flush_writers, list_users
from openalgo_store.repositories.trading import broker_reports
from openalgo_store.values import clock
from tests.support.rows import MONDAY
from tests.support.telegram import Clock

EARLIER = MONDAY - timedelta(hours=1)
"""When what an operation needs was made."""
_FLUSH, _IMPATIENT_FLUSH = 10.0, 0.3
"""Seconds that what is buffered may take: where the database serves, and where it does not."""


class RowsWait(Exception):
    """What is written in the background, or beside an error, is not there, or not yet."""


class Operation(NamedTuple):
    """Calls of a function: the one of each number changes something of its own.

    `prepare` makes what so many calls need. `function` is the public one that this is about.
    """

    function: str
    run: Callable[[int], object]
    prepare: Callable[[int], object] = lambda count: None
    database: str = "main"
    note: str = ""
    is_in_parts: bool = False
    """Whether it is several transactions, of which each stands when it is committed."""
    is_buffered: bool = False
    """Whether threads write it: what a call could not wait for, they may still do."""

    @property
    def name(self) -> str:
        """As the table of faults has it."""
        return f"{self.function} {self.note}".strip()


def user() -> int:
    """The id of the first user."""
    return list_users(limit=1)[0].id


def flush() -> None:
    """Have written what is buffered; RowsWait where that is not possible."""
    if not flush_writers(_FLUSH):
        raise RowsWait


@contextmanager
def standing_clock() -> Iterator[Clock]:
    """The same moment at each call, so that rows can be compared, and batches of two rows."""
    standing = Clock()
    standing.now = MONDAY
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clock, "now", lambda: standing.now)
        patch.setattr(broker_reports, "_BATCH", 2)
        yield standing


@contextmanager
def impatient() -> Iterator[None]:
    """Not to wait long for what cannot be written while this lasts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tests.faults.operation._FLUSH", _IMPATIENT_FLUSH)
        yield


@contextmanager
def earlier(minutes: int = 0) -> Iterator[None]:
    """An hour before, and so many minutes later."""
    with pytest.MonkeyPatch.context() as patch:
        moment = EARLIER + timedelta(minutes=minutes)
        patch.setattr(clock, "now", lambda: moment)
        yield
