"""The table of main that tells one process what another has changed."""

from sqlalchemy import Column, Table

from .columns import text_column
from .metadata import METADATA
from .types import Whole

cache_epochs = Table(
    "cache_epochs",
    METADATA["main"],
    text_column("topic", 80, primary_key=True, nullable=False),
    Column("epoch", Whole, nullable=False),
)
