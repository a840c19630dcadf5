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


def wait_for_a_lock() -> None:
    """Until another session of this database waits for a lock."""
    waiting = text(
        "SELECT count(*) FROM pg_stat_activity "
        "WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )

    def is_waited_for() -> bool:
        with get_read_session("logs") as tx:
            return bool(tx.connection.scalar(waiting))

    wait_until(is_waited_for)
