"""What sessions read: the statements, and how many rows each of them gave."""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from openalgo_store import Transaction


def note_reads(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """From now on, the rows that sessions have read, by the name of the statement.

    But for looks at the epochs, which come when a lease is over.
    """
    rows: Counter[str] = Counter()

    def passed(query: Any, found: Iterator[Any]) -> Iterator[Any]:
        for row in found:
            rows[query.name] += 1
            yield row

    def watched(verb: Callable[..., Any]) -> Callable[..., Any]:
        def read(tx: Transaction, query: Any, **params: Any) -> Any:
            if query.name == "get_epochs":
                return verb(tx, query, **params)
            rows[query.name] += 0
            found = verb(tx, query, **params)
            if verb is stream:
                return passed(query, found)
            rows[query.name] += len(found) if isinstance(found, list) else found is not None
            return found

        return read

    stream = Transaction.stream
    for name in ("one", "value", "all", "stream"):
        monkeypatch.setattr(Transaction, name, watched(getattr(Transaction, name)))
    return rows
