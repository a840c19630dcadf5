"""The statements of sql/ as Queries: every bind and every column of a result has a type.

A repository names its statements when it is imported. One that is missing, that returns other
columns, or in which something has no type, is a LookupError there.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, TypeVar, get_type_hints

from sqlalchemy import Boolean, Date, Executable, Table, bindparam, column, text
from sqlalchemy.types import TypeEngine

from ..records import Row
from ..tables.types import Finite, PlainText, UTCDateTime, Whole
from .queries import Query, Types
from .sql_reader import MARK, Statement, read_statements

R = TypeVar("R")

_OF_PYTHON: Mapping[type, TypeEngine[Any]] = {
    bool: Boolean(),
    int: Whole(),
    float: Finite(),
    str: PlainText(),
    datetime: UTCDateTime(),
    date: Date(),
}
_OF_ANNOTATION = {
    annotation: kind for each, kind in _OF_PYTHON.items() for annotation in (each, each | None)
}
"""What a field of a record says about a column that no Table has."""


class SqlFile:
    """One file of sql/ with the Tables its statements speak of.

    `prefixes` are what its marks become: with book="sandbox_", /*book*/orders is sandbox_orders.
    """

    def __init__(self, path: str, *tables: Table, **prefixes: str) -> None:
        self._path = path
        self._tables = tables
        self._prefixes = prefixes

    def query(self, name: str, record: type[R], **types: TypeEngine[Any]) -> Query[R]:
        """The named statement; `types` for what neither a Table nor the record knows.

        LookupError if there is none, or none that fits the record.
        """
        fields: Sequence[str] | None = getattr(record, "_fields", None)
        if fields is not None:
            return self._typed(name, record, fields, types, get_type_hints(record))
        columns = next(iter(self._texts(name).values())).columns
        if len(columns) != 1:
            raise self._refusal(name, f"returns {list(columns)}, not one value")
        return self._typed(name, record, columns, types, {columns[0]: record})

    def rows(self, name: str, columns: Sequence[str], **types: TypeEngine[Any]) -> Query[Row]:
        """The named statement as plain rows of these columns, for very many of them."""
        return self._typed(name, tuple, columns, types, {})

    def command(self, name: str, **types: TypeEngine[Any]) -> Query[None]:
        """The named statement, which returns no rows."""
        return self._typed(name, None, (), types, {})

    def _typed(
        self,
        name: str,
        record: type[R] | None,
        columns: Sequence[str],
        types: Types,
        annotations: Mapping[str, object],
    ) -> Query[R]:
        """The statement, if it returns these columns and everything in it has a type."""
        texts = self._texts(name)
        found = next(iter(texts.values()))
        if found.columns != tuple(columns):
            raise self._refusal(name, f"returns {list(found.columns)}, not {list(columns)}")
        if found.marks != self._prefixes.keys():
            raise self._refusal(
                name, f"has the marks {sorted(found.marks)}, not {sorted(self._prefixes)}"
            )
        if unknown := types.keys() - found.binds - {*columns}:
            raise self._refusal(name, f"has no {', '.join(sorted(unknown))} to give a type")
        results = {each: self._type(name, each, types, annotations) for each in columns}
        binds = {each: self._type(name, each, types, {}) for each in sorted(found.binds)}
        clauses = {engine: self._clause(each, binds, results) for engine, each in texts.items()}
        return Query(name, record, clauses, binds, results)

    def _type(
        self, name: str, wanted: str, types: Types, annotations: Mapping[str, object]
    ) -> TypeEngine[Any]:
        """The type given for it, else that of the Tables, else that of the record."""
        if wanted in types:
            return types[wanted]
        tables = [table for table in self._tables if wanted in table.c]
        kinds = [table.c[wanted].type for table in tables]
        for table, kind in zip(tables, kinds, strict=True):
            if kind._static_cache_key != kinds[0]._static_cache_key:
                raise self._refusal(
                    name, f"{wanted} is not of one type in {tables[0].name} and {table.name}"
                )
        kind = kinds[0] if kinds else _OF_ANNOTATION.get(annotations.get(wanted))  # type: ignore[call-overload]
        if kind is None:
            raise self._refusal(name, f"{wanted} has no type: no Table given has it, so give one")
        return kind

    def _clause(self, statement: Statement, binds: Types, results: Types) -> Executable:
        sql = MARK.sub(lambda mark: self._prefixes[mark[1]], statement.sql)
        clause = text(sql).bindparams(*(bindparam(each, type_=binds[each]) for each in binds))
        return clause.columns(*(column(*each) for each in results.items())) if results else clause

    def _texts(self, name: str) -> Mapping[str | None, Statement]:
        texts = read_statements(self._path).get(name)
        if texts is None:
            raise LookupError(f"sql/{self._path} has no statement named {name}")
        return texts

    def _refusal(self, name: str, why: str) -> LookupError:
        return LookupError(f"sql/{self._path}: {name}: {why}")
