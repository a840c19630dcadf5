"""Counter: of what many threads do, without a lock on their way."""

from itertools import count

from ..threads import Lock


class Counter:
    """Counts without a lock; only readers wait for each other."""

    def __init__(self) -> None:
        self._numbers = count()
        self._reads = 0
        self._reading = Lock()

    def add(self) -> None:
        next(self._numbers)

    def value(self) -> int:
        with self._reading:
            found = next(self._numbers) - self._reads
            self._reads += 1
        return found
