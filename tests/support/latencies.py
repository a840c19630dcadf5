"""Calls to a broker for the tests of latency, and what is stored of them."""

from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import func, select

from openalgo_store import (
    LatencyStats,
    flush_writers,
    get_latency_stats,
    get_read_session,
    record_latency,
)
from openalgo_store.engine.queries import Query
from openalgo_store.tables.telemetry import latency_metrics, latency_writers

START = datetime(2026, 3, 2, 3, 45, tzinfo=UTC)
"""A Monday, 09:15 in India: the market opens."""
DAY = timedelta(days=1)


class Call(NamedTuple):
    """A row as it is stored, but for its id."""

    order_id: str | None
    broker: str | None
    operation: str
    start_time: datetime
    end_time: datetime
    latency_ms: float
    success: bool
    error_message: str | None


ALL_CALLS = Query.of(
    select(*(latency_metrics.c[name] for name in Call._fields)).order_by(latency_metrics.c.id), Call
)
COUNT_WRITERS = Query.of(select(func.count()).select_from(latency_writers), int)


def calls() -> list[Call]:
    """What is stored once all is written."""
    assert flush_writers()
    with get_read_session("latency") as tx:
        return tx.all(ALL_CALLS)


def record(
    after: float = 0.0,
    ms: float = 10.0,
    *,
    broker: str | None = "zerodha",
    operation: str = "place_order",
    success: bool = True,
) -> None:
    """One call that began so many seconds after the start."""
    start = START + timedelta(seconds=after)
    record_latency(None, broker, operation, start, start + timedelta(milliseconds=ms), success)


def stats(**filters: Any) -> list[LatencyStats]:
    """Of a year around the start."""
    assert flush_writers()
    return get_latency_stats(START - 180 * DAY, START + 180 * DAY, **filters)
