"""Waiting for what another thread or session does, with a deadline."""

import time
from collections.abc import Callable

from sqlalchemy import text

from openalgo_store import get_read_session

DEADLINE = 30.0
"""Seconds after which a test fails rather than waits on."""


def wait_until(true: Callable[[], bool]) -> None:
    """Poll a condition; the test fails when it does not come."""
    deadline = time.monotonic() + DEADLINE
    while not true():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.002)


def wait_for_a_lock(sessions: int = 1) -> None:
    """Until so many other sessions of this database wait for a lock."""
    wait_until(lambda: waiting_sessions() >= sessions)


def waiting_sessions() -> int:
    """How many other sessions of this database wait for a lock, as the server tells."""
    waiting = text(
        "SELECT count(*) FROM pg_stat_activity "
        "WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    with get_read_session("logs") as tx:
        return int(tx.connection.scalar(waiting) or 0)
