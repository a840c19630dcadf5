"""The typed records that callers get: plain, immutable, without anything of SQLAlchemy."""

from typing import Any

Row = tuple[Any, ...]
"""A row on its way to the database, in the order of its columns."""
