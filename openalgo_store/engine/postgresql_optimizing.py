"""Keeping tables of a server in shape: statistics for the planner, room for new rows."""

from collections.abc import Callable, Sequence
from typing import Any

import psycopg
from psycopg import sql

from ..errors import StoreError
from .dialect import Sent, Step

_WHAT = "vacuum and statistics"


def vacuum(
    driver: Any, tables: Sequence[str], translate: Callable[[Exception, Sent | None], StoreError]
) -> Step:
    """Outside a transaction. What others hold or own the server passes over, and tells of it."""
    skipped: list[str] = []

    def note(notice: Any) -> None:
        skipped.append(notice.message_primary)

    driver.add_notice_handler(note)
    try:
        for name in tables:
            statement = sql.SQL("VACUUM (ANALYZE, SKIP_LOCKED) {}")
            driver.execute(statement.format(sql.Identifier(name)))
    except psycopg.Error as error:
        return Step(_WHAT, "failed", str(translate(error, None)))
    finally:
        driver.remove_notice_handler(note)
    if not skipped:
        return Step(_WHAT, "done")
    tables_skipped = "1 table was" if len(skipped) == 1 else f"{len(skipped)} tables were"
    return Step(_WHAT, "failed", f"{tables_skipped} passed over: {skipped[0]}")
