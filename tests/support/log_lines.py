"""Log lines for the tests of the handler, and what is stored of them."""

import logging
from typing import Any

from sqlalchemy import func, select

from openalgo_store import LogEntry, Store, flush_writers, get_logs
from openalgo_store.engine.queries import Query
from openalgo_store.tables.telemetry import application_logs

COUNT = Query.of(select(func.count()).select_from(application_logs), int)
log = logging.getLogger("app.orders")


class attached:  # noqa: N801
    """Lets a handler get everything, and closes it."""

    def __init__(self, handler: logging.Handler) -> None:
        self.handler = handler

    def __enter__(self) -> logging.Handler:
        root = logging.getLogger()
        self.level = root.level
        root.addHandler(self.handler)
        root.setLevel(logging.DEBUG)
        return self.handler

    def __exit__(self, *_: object) -> None:
        logging.getLogger().removeHandler(self.handler)
        logging.getLogger().setLevel(self.level)
        self.handler.close()


def lines(**filters: Any) -> list[LogEntry]:
    """What is stored of the application, the oldest first."""
    assert flush_writers()
    return get_logs(**({"logger": "app"} | filters)).entries[::-1]


def count_rows(store: Store) -> int:
    """Without a word to any logger, which would be another line."""
    root = logging.getLogger()
    before = root.manager.disable
    logging.disable()
    try:
        with store.transaction("logs", readonly=True) as tx:
            return tx.value(COUNT) or 0
    finally:
        logging.disable(before)
