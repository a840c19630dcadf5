"""Logs: what the application logged, newest first. DatabaseLogHandler brings the entries."""

import logging
import re
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from string import ascii_lowercase, ascii_uppercase

from sqlalchemy import BindParameter, ColumnElement, bindparam, func, literal_column, or_, select

from ...background.marks import Mark
from ...background.quiet import quietly
from ...engine.pagination import NewestFirst, before, row_limit, split
from ...engine.queries import Query
from ...engine.transaction import Transaction
from ...errors import ConfigurationError, InvalidInput
from ...records import Row
from ...records.telemetry import LogEntry, LogPage
from ...sessions import one_statement, writing
from ...store import Store, open_store
from ...tables.telemetry import application_logs, log_writers
from ...tables.types import Whole
from ...values.text import require_text
from ..purging import BATCH, purge_rows
from ..shapes import given
from .batch_marks import BatchMarks

LOG_COLUMNS = LogEntry._fields[1:]
"""The columns of what a handler gives to `write_log_batch`."""
_ESCAPE = "/"
_AS_LOWER = str.maketrans(ascii_uppercase, ascii_lowercase)

_logs = application_logs.c
_newest_first = NewestFirst(_logs.timestamp, _logs.id)

_marks = BatchMarks(log_writers)


@cache
def _get_logs(asked: frozenset[str], levels: int | None) -> Query[LogEntry]:
    """At most `row_limit` entries of what is asked for, and of one of so many levels."""
    rules = _newest_first.rules(asked)
    if levels is not None:
        names = [_parameter(f"level_{number}", _logs.level) for number in range(levels)]
        # false() would take the other parameters out of the statement
        rules.append(_logs.level.in_(names) if names else literal_column("FALSE"))
    if "logger" in asked:
        below = _logs.logger >= _parameter("below", _logs.logger)
        below &= _logs.logger < _parameter("beyond", _logs.logger)
        rules.append(or_(_logs.logger == _parameter("logger", _logs.logger), below))
    if "text" in asked:
        text = _parameter("text", _logs.message)
        found_in = (_logs.message, _logs.exception)
        rules.append(or_(*(_lower(each).contains(text, escape=_ESCAPE) for each in found_in)))
    found = select(*(_logs[name] for name in LogEntry._fields)).where(*rules)
    most = bindparam("row_limit", type_=Whole)  # a plain number is taken for one of 32 bits
    return Query.of(_newest_first.ordered(found).limit(most), LogEntry)


def _parameter(name: str, column: ColumnElement[str]) -> BindParameter[str]:
    return bindparam(name, type_=column.type)


class LogBatches:
    """The way of one writer's batches to the store that is open.

    A batch that is tried again goes where it went first, as long as that store is not closed:
    only there its mark tells whether it is committed.
    """

    def __init__(self) -> None:
        self._tried: tuple[Mark, Store] | None = None

    def write(self, rows: Sequence[Row], mark: Mark) -> None:
        """Write entries, unless their mark says that this was done before.

        Raises ConfigurationError while no store is open.
        """
        store = self._store_for(mark)
        self._tried = mark, store
        write_log_batch(store, rows, mark)
        self._tried = None

    def _store_for(self, mark: Mark) -> Store:
        if self._tried is not None and self._tried[0] == mark and not self._tried[1].closed:
            return self._tried[1]
        store = open_store()
        if store is None:
            raise ConfigurationError("no store is open: call init_databases() first")
        return store


def write_log_batch(store: Store, rows: Sequence[Row], mark: Mark) -> None:
    """Write entries, unless their mark says that this was done before."""
    with store.transaction("logs", readonly=False) as tx:
        if _marks.claim(tx, mark):
            tx.copy(application_logs, LOG_COLUMNS, rows)


def get_logs(
    *,
    level: int | str | None = None,
    logger: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    text: str | None = None,
    cursor: str | None = None,
    limit: int = 100,
    tx: Transaction | None = None,
) -> LogPage:
    """Entries of this level and above, of this logger and those below it, since, before until.

    `text` is looked for in the message and the traceback; A to Z are the same as a to z, every
    other character is itself. `cursor` is the next_cursor of the page before.
    """
    asked = before(until, cursor) | given(begin=since)
    levels = None
    if level is not None:
        names = _levels_from(level)
        levels = len(names)
        asked |= {f"level_{number}": name for number, name in enumerate(names)}
    if logger is not None:  # "/" comes after "."
        require_text("logger", logger)
        asked |= {"logger": logger, "below": f"{logger}.", "beyond": f"{logger}/"}
    if text is not None:
        asked["text"] = _as_pattern(require_text("text", text).translate(_AS_LOWER))
    limit = row_limit("limit", limit)
    with quietly(), one_statement("logs", tx) as tx:
        entries = tx.all(_get_logs(frozenset(asked), levels), **asked, row_limit=limit + 1)
    return LogPage(*split(entries, limit, "timestamp"))


def purge_logs(
    before: datetime,
    *,
    batch_size: int = BATCH,
    dry_run: bool = False,
    tx: Transaction | None = None,
) -> int:
    """Delete the entries before that, in small transactions; how many.

    A dry run counts and deletes nothing.
    """
    with quietly():
        purged = purge_rows(
            "logs",
            application_logs,
            _logs.timestamp,
            before,
            batch_size=batch_size,
            dry_run=dry_run,
            tx=tx,
        )
        if not dry_run:
            with writing("logs", tx) as session:
                _marks.forget(session, before)
    return purged


def _levels_from(level: int | str) -> list[str]:
    """The names of this level and of those above it, as this process knows them."""
    numbers = logging.getLevelNamesMapping()
    least = numbers.get(level.upper()) if isinstance(level, str) else level
    if not isinstance(least, int):
        raise InvalidInput(f"level: a number or one of {', '.join(numbers)}")
    return [name for name, number in numbers.items() if number >= least]


def _as_pattern(text: str) -> str:
    """The text as LIKE finds it, to the letter."""
    return re.sub(f"[%_{_ESCAPE}]", rf"{_ESCAPE}\g<0>", text)


def _lower(column: ColumnElement[str]) -> ColumnElement[str]:
    """A to Z as a to z: the columns compare by code point, so no other letter changes."""
    return func.lower(column, type_=column.type)
