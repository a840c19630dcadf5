"""Recording latencies on the hot path: what the caller pays, and when all is in the database."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from typing import NamedTuple

from sqlalchemy import Engine

from openalgo_store import flush_writers, record_latency
from openalgo_store.schema.migrate import run_migrations
from openalgo_store.values import clock

from . import orm, raw
from .measure import Figure, in_turns, seconds
from .setting import Database, Setting, telemetry

COMMITTED = 0.01
"""The share of the rows that the ORM commits one by one: the time of all is reckoned from it."""

_COLUMNS = (
    "order_id", "broker", "operation", "start_time", "end_time", "latency_ms", "success",
)  # fmt: skip
_TYPES = ("text", "text", "text", "timestamptz", "timestamptz", "double precision", "boolean")
_NAMES = ", ".join(_COLUMNS)
_INSERT = f"INSERT INTO latency_metrics ({_NAMES}) VALUES (?, ?, ?, ?, ?, ?, ?)"  # noqa: S608
_COPY = f"COPY latency_metrics ({_NAMES}) FROM STDIN (FORMAT BINARY)"


class Call(NamedTuple):
    """One call as the application knows it."""

    order_id: str
    broker: str
    operation: str
    start_time: datetime
    end_time: datetime


def run(setting: Setting) -> list[Figure]:
    """Calls recorded as fast as one thread can, while the writer writes."""
    now, step = clock.now(), timedelta(milliseconds=7)
    calls = [
        Call(f"26030200{n:06}", "zerodha", "place_order", now + n * step, now + (n + 6) * step)
        for n in range(setting.scale.latencies)
    ]
    figures = []
    for database in setting.databases:
        with telemetry(database), _alone(database) as engine:
            ways = {
                "raw": _from_empty(database, partial(_bulk, database.raw, calls)),
                "ours": _from_empty(database, partial(_ours, calls)),
                "alone": _from_empty(database, partial(_commits, engine, calls)),
            }
            found = in_turns(ways, setting.scale.repeat)
        caller = {"ours": found["ours"]}
        figures += [
            Figure.of("latencies, to the last", database.name, "s", found),
            Figure.of("caller's CPU for a latency", database.name, "µs", caller, at=1),
        ]
    return figures


@contextmanager
def _alone(database: Database) -> Iterator[Engine]:
    """The ORM's engine. On SQLite on a file of its own: its NullPool is the specification's, whose
    every commit closes the last connection and with it the log; ours, held open, would spare it.
    """
    if not isinstance(database.raw, raw.RawSQLite):
        yield database.orm
        return
    url = f"{database.url}.orm"
    run_migrations(url, "latency")
    engine = orm.get_engine(url)
    yield engine
    engine.dispose()


def _from_empty(
    database: Database, work: Callable[[], tuple[float, ...]]
) -> Callable[[], tuple[float, ...]]:
    def measured() -> tuple[float, ...]:
        database.raw.connection.execute("DELETE FROM latency_metrics")
        database.raw.settle()
        return work()

    return measured


def _ours(calls: list[Call]) -> tuple[float, ...]:
    """Seconds until all is written; µs of CPU that recording one row took this thread."""
    began, cpu = time.perf_counter(), time.thread_time()
    for call in calls:
        record_latency(*call)
    cpu = time.thread_time() - cpu
    if not flush_writers(timeout=60):
        raise RuntimeError("the rows were not written")
    return time.perf_counter() - began, cpu / len(calls) * 1e6


def _bulk(engine: raw.Raw, calls: list[Call]) -> tuple[float, ...]:
    """Seconds of one transaction with all rows."""

    def rows() -> None:
        engine.begin()
        if isinstance(engine, raw.RawSQLite):
            engine.connection.executemany(_INSERT, map(_as_text, calls))
        else:
            with engine.connection.cursor().copy(_COPY) as copy:
                copy.set_types(_TYPES)
                for each in calls:
                    copy.write_row(_row(each))
        engine.connection.execute("COMMIT")

    return (seconds(rows),)


def _commits(engine: Engine, calls: list[Call]) -> tuple[float, ...]:
    """Seconds of a commit a row, reckoned from some of the rows."""
    some = [
        dict(zip(_COLUMNS, _row(each), strict=True))
        for each in calls[: round(COMMITTED * len(calls))]
    ]

    def each_row() -> None:
        for row in some:
            orm.record_latency(engine, row)

    return (seconds(each_row) * len(calls) / len(some),)


def _as_text(call: Call) -> raw.Row:
    """The row as SQLite keeps it."""
    order_id, broker, operation, start, end, latency_ms, success = _row(call)
    return (
        order_id, broker, operation, start.isoformat(" ", "microseconds")[:26],
        end.isoformat(" ", "microseconds")[:26], latency_ms, success,
    )  # fmt: skip


def _row(call: Call) -> raw.Row:
    return (*call, (call.end_time - call.start_time) / timedelta(milliseconds=1), True)
