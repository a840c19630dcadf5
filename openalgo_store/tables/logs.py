"""The logs database: what the application logged."""

from sqlalchemy import Column, Index, Table

from ..types import PlainText, StrictJson, UTCDateTime, Whole
from .columns import id_column, new_metadata, text_column

metadata = new_metadata()

application_logs = Table(
    "application_logs",
    metadata,
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
)

# The last batch of each process: what tells that a COMMIT without an answer was done.
log_writers = Table(
    "log_writers",
    metadata,
    text_column("writer", 32, primary_key=True, nullable=False),
    Column("sequence", Whole, nullable=False),
    Column("written_at", UTCDateTime, nullable=False),
    Index("ix_log_writers_written_at", "written_at"),
)
