"""Marks of batches: what tells that a COMMIT whose answer was lost was done."""

from typing import NamedTuple


class Mark(NamedTuple):
    """What a batch leaves in its own transaction: if it stands there, the batch is committed."""

    writer: str
    sequence: int
