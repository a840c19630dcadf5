"""A server that takes connections and never says a word."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.waiting import wait_until


@contextmanager
def hanging_server() -> Iterator[str]:
    """The URL of a database of it; in the end whoever waits for it is told that it is gone."""
    try:
        with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
            port = server.getsockname()[1]
            yield f"postgresql://u:top-secret@127.0.0.1:{port}/hung?connect_timeout=600"
    finally:
        wait_until(lambda: looks("logs") == 0)


def looks(name: str) -> int:
    """How many threads look at a database just now."""
    return sum(thread.name == f"look at {name}" for thread in threading.enumerate())
