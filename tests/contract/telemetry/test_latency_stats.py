"""Latencies counted and ranked as numpy does, in buckets of India."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import numpy
import pytest

from openalgo_store import (
    InvalidInput,
    Store,
    flush_writers,
    get_latency_stats,
    get_read_session,
    get_write_session,
    record_latency,
)
from openalgo_store.repositories.telemetry import latency
from openalgo_store.values.clock import IST
from tests.support.chance import chance_of
from tests.support.latencies import DAY, START, record, stats
from tests.support.plans import plan_of


@pytest.fixture
def random_calls(store: Store) -> dict[tuple[str | None, str], list[float]]:
    """The latencies of random calls by broker and operation; every tenth fails."""
    seeded = chance_of("latencies")
    made: dict[tuple[str | None, str], list[float]] = {}
    sizes = (1, 2, 3, 7, 100, 101, 1999)
    for size, broker in zip(sizes, ("a", "b", "c", "d", "e", "f", None), strict=True):
        for operation in ("place_order", "modify_order"):
            shape = seeded.choice((seeded.lognormvariate, seeded.uniform))
            found = made.setdefault((broker, operation), [])
            for number in range(size):
                ms = round(shape(3, 1.5) * 1000) / 1000 + seeded.choice((0, 0, 5e6))
                record(number, ms, broker=broker, operation=operation, success=number % 10 > 0)
                found.append(ms)
    return made


def test_percentiles_are_those_of_numpy(
    random_calls: dict[tuple[str | None, str], list[float]],
) -> None:
    found = {(each.broker, each.operation): each for each in stats()}
    assert found.keys() == random_calls.keys()
    for key, values in random_calls.items():
        one, size = found[key], len(values)
        expected = numpy.percentile(values, [50, 95, 99])
        assert [one.p50, one.p95, one.p99] == pytest.approx(expected.tolist(), rel=1e-12, abs=0)
        assert one.mean == pytest.approx(numpy.mean(values), rel=1e-12, abs=0)
        assert (one.count, one.max, one.bucket) == (size, max(values), None)
        assert one.success_rate == pytest.approx(1 - -(-size // 10) / size, rel=1e-12)


def test_more_random_latencies_than_a_batch_agree_with_numpy(
    store: Store, soak: Callable[[int], int]
) -> None:
    seeded = numpy.random.default_rng(chance_of("many latencies").getrandbits(64))
    values = numpy.round(seeded.lognormal(3, 2, soak(100_000)), 3)
    for number, ms in enumerate(values.tolist()):
        record(number / 100, ms)
    (one,) = stats()
    expected = numpy.percentile(values, [50, 95, 99]).tolist()
    assert [one.p50, one.p95, one.p99] == pytest.approx(expected, rel=1e-12, abs=0)


def test_buckets_begin_when_the_clock_in_india_says_so(store: Store) -> None:
    midnight = IST.localize(datetime(2026, 3, 3))
    for moment in (
        midnight - timedelta(microseconds=1),
        midnight,
        midnight + timedelta(hours=23, minutes=59),
        midnight + timedelta(days=1),
    ):
        record_latency(None, "zerodha", "place_order", moment, moment)
    days = [(each.bucket, each.count) for each in stats(bucket=DAY)]
    assert days == [(midnight - DAY, 1), (midnight, 2), (midnight + DAY, 1)]
    assert all(each and each.tzinfo is UTC for each, _ in days)
    hours = [each.bucket for each in stats(bucket=timedelta(hours=1))]
    assert hours[:2] == [midnight - timedelta(hours=1), midnight]
    minutes = {each.bucket for each in stats(bucket=timedelta(minutes=5))}
    assert midnight - timedelta(minutes=5) in minutes


def test_buckets_before_1970_begin_at_midnight_in_india_too(store: Store) -> None:
    midnight = IST.localize(datetime(1969, 12, 31))
    for moment in (midnight - timedelta(seconds=1), midnight, midnight + timedelta(hours=23)):
        record_latency(None, "zerodha", "place_order", moment, moment)
    assert flush_writers()
    days = get_latency_stats(midnight - 9 * DAY, midnight + 9 * DAY, bucket=DAY)
    assert [(each.bucket, each.count) for each in days] == [(midnight - DAY, 1), (midnight, 2)]


def test_statistics_are_of_the_time_the_broker_and_the_operation_asked_for(store: Store) -> None:
    for broker in ("angel", "zerodha"):
        for operation in ("cancel_order", "place_order"):
            record(0, broker=broker, operation=operation)
            record(60, broker=broker, operation=operation, success=False)
    of_one = stats(broker="angel", operation="place_order")
    assert [(each.broker, each.operation) for each in of_one] == [("angel", "place_order")]
    assert of_one[0].success_rate == 0.5
    ordered = [(each.broker, each.operation) for each in stats(broker="zerodha")]
    assert ordered == [("zerodha", "cancel_order"), ("zerodha", "place_order")]
    minute = START + timedelta(seconds=60)
    assert [each.count for each in get_latency_stats(START, minute)] == [1] * 4
    assert get_latency_stats(minute + DAY, minute) == []
    with get_read_session("latency") as tx:
        assert len(get_latency_stats(START, minute, tx=tx)) == 4
    for bad in (timedelta(0), timedelta(seconds=-1), timedelta(milliseconds=1500)):
        with pytest.raises(InvalidInput, match="whole seconds"):
            stats(bucket=bad)
    with pytest.raises(InvalidInput, match="no time zone"):
        get_latency_stats(START.replace(tzinfo=None), minute)


def test_statistics_are_read_from_the_index(store: Store) -> None:
    for hour in range(2000):
        record(hour * 3600)
    assert flush_writers()
    with get_write_session("latency") as tx:
        tx.connection.exec_driver_sql("ANALYZE")
    assert "ix_latency_metrics_start_time" in plan_of(store, latency._get_latency_stats)
