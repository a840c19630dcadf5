"""Keeping databases in shape: what the planner knows of them, and the room they take."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ..engine.dialect import Size, Step
from ..store import Store
from ..tables import METADATA


class Optimized(NamedTuple):
    """What was done to a database, and the room it took before and after."""

    database: str
    before: Size
    after: Size
    steps: list[Step]


def optimize_databases(store: Store, names: Sequence[str]) -> Iterator[Optimized]:
    """Keep the store's tables in these databases in shape, while others read and write.

    A step that cannot be done now, as because others hold a lock, does not end the others.
    """
    for name in names:
        before = _size(store, name)
        tables = [each.name for each in METADATA[name].sorted_tables]
        steps = store.databases[name].optimize(tables)
        yield Optimized(name, before, _size(store, name), steps)


def _size(store: Store, name: str) -> Size:
    with store.transaction(name, readonly=True, primary=True) as tx:
        return store.databases[name].size(tx.driver_connection)
