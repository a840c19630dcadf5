"""A process that copies a database and is killed on the way."""

import os
import signal
from collections.abc import Iterable, Iterator

from openalgo_store import Store
from openalgo_store.operations.copying import copy_database
from openalgo_store.records import Row
from tests.support.forked import Program
from tests.support.settings import settings_of


def _copy_until(source: str, target: str, rows_until_killed: str) -> None:
    left = int(rows_until_killed)

    def watch(table: str, count: int, rows: Iterable[Row]) -> Iterator[Row]:
        nonlocal left
        for row in rows:
            if not left:
                os.kill(os.getpid(), signal.SIGKILL)
            left -= 1
            yield row

    with (
        Store(settings_of({"main": source})) as origin,
        Store(settings_of({"main": target})) as goal,
    ):
        copy_database("main", origin, goal, tell=print, watch=watch)


def killed_copy(source: str, target: str, rows_until_killed: int) -> Program:
    """A copy of main that ends by SIGKILL once so many rows are on their way."""
    return Program(_copy_until, source, target, str(rows_until_killed))
