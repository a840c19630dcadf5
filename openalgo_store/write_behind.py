"""Small facts that are written behind the request: the latest for each key, a batch at a time."""

import logging
import threading
from collections.abc import Callable, Mapping
from datetime import datetime

from .errors import StoreError

_log = logging.getLogger("openalgo_store")
_INTERVAL = 1.0
"""Seconds between batches."""

Write = Callable[[Mapping[int, datetime]], object]


class WriteBehind:
    """Moments by id, written by a thread of its own; noting one waits for no database.

    A batch that cannot be written is kept and tried again with the next one; a moment noted
    meanwhile is the newer one and stays.
    """

    def __init__(self) -> None:
        self._noted: dict[int, datetime] = {}
        self._write: Write | None = None
        self._mutex = threading.Lock()
        self._writing = threading.Lock()
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None

    def note(self, key: int, moment: datetime, write: Write) -> None:
        """Remember the moment for this id; `write` is what will store it."""
        with self._mutex:
            self._noted[key] = moment
        if self._thread is None:
            self._start(write)

    def flush(self) -> None:
        """Write what has been noted until now; a failure is logged and nothing is lost."""
        with self._writing:
            with self._mutex:
                batch, self._noted = self._noted, {}
            if not batch or self._write is None:
                return
            try:
                self._write(batch)
            except StoreError as error:
                _log.warning("what was noted is kept and will be written later: %s", error)
                with self._mutex:
                    self._noted = batch | self._noted

    def close(self) -> None:
        """Write the rest and end."""
        self._ending.set()
        if self._thread is not None:
            self._thread.join()
        self.flush()

    def _start(self, write: Write) -> None:
        with self._mutex:
            if self._thread is None and not self._ending.is_set():
                self._write = write
                self._thread = threading.Thread(target=self._run, name="last-used", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while not self._ending.wait(_INTERVAL):
            self.flush()
