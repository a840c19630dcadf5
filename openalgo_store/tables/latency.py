"""The latency database: how long each call to a broker took."""

from sqlalchemy import Column, Table

from ..types import Finite, PlainText, UTCDateTime
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
)
