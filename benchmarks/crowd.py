"""Many writers at once: threads of this process, or of several."""

import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from multiprocessing import get_context
from multiprocessing.synchronize import Barrier
from typing import Any, NamedTuple
from uuid import uuid4

from openalgo_store import Settings, Store, create_order, use_store

from . import orm, orm_books, raw, raw_books
from .orders import Write, order_of, raw_order

PROCESSES, THREADS = 8, 4
DEADLINE = 120.0
"""Seconds for which the processes wait for the last of them."""


class Outcome(NamedTuple):
    """What writers did: how long each commit took, in seconds; those that failed."""

    times: list[float]
    errors: int
    elapsed: float

    @property
    def each(self) -> float:
        """Seconds for a commit, of all writers together."""
        return self.elapsed / max(1, len(self.times))

    @property
    def p99(self) -> float:
        """Seconds that the slowest hundredth of the commits took."""
        return percentile(self.times, 99)


def percentile(times: list[float], percent: int) -> float:
    """What so many per cent of the times stay below."""
    ordered = sorted(times) or [0.0]
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]


def write_together(writes: list[Write], seconds: float) -> Outcome:
    """Let a thread for each of these writers write, one order after the other, for so long."""
    start = threading.Barrier(len(writes))
    found: list[list[float]] = [[] for _ in writes]
    errors: list[str] = []

    def work(number: int, write: Write) -> None:
        run, times = uuid4().hex[:12], found[number]
        start.wait()
        end = time.perf_counter() + seconds
        while (began := time.perf_counter()) < end:
            try:
                write(f"{run}-{len(times)}-{len(errors)}")
            except Exception as error:  # counted, whatever it is
                errors.append(f"{type(error).__name__}: {error}")
            else:
                times.append(time.perf_counter() - began)

    threads = [threading.Thread(target=work, args=each) for each in enumerate(writes)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    elapsed = time.perf_counter() - began
    for message in sorted(set(errors))[:3]:
        print(f"a writer failed: {message}", file=sys.stderr)
    return Outcome([each for times in found for each in times], len(errors), elapsed)


@contextmanager
def writers(way: str, url: str, user: int, count: int) -> Iterator[list[Write]]:
    """So many writers of a way, each for a thread of its own, until the end of the block.

    locked and waiting are the raw driver's on SQLite: the first queue on a lock of the process,
    the second on the file's, for as long as busy_timeout lets them.
    """
    order = order_of(user)
    if way == "ours":
        yield [lambda order_id: create_order(order_id, **order)] * count
    elif way == "orm":
        engine = orm.get_engine(url)
        yield [
            lambda order_id: orm_books.create_order(
                engine, order_id=order_id, status="OPEN", **order
            )
        ] * count
        engine.dispose()
    elif way == "pooled":
        server = raw.RawPostgreSQL(url)
        yield [
            lambda order_id: server.one(
                server.statement(raw_books.ADD_ORDER), raw_order(server, order_id, order)
            )
        ] * count
        server.close()
    else:
        turn = threading.Lock() if way == "locked" else nullcontext()
        files = [raw.RawSQLite(url) for _ in range(count)]
        yield [partial(_add_order, file, order, turn) for file in files]
        for file in files:
            file.close()


def _add_order(
    file: raw.RawSQLite,
    order: dict[str, Any],
    turn: AbstractContextManager[object],
    order_id: str,
) -> None:
    """BEGIN IMMEDIATE, INSERT, COMMIT."""
    row = raw_order(file, order_id, order)
    with turn, file.transaction() as connection:
        connection.execute(raw_books.ADD_ORDER, row).fetchone()


def processes_together(way: str, url: str, user: int, seconds: float) -> Outcome:
    """The same in several processes at once, each with a few threads."""
    context = get_context("forkserver")
    context.set_forkserver_preload([__name__])  # imported once for all of them
    start = context.Barrier(PROCESSES)
    with ProcessPoolExecutor(PROCESSES, context, _prepare, (start,)) as pool:
        parts = [pool.submit(_one_process, way, url, user, seconds) for _ in range(PROCESSES)]
        outcomes = [each.result() for each in parts]
    return Outcome(
        [each for outcome in outcomes for each in outcome.times],
        sum(outcome.errors for outcome in outcomes),
        max(outcome.elapsed for outcome in outcomes),
    )


_start: Barrier
"""Where the processes wait for each other, in each of them."""


def _prepare(start: Barrier) -> None:
    global _start
    _start = start


def _one_process(way: str, url: str, user: int, seconds: float) -> Outcome:
    with Store(Settings(database_url=url)) as store:
        use_store(store)
        with writers(way, url, user, THREADS) as writes:
            writes[0](uuid4().hex)  # what is opened and compiled once is not what is compared
            _start.wait(DEADLINE)
            return write_together(writes, seconds)
