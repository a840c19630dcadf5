"""What sessions read: the statements, and how many rows each of them gave."""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from openalgo_store import Transaction
from openalgo_store.engine.transaction import Stream


def note_reads(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """From now on, the rows that sessions have read, by the name of the statement.

    But for looks at the epochs, which come when a lease is over.
    """
    rows: Counter[str] = Counter()

    def passed(query: Any, batches: Iterator[list[Any]]) -> Iterator[list[Any]]:
        for batch in batches:
            rows[query.name] += len(batch)
            yield batch

    def watched(verb: Callable[..., Any]) -> Callable[..., Any]:
        def read(tx: Transaction, query: Any, **params: Any) -> Any:
            if query.name == "get_epochs":
                return verb(tx, query, **params)
            rows[query.name] += 0
            found = verb(tx, query, **params)
            if isinstance(found, Stream):
                found._batches = passed(query, found._batches)
                return found
            rows[query.name] += len(found) if isinstance(found, list) else found is not None
            return found

        return read

    for name in ("one", "value", "all", "stream"):
        monkeypatch.setattr(Transaction, name, watched(getattr(Transaction, name)))
    return rows
