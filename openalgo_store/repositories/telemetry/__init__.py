"""Latencies and log entries."""

from ...records.telemetry import LatencyStats, LogEntry, LogPage
from .latency import (
    LatencyMeasurement,
    get_latency_stats,
    measure_latency,
    purge_latency,
    record_latency,
)
from .log_handler import DatabaseLogHandler
from .logs import get_logs, purge_logs

__all__ = [
    "DatabaseLogHandler",
    "LatencyMeasurement",
    "LatencyStats",
    "LogEntry",
    "LogPage",
    "get_latency_stats",
    "get_logs",
    "measure_latency",
    "purge_latency",
    "purge_logs",
    "record_latency",
]
