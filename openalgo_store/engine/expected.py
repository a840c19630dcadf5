"""Rows that a statement always gives, unless the database has rules that the store did not make."""

from typing import Any, TypeVar

from ..errors import StoreError
from .queries import Query
from .transaction import Transaction

R = TypeVar("R")


def expect_one(tx: Transaction, query: Query[R], **params: Any) -> R:
    """The record; without one a StoreError, and the transaction can only be rolled back."""
    record = tx.one(query, **params)
    if record is None:
        missing = StoreError(
            f"{query.name} gave no row, though it always does: look for a trigger, a rule or a "
            "row policy on its table"
        )
        tx.fail(missing)
        raise missing
    return record
