"""The end of a transaction of PostgreSQL whose COMMIT is done and whose answer never comes."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest


@contextmanager
def lose_one_answer(*, out_of_step: bool = False) -> Iterator[None]:
    """Within the block the server executes the first COMMIT, and the connection breaks then.

    Or the driver cannot tell what the answer is: a pooler whose server ends sends two of them.
    """
    commit = psycopg.Connection.commit

    def commit_unheard(connection: "psycopg.Connection[object]") -> None:
        patch.undo()
        commit(connection)
        if out_of_step:
            raise psycopg.InternalError("received 2 results from command 'COMMIT'")
        connection.pgconn.finish()
        raise psycopg.OperationalError("server closed the connection unexpectedly")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(psycopg.Connection, "commit", commit_unheard)
        yield
