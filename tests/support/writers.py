"""A table in memory for a buffered writer."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from openalgo_store import InvalidInput, Unavailable
from openalgo_store.background.buffered_writer import BufferedWriter
from openalgo_store.background.marks import Mark
from openalgo_store.records import Row
from tests.support.waiting import DEADLINE


class Table:
    """Where a writer writes: away when told so, and it refuses what is negative."""

    def __init__(self) -> None:
        self.rows: list[int] = []
        self.marks: list[Mark] = []
        self.away = False
        self.lets_in = threading.Event()
        self.lets_in.set()
        self.tried = 0

    def write(self, rows: Sequence[Row], mark: Mark) -> None:
        self.tried += 1
        assert self.lets_in.wait(DEADLINE)
        if self.away:
            raise Unavailable("the table is away")
        if any(number < 0 for (number,) in rows):
            raise InvalidInput("a negative number")
        self.rows += [number for (number,) in rows]
        self.marks.append(mark)


@contextmanager
def writing_to(table: Table, **settings: Any) -> Iterator[BufferedWriter]:
    """A writer that is closed at the end, and then not among those of the process any more."""
    writer = BufferedWriter("latency", table.write, **settings)
    try:
        yield writer
    finally:
        table.lets_in.set()
        writer.close(timeout=5 if not table.away else 0)
