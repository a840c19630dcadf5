"""PostgreSQL where green threads run: nothing waits for the server and keeps them from running."""

from collections import deque
from functools import partial
from typing import Any

import psycopg
from psycopg import waiting
from sqlalchemy import event
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool
from sqlalchemy.util import queue

from ..settings import Settings
from ..threads import Lock
from ..threads.mixed import may_block, try_until
from .postgresql import PostgreSQL

_wait_really = getattr(waiting, "wait_c", None) or waiting.wait
_INTERVAL = 0.1
"""Seconds after which the driver looks around while it waits, as by default."""


class GreenConnection(psycopg.Connection[Any]):
    """A connection that lets others run while it waits, in whatever thread it is used."""

    def wait(self, gen: Any, interval: float = _INTERVAL, *timeout: Any, **options: Any) -> Any:
        wait = _wait_really if may_block() else waiting.wait_select
        return wait(gen, self.pgconn.socket, interval, *timeout, **options)


class MixedQueue(queue.QueueCommon[ConnectionPoolEntry]):
    """The idle connections of a pool that green and real threads share."""

    def __init__(self, maxsize: int = 0, use_lifo: bool = False) -> None:
        self.maxsize = maxsize
        self._idle: deque[ConnectionPoolEntry] = deque()

    def qsize(self) -> int:
        return len(self._idle)

    def put(
        self, item: ConnectionPoolEntry, block: bool = True, timeout: float | None = None
    ) -> None:
        """Full at once where there is no room: the pool never waits for that."""
        if 0 < self.maxsize <= len(self._idle):
            raise queue.Full
        self._idle.append(item)

    def get(self, block: bool = True, timeout: float | None = None) -> ConnectionPoolEntry:
        found: list[ConnectionPoolEntry] = []
        if not try_until(partial(self._take, found), (timeout or 0) if block else 0):
            raise queue.Empty
        return found[0]

    def _take(self, found: list[ConnectionPoolEntry]) -> bool:
        try:
            found.append(self._idle.popleft())
        except IndexError:
            return False
        return True


class MixedPool(QueuePool):
    """SQLAlchemy's pool with locks at which green and real threads may meet."""

    _queue_class = MixedQueue

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._overflow_lock = Lock()
        self._connecting = Lock()
        self._has_connected = False

    def _create_connection(self) -> ConnectionPoolEntry:
        """The first one alone: what SQLAlchemy does at it is guarded by a green lock."""
        if self._has_connected:
            return super()._create_connection()
        with self._connecting:
            created = super()._create_connection()
            self._has_connected = True
            return created


class GreenPostgreSQL(PostgreSQL):
    """One database of a server."""

    def __init__(self, url: str, settings: Settings) -> None:
        super().__init__(url, settings)
        event.listen(self.engine, "do_connect", _connect)

    @staticmethod
    def pool_options(settings: Settings) -> dict[str, Any]:
        """The same options for a pool that real threads share too."""
        return PostgreSQL.pool_options(settings) | {"poolclass": MixedPool}

    def begin(self, driver: Any, *, readonly: bool) -> None:
        """By `execute`, in which others run: libpq's own way waits for the server itself."""
        driver.execute(self._begin_read if readonly else self._begin)


def _connect(dialect: Any, record: Any, args: Any, options: Any) -> GreenConnection:
    return GreenConnection.connect(*args, **options)
