"""Empty PostgreSQL databases, each made while the test before runs: that takes longer than many."""

from contextlib import suppress
from typing import Any

import psycopg
from psycopg.pq import ExecStatus

from tests.support.postgres_server import KEEPER, PostgresServer, creation


class SpareDatabases:
    """One of them is always made or in the making, over a connection that is kept."""

    def __init__(self, server: PostgresServer) -> None:
        self._server = server
        self._connection: psycopg.Connection[Any] | None = None
        self._next = ""

    def take(self) -> str:
        """The URL of a new, empty database; the server begins to make the next one."""
        name = self._next if self._is_made() else ""
        url = self._server.url(name) if name else self._server.create_database()
        self._next = ""
        with suppress(psycopg.Error):  # a test may have ended it, or the server
            if self._connection is None or self._connection.closed:
                self._connection = self._server.connect(name=KEEPER)
            self._next, statement = creation(self._connection, "template0")
            self._connection.pgconn.send_query(statement)
        return url

    def close(self) -> None:
        """The last one goes with the server."""
        if self._connection is not None:
            self._connection.close()

    def _is_made(self) -> bool:
        """Wait for the one in the making; whether it was made."""
        if not self._next or self._connection is None:
            return False
        statuses = []
        with suppress(psycopg.Error):
            while (result := self._connection.pgconn.get_result()) is not None:
                statuses.append(result.status)
        return statuses == [ExecStatus.COMMAND_OK]
