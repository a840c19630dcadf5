"""What the store executes, as it does: the text of each statement before and after it is sent."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from openalgo_store import Store
from openalgo_store.engine.transaction_state import TransactionState

Watch = Callable[[str, Any], object]
"""Called with the SQL of a statement, and what is bound in it."""


@contextmanager
def watching(
    store: Store, database: str = "main", *, before: Watch | None = None, after: Watch | None = None
) -> Iterator[None]:
    """Call these around each statement that the store executes on this database of this Store."""
    dialect, perform = store.databases[database], TransactionState.perform

    def watched(
        state: TransactionState, *arguments: Any, sql: str = "", rows: Any = (), **options: Any
    ) -> Any:
        is_watched = bool(sql) and state.dialect is dialect
        if is_watched and before:
            before(sql, rows[0])
        found = perform(state, *arguments, sql=sql, rows=rows, **options)
        if is_watched and after:
            after(sql, rows[0])
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionState, "perform", watched)
        yield


@contextmanager
def sent(store: Store, database: str = "main") -> Iterator[list[str]]:
    """The SQL of each statement that the store executes on this database meanwhile."""
    seen: list[str] = []
    with watching(store, database, before=lambda sql, _: seen.append(sql)):
        yield seen
