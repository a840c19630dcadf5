"""DatabaseLogHandler: the application's log lines in the logs database, without a wait."""

import logging
from datetime import UTC, datetime
from typing import Any

from ...background.buffered_writer import BufferedWriter, Drop
from ...background.quiet import is_quiet
from ...errors import InvalidInput
from ...records import Row
from ...security.redaction import LONGEST, as_json, cut, redacted
from ...threads import get_ident
from ...values.arguments import true_or_false
from .logs import LogBatches

_NOT_EXTRA = {*vars(logging.makeLogRecord({})), "message", "asctime", "taskName"}
_WAIT = 5.0
"""Seconds in which the database must take what is left, when logging ends."""


class DatabaseLogHandler(logging.Handler):
    """Writes log lines to the logs database of the store that is open: a thread does so later.

    Lines logged before a store is open wait for it. At most `capacity` lines wait; a full buffer
    drops the oldest, or the newest with drop="newest". Unless redact=False, keys, tokens and
    passwords are taken out first. What the store logs while it writes is left out.
    Raises InvalidInput for an argument that cannot be.
    """

    def __init__(
        self,
        level: int | str = logging.NOTSET,
        batch_size: int = 500,
        flush_interval: float = 1.0,
        capacity: int = 10_000,
        drop: Drop = "oldest",
        redact: bool = True,
    ) -> None:
        try:
            super().__init__(level)
        except (TypeError, ValueError, RecursionError):
            raise InvalidInput("level: a level of logging is needed, as INFO or 20") from None
        self.redact = true_or_false("redact", redact)
        self._writer = BufferedWriter(
            "logs",
            LogBatches().write,
            batch_size=batch_size,
            interval=flush_interval,
            capacity=capacity,
            drop=drop,
        )

    def createLock(self) -> None:  # noqa: N802
        """None is needed: whoever holds one could be waited for by the writer."""
        self.lock = None

    def handle(self, record: logging.LogRecord) -> bool:
        """Pass the filters and emit; nothing of what a writer's own work logs."""
        if is_quiet(get_ident()) or is_quiet(record.thread):  # a queue may have brought it
            return False
        passed: Any = self.filter(record)
        if passed:
            self.emit(passed if isinstance(passed, logging.LogRecord) else record)
        return bool(passed)

    def emit(self, record: logging.LogRecord) -> None:
        """Format the line, since its arguments may change, and have it written."""
        try:
            self._writer.put(self._row(record))
        except Exception:
            self.handleError(record)

    def flush(self) -> None:
        """Wait, for some seconds at most, until the lines before this are written.

        Not where dictConfig calls it: the writer needs the lock that it holds.
        """
        if not _holds_logging():
            self._writer.flush(_WAIT)

    def close(self) -> None:
        """Write the rest and take no more; where dictConfig calls it, a moment later."""
        if _holds_logging():
            self._writer.retire()
        else:
            self._writer.close(_WAIT)
        super().close()

    def _row(self, record: logging.LogRecord) -> Row:
        """The line as LOG_COLUMNS, in repositories/telemetry/logs.py, orders it."""
        return (
            datetime.fromtimestamp(record.created, UTC),
            cut(record.levelname, 20),
            cut(record.name, 100),
            self._text(_message(record)),
            cut(record.module, 100),
            cut(record.funcName or "", 100) or None,
            record.lineno,
            self._exception(record),
            self._extra(record),
        )

    def _text(self, text: str) -> str:
        return cut(redacted(text) if self.redact else text, LONGEST)

    def _exception(self, record: logging.LogRecord) -> str | None:
        """The formatted traceback."""
        if record.exc_info and record.exc_info[0] is not None:
            return self._text((self.formatter or _formatter).formatException(record.exc_info))
        return self._text(record.exc_text) if record.exc_text else None

    def _extra(self, record: logging.LogRecord) -> dict[str, Any] | None:
        """The fields that the caller gave with `extra`, and the stack if it was asked for."""
        fields = {name: value for name, value in vars(record).items() if name not in _NOT_EXTRA}
        if record.stack_info:
            fields["stack_info"] = record.stack_info
        return as_json(fields, hide=self.redact) or None


_formatter = logging.Formatter()


def _holds_logging() -> bool:
    """Whether this thread holds the lock of the module logging, which any logger may need."""
    return bool(logging._lock._is_owned())  # type: ignore[attr-defined]


def _message(record: logging.LogRecord) -> str:
    """The message with its arguments; beside them where they do not fit."""
    try:
        return record.getMessage()
    except Exception:
        return f"{record.msg} {as_json(record.args, hide=False)}"
