"""Caches without a store."""

from collections.abc import Callable

from openalgo_store.caching.background_tasks import BackgroundTasks
from openalgo_store.caching.epochs import Epochs
from openalgo_store.caching.symbol_snapshots import SymbolCache


def new_cache(next_expiry: Callable[[], float]) -> SymbolCache:
    """A cache of masters that no other process changes."""
    tasks = BackgroundTasks()
    epochs = Epochs(dict, 0, tasks, lambda topic: None)
    return SymbolCache(next_expiry, lambda: True, epochs, tasks)
