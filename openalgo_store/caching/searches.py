"""The search index of each broker that was searched."""

from ..records import Row
from ..threads import Lock, in_real_thread
from .background_tasks import BackgroundTasks
from .search_index import SearchIndex
from .search_ranks import Search
from .single_flight import SingleFlight
from .snapshots import Snapshot


class Searches:
    """Indexes by broker, each of one snapshot and swapped whole; none where nobody searches."""

    def __init__(self, tasks: BackgroundTasks) -> None:
        self._tasks = tasks
        self._indexes: dict[str, SearchIndex] = {}
        self._builds: SingleFlight[SearchIndex] = SingleFlight()
        self._mutex = Lock()

    def find(self, broker: str, master: Snapshot, search: Search) -> list[Row]:
        """What answers in the broker's master.

        The first search waits for the index, which one thread builds. When there is another master
        the old index answers, with what it was built of, until a thread has built the new one.
        """
        if not master.size:
            self._indexes.pop(broker, None)
            return []
        index = self._indexes.get(broker)
        if index is None:
            index = self._build_once(broker, master)
        elif index.master is not master:
            name = f"the search index of {broker}"
            self._tasks.start(name, lambda: self._build_once(broker, master))
        return index.find(search)

    def renew(self, broker: str, master: Snapshot) -> None:
        """Have an index of this master, if the broker was searched, and wait for it."""
        index = self._indexes.get(broker)
        if index is not None and index.master is not master:
            self._build_once(broker, master)

    def _build_once(self, broker: str, master: Snapshot) -> SearchIndex:
        return self._builds.share((broker, id(master)), lambda: self._build(broker, master))

    def _build(self, broker: str, master: Snapshot) -> SearchIndex:
        before = self._indexes.get(broker)
        if before is not None and before.master is master:
            return before
        index = in_real_thread(SearchIndex, master)
        with self._mutex:
            if self._indexes.get(broker) is before:  # else that of a later master may be there
                self._indexes[broker] = index
        return index
