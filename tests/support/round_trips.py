"""What goes over to the database engine: every statement, BEGIN and COMMIT too, as it is sent."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryFile
from typing import Any

import pytest

from openalgo_store import Store

_SENT = re.compile(r'F\t\d+\t(?:Query\t "|Parse\t "[^"]*" "|Bind\t "" "(?=\w))([^"]*)')


@contextmanager
def tracing(store: Store, database: str = "main") -> Iterator[list[str]]:
    """Each statement that crosses over meanwhile, known at the end; a prepared one by its number.

    Each is a round trip. The drivers themselves tell: SQLite by its trace, libpq by its protocol.
    """
    dialect: Any = store.databases[database]
    seen: list[str] = []
    check_out = dialect.check_out
    with pytest.MonkeyPatch.context() as patch, TemporaryFile("w+") as trace:
        traced: list[Any] = []

        def checked_out() -> Any:
            held = check_out()
            driver = held.driver_connection
            traced.append(driver)
            if dialect.name == "sqlite":
                driver.set_trace_callback(seen.append)
            else:
                driver.pgconn.trace(trace.fileno())
            return held

        patch.setattr(dialect, "check_out", checked_out)
        yield seen
        for driver in traced:
            if dialect.name == "sqlite":
                driver.set_trace_callback(None)
            else:
                driver.pgconn.untrace()
        trace.seek(0)
        seen += _SENT.findall(trace.read())
