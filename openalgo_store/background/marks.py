"""Marks of batches: what tells that a COMMIT whose answer was lost was done."""

from datetime import timedelta
from typing import NamedTuple

MARKS_STAY = timedelta(days=1)
"""Marks younger than this are not purged: a writer may still ask for them."""


class Mark(NamedTuple):
    """What a batch leaves in its own transaction: if it stands there, the batch is committed."""

    writer: str
    sequence: int
