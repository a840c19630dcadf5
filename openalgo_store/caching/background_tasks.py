"""Tasks of a cache that no caller waits for, each in a thread of its own while it runs."""

import logging
from collections.abc import Callable
from functools import partial

from ..threads import Lock, Thread

_log = logging.getLogger("openalgo_store")


class BackgroundTasks:
    """At most one thread for each name. A child process starts with none: make another there.

    A task that lasts ends itself once `is_closed`.
    """

    def __init__(self) -> None:
        self._running: dict[str, Thread] = {}
        self._mutex = Lock()
        self.is_closed = False

    def start(self, name: str, task: Callable[[], object]) -> None:
        """Run it, unless one of this name is running; an error of it is logged.

        So is that no thread can be started now: whoever asks next tries again.
        """
        with self._mutex:
            if self.is_closed or name in self._running:
                return
            run = partial(self._run, name, task)
            thread = Thread(target=run, name=f"openalgo_store {name}", daemon=True)
            try:
                thread.start()
            except RuntimeError as error:
                _log.warning("%s could not begin: %s", name, error)
            else:
                self._running[name] = thread  # one that never began nobody can wait for

    def _run(self, name: str, task: Callable[[], object]) -> None:
        try:
            task()
        except Exception as error:
            if not self.is_closed:
                _log.warning("%s failed: %s", name, error)
        finally:
            with self._mutex:
                self._running.pop(name, None)

    def close(self) -> None:
        """Start nothing from now on, and wait for what is running."""
        with self._mutex:
            self.is_closed = True
            running = list(self._running.values())
        for thread in running:
            thread.join()
