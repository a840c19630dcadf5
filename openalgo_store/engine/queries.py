"""The statements of sql/, each under its name and typed by the record it returns.

A file is read once, when a repository is imported; a statement that is missing, or whose columns
are not the record's, fails there. Types of binds and results come from the Tables by name.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from operator import itemgetter
from typing import Any, Generic, TypeVar

from sqlalchemy import Executable, Table, bindparam, column, text
from sqlalchemy.types import TypeEngine

from ..records import Row
from ..settings import project_folder

R = TypeVar("R")

_NAME = re.compile(r"^-- name: (\w+)(?: @(\w+))?$", re.MULTILINE)
_COMMENT = re.compile(r"--[^\n]*")
_SELECT = re.compile(r"\bSELECT\b(?:\s+DISTINCT\b)?(.*?)(?:\bFROM\b|$)", re.DOTALL)
_RETURNING = re.compile(r"\bRETURNING\b(.*)", re.DOTALL)
_WRITE = re.compile(r"\s*(?:INSERT|UPDATE|DELETE)\b")
_BOOK = "/*book*/"


class Query(Generic[R]):
    """A statement and the record (or the type of the single value) that it returns.

    `statements` holds the text of each engine that has its own, and under None the common one.
    `binds` are the names of its parameters; None for a Core expression, which checks its own.
    """

    def __init__(
        self,
        name: str,
        record: type[R] | None,
        statements: Mapping[str | None, Executable],
        binds: frozenset[str] | None = None,
    ) -> None:
        self.name = name
        self.record = record
        self.binds = binds
        self._statements = statements
        self.make: Callable[[Any], R] | None = _maker(record)

    @classmethod
    def of(cls, expression: Executable, record: type[R] | None = None) -> "Query[R]":
        """A Core expression, for a statement whose shape varies with its arguments."""
        return cls("expression", record, {None: expression})

    def on(self, engine: str) -> Executable:
        """The statement as this engine wants it."""
        own = self._statements.get(engine)
        return self._statements[None] if own is None else own

    def check(self, params: Mapping[str, Any]) -> None:
        """TypeError for a parameter too many or too few."""
        if self.binds is not None and self.binds != params.keys():
            raise TypeError(f"{self.name} takes {sorted(self.binds)}, not {sorted(params)}")

    def records(self, rows: Iterable[Any]) -> Iterator[R]:
        """The rows of a result as records."""
        return iter(rows) if self.make is None else map(self.make, rows)

    def __repr__(self) -> str:
        return f"<Query {self.name}>"


def _maker(record: type[Any] | None) -> Any:
    """What turns a row into this record; None where the row itself will do."""
    return None if record is tuple else getattr(record, "_make", itemgetter(0))


class SqlFile:
    """One file of sql/ with the Tables its statements speak of; `book` prefixes trading tables."""

    def __init__(self, path: str, *tables: Table, book: str = "") -> None:
        self.path = path
        self._book = book
        self._types = {each.name: each.type for table in tables for each in table.columns}

    def query(self, name: str, record: type[R], **types: TypeEngine[Any]) -> Query[R]:
        """The named statement; `types` for binds and columns that no Table has."""
        columns = getattr(record, "_fields", None)
        return self._read(name, record, 1 if columns is None else list(columns), types)

    def rows(self, name: str, columns: Sequence[str]) -> Query[Row]:
        """The named statement as plain rows of these columns, for very many of them."""
        return self._read(name, tuple, list(columns), {})

    def command(self, name: str, **types: TypeEngine[Any]) -> Query[None]:
        """The named statement, which returns no rows."""
        return self._read(name, None, [], types)

    def _read(
        self,
        name: str,
        record: type[R] | None,
        expected: list[str] | int,
        types: Mapping[str, TypeEngine[Any]],
    ) -> Query[R]:
        """The statement, if it returns the expected columns (or so many)."""
        texts = read_statements(self.path).get(name)
        if texts is None:
            raise LookupError(f"sql/{self.path} has no statement named {name}")
        known = self._types | dict(types)
        statements: dict[str | None, Executable] = {}
        binds: set[frozenset[str]] = set()
        for engine, sql in texts.items():
            columns = output_columns(sql)
            if expected not in (columns, len(columns)):
                raise LookupError(f"sql/{self.path}: {name} returns {columns}, not {expected}")
            clause = text(sql.replace(_BOOK, self._book))
            names = frozenset(clause.compile().params)
            binds.add(names)
            typed = clause.bindparams(
                *(bindparam(each, type_=known[each]) for each in names if each in known)
            )
            statements[engine] = (
                typed.columns(*(column(each, known.get(each)) for each in columns))
                if columns
                else typed
            )
        if len(binds) > 1 or (None not in texts and len(texts) == 1):
            raise LookupError(f"sql/{self.path}: {name} is not the same for every engine")
        return Query(name, record, statements, binds.pop())


@cache
def read_statements(path: str) -> dict[str, dict[str | None, str]]:
    """The statements of a file: name -> engine (None: every engine) -> SQL without comments."""
    source = (project_folder("sql") / path).read_text(encoding="utf-8")
    found: dict[str, dict[str | None, str]] = {}
    marks = list(_NAME.finditer(source))
    for mark, following in zip(marks, [*marks[1:], None], strict=True):
        name, engine = mark.groups()
        body = source[mark.end() : following.start() if following else None]
        texts = found.setdefault(name, {})
        if engine in texts:
            raise LookupError(f"sql/{path} has {name} twice")
        texts[engine] = _COMMENT.sub("", body).strip().rstrip(";")
    return found


def output_columns(sql: str) -> list[str]:
    """The names of the columns that a statement returns, none for one that returns no rows."""
    flat = _flattened(sql)
    found = _RETURNING.search(flat)
    if found is None and not _WRITE.match(flat):
        found = _SELECT.search(flat)
    if found is None:
        return []
    return [re.split(r"[\s.]+", each.strip())[-1] for each in found[1].split(",")]


def _flattened(sql: str) -> str:
    """The statement without what stands in parentheses."""
    while (flat := re.sub(r"\([^()]*\)", "", sql)) != sql:
        sql = flat
    return sql
