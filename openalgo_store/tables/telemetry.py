"""What is measured and logged: the latency database and the logs database."""

from sqlalchemy import Column, Index, Table

from .columns import flag_column, id_column, text_column
from .metadata import METADATA
from .types import Finite, PlainText, StrictJson, UTCDateTime, Whole

latency_metrics = Table(
    "latency_metrics",
    METADATA["latency"],
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
    sqlite_autoincrement=True,
)

application_logs = Table(
    "application_logs",
    METADATA["logs"],
    id_column(),
    Column("timestamp", UTCDateTime, nullable=False),
    text_column("level", 20, nullable=False),
    text_column("logger", 100, nullable=False),
    Column("message", PlainText, nullable=False),
    text_column("module", 100),
    text_column("function", 100),
    Column("line_number", Whole),
    Column("exception", PlainText),
    Column("extra_data", StrictJson),
    Index("ix_application_logs_timestamp_id", "timestamp", "id"),
    sqlite_autoincrement=True,
)


def _batch_marks(database: str, name: str) -> Table:
    """The last batch of each process: what tells that a COMMIT without an answer was done."""
    return Table(
        name,
        METADATA[database],
        text_column("writer", 32, primary_key=True, nullable=False),
        Column("sequence", Whole, nullable=False),
        Column("written_at", UTCDateTime, nullable=False),
        Index(f"ix_{name}_written_at", "written_at"),
    )


latency_writers = _batch_marks("latency", "latency_writers")
log_writers = _batch_marks("logs", "log_writers")
