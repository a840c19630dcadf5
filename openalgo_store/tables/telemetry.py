"""The latency database: how long each call to a broker took."""

from sqlalchemy import Column, Index, Table

from ..types import Finite, PlainText, UTCDateTime, Whole
from .columns import flag_column, id_column, new_metadata, text_column

metadata = new_metadata()

latency_metrics = Table(
    "latency_metrics",
    metadata,
    id_column(),
    text_column("order_id", 50),
    text_column("broker", 50),
    text_column("operation", 50, nullable=False),
    Column("start_time", UTCDateTime, nullable=False),
    Column("end_time", UTCDateTime, nullable=False),
    Column("latency_ms", Finite, nullable=False),
    flag_column("success"),
    Column("error_message", PlainText),
    Index("ix_latency_metrics_start_time", "start_time"),
)

# The last batch of each process: what tells that a COMMIT without an answer was done.
latency_writers = Table(
    "latency_writers",
    metadata,
    text_column("writer", 32, primary_key=True, nullable=False),
    Column("sequence", Whole, nullable=False),
    Column("written_at", UTCDateTime, nullable=False),
    Index("ix_latency_writers_written_at", "written_at"),
)
