"""SQLite's errors as the store's."""

import re
import sqlite3

from sqlalchemy import ForeignKeyConstraint, literal, select
from sqlalchemy.dialects.sqlite import dialect as sqlite_dialect

from ...errors import Conflict, SessionMisuse, StoreError, Unavailable
from .. import constraints
from ..compiled import Compiled
from ..dialect import Sent
from ..executor import fetch_two

_DIALECT = sqlite_dialect(paramstyle="named")

_UNAVAILABLE = {
    sqlite3.SQLITE_BUSY: "is locked by another process: its transaction took too long, try again",
    sqlite3.SQLITE_LOCKED: "is locked: try again",
    sqlite3.SQLITE_CANTOPEN: "cannot be opened: check that its folder exists and may be written",
    sqlite3.SQLITE_FULL: "cannot grow: the disk is full, make room and try again",
    sqlite3.SQLITE_IOERR: "cannot be read or written: check the disk",
    sqlite3.SQLITE_READONLY: "is read-only: check the rights of the file and of its folder",
    sqlite3.SQLITE_CORRUPT: "is damaged: restore it from a backup",
    sqlite3.SQLITE_NOTADB: "is not a SQLite database: check the URL",
    sqlite3.SQLITE_PERM: "may not be used: check the rights of the file and of its folder",
    sqlite3.SQLITE_NOMEM: "needs more memory than there is: try again",
    sqlite3.SQLITE_PROTOCOL: "cannot be locked: other processes were faster, try again",
    sqlite3.SQLITE_NOLFS: "is too large for its file system: move it to another",
    sqlite3.SQLITE_SCHEMA: "is being migrated: try again",
}
_NOT_TEXT = "Could not decode to UTF-8"
"""How the driver begins where a damaged text cannot be one."""


def translate(file: str, error: Exception, sent: Sent | None) -> StoreError:
    """The store's error for one of the driver's."""
    if sent is not None and sent.driver.is_closed:
        return Unavailable(f"{file}: the connection was lost")
    code = getattr(error, "sqlite_errorcode", 0)
    if code & 0xFF == sqlite3.SQLITE_CONSTRAINT:
        return _violation(code, str(error), sent)
    if code == sqlite3.SQLITE_READONLY and sent is not None and sent.readonly:
        return SessionMisuse("a read session cannot write: use get_write_session")
    if code & 0xFF in _UNAVAILABLE:
        unavailable = Unavailable(f"{file} {_UNAVAILABLE[code & 0xFF]}")
        unavailable.retryable = code == sqlite3.SQLITE_BUSY_SNAPSHOT
        return unavailable
    if str(error).startswith(_NOT_TEXT):
        error.args = (_NOT_TEXT,)  # the rest is the text, which may be secret
        return Unavailable(f"{file} {_UNAVAILABLE[sqlite3.SQLITE_CORRUPT]}")
    if str(error) == "integer overflow":  # of a SUM
        return constraints.too_large()
    return StoreError(f"{file}: {error}")


def _violation(code: int, message: str, sent: Sent | None) -> StoreError:
    detail = message.partition(": ")[2]
    if code in (sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY):
        table, columns = _table_and_columns(detail)
        return constraints.not_unique(constraints.unique_constraint(table, columns))
    if code == sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY:
        return _broken_reference(sent)
    if code == sqlite3.SQLITE_CONSTRAINT_NOTNULL:
        return constraints.missing(*detail.split(".", 1))
    return constraints.not_allowed(detail)


def _table_and_columns(detail: str) -> tuple[str, list[str]]:
    """'orders.id, orders.day' -> ('orders', ['id', 'day'])."""
    parts = [part.strip().partition(".") for part in detail.split(",")]
    return parts[0][0], [column for _, _, column in parts]


def _broken_reference(sent: Sent | None) -> Conflict:
    """SQLite does not tell which foreign key failed: look for the parents of what was written.

    A row that is still referred to, and so may not go, has parents of its own: then none is named.
    """
    found = sent and re.match(r"\s*(INSERT(?: OR \w+)? INTO|UPDATE)\s+(\w+)", sent.sql, re.I)
    if not found or sent is None:
        return constraints.not_referenced(None)
    verb, table = found.groups()
    rules = constraints.references_of(table)
    missing = [rule for rule in rules if _lacks_parent(rule, sent)]
    if not missing and verb != "UPDATE" and len(rules) == 1:  # there is no other
        missing = rules
    return constraints.not_referenced(str(missing[0].name) if missing else None)


def _lacks_parent(rule: ForeignKeyConstraint, sent: Sent) -> bool:
    """Whether one of the rows that were to be written has no parent by this rule."""
    for row in sent.rows:
        keys = {each.column: row.get(each.parent.key) for each in rule.elements}
        parent = select(literal(1)).where(*(column == key for column, key in keys.items()))
        compiled = Compiled("parent", parent, int, (), _DIALECT)
        if None not in keys.values() and not fetch_two(sent.driver, compiled, compiled.values({})):
            return True
    return False
