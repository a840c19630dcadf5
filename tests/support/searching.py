"""A hand on the moment at which the index of a search is built."""

import threading

import pytest

from openalgo_store.caching import searches
from openalgo_store.caching.search_index import SearchIndex
from openalgo_store.caching.snapshots import Snapshot
from tests.support.waiting import DEADLINE


class Building:
    """The moment at which an index is built, and a hand on it."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.began, self.go_on = threading.Event(), threading.Event()
        self.go_on.set()
        self.error: Exception | None = None
        self.sizes: list[int] = []
        self.threads: set[str] = set()

        def held(master: Snapshot) -> SearchIndex:
            self.sizes.append(master.size)
            self.threads.add(threading.current_thread().name)
            self.began.set()
            assert self.go_on.wait(DEADLINE)
            if self.error:
                raise self.error
            return SearchIndex(master)

        patch.setattr(searches, "SearchIndex", held)

    def hold(self) -> None:
        """The next one goes no further."""
        self.began.clear()
        self.go_on.clear()
