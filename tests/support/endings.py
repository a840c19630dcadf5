"""The end of a transaction of PostgreSQL whose COMMIT is done and whose answer never comes."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest


@contextmanager
def lose_one_answer() -> Iterator[None]:
    """Within the block the server executes the first COMMIT, and the connection breaks then."""
    commit = psycopg.Connection.commit

    def commit_unheard(connection: "psycopg.Connection[object]") -> None:
        patch.undo()
        commit(connection)
        connection.pgconn.finish()
        raise psycopg.OperationalError("server closed the connection unexpectedly")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(psycopg.Connection, "commit", commit_unheard)
        yield
