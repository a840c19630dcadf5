"""Purging old rows by the command, while an application goes on writing."""

import os
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from sqlalchemy import insert

from openalgo_store import get_write_session
from openalgo_store.engine.queries import Query
from openalgo_store.tables.telemetry import latency_metrics
from openalgo_store.values import clock

from .measure import Figure
from .setting import Setting, telemetry

CHUNK = 50_000
BETWEEN = 0.002
"""Seconds between two commits of the writer."""
PURGE = "from openalgo_store.cli import main; main()"
COLUMNS = (
    "order_id", "broker", "operation", "start_time", "end_time", "latency_ms", "success",
)  # fmt: skip


def run(setting: Setting) -> list[Figure]:
    """The slowest hundredth of the writer's commits, alone and beside the purge."""
    figures = []
    for database in setting.databases:
        with telemetry(database):
            _fill(setting.scale.purged)
            _fill(CHUNK, old=False)
            alone = _p99(range(setting.scale.commits))
            beside, seconds = _beside_a_purge(database.url, setting.scale.purged)
        work = f"a purge of {setting.scale.purged:,} rows, start of the command included"
        figures += [
            Figure("commit beside nothing, p99", database.name, "ms", {"ours": [alone]}),
            Figure("commit beside a purge, p99", database.name, "ms", {"ours": [beside]}),
            Figure(work, database.name, "s", {"ours": [seconds]}),
        ]
    return figures


def _fill(count: int, *, old: bool = True) -> None:
    """So many calls, a second apart, of the last days or of long ago."""
    last = clock.now() - timedelta(days=30 * old)
    for first in range(0, count, CHUNK):
        moments = [last - timedelta(seconds=count - n) for n in range(first, first + CHUNK)]
        rows = [_row(moment, number) for number, moment in enumerate(moments)]
        with get_write_session("latency") as tx:
            tx.copy(latency_metrics, COLUMNS, rows)


def _beside_a_purge(url: str, rows: int) -> tuple[float, float]:
    """ms of the slowest hundredth of commits while the command purges; seconds of the purge."""
    command = [sys.executable, "-c", PURGE, "purge", "--older-than", "29d", "--database", "latency"]
    environment = {**os.environ, "DATABASE_URL": url, "LATENCY_DATABASE_URL": url}
    began = time.perf_counter()
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as purge:
        slowest = _p99(_until_the_end(purge))
        seconds = time.perf_counter() - began
        said = purge.stdout.read() if purge.stdout else ""
    if f"{rows:,} rows purged" not in said:
        raise RuntimeError(f"the purge went wrong: {said}")
    return slowest, seconds


def _until_the_end(process: "subprocess.Popen[str]") -> Iterator[None]:
    while process.poll() is None:
        yield


def _p99(turns: Iterable[object]) -> float:
    """ms that the slowest hundredth of commits take; one row at each turn."""
    times: list[float] = []
    for _ in turns:
        row = dict(zip(COLUMNS, _row(clock.now(), len(times)), strict=True))
        statement: Query[None] = Query.of(insert(latency_metrics).values(row))
        began = time.perf_counter()
        with get_write_session("latency") as tx:
            tx.run(statement)
        times.append(time.perf_counter() - began)
        time.sleep(BETWEEN)
    return sorted(times)[len(times) * 99 // 100] * 1e3


def _row(moment: datetime, number: int) -> tuple[object, ...]:
    end = moment + timedelta(milliseconds=45)
    return f"26030200{number:06}", "zerodha", "place_order", moment, end, 45.0, True
