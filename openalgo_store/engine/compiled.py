"""Compiled: a statement as the driver takes it, made once by SQLAlchemy from text or expression.

From a named statement to a record: `Query.compiled` gives the text of an engine, `values` what is
bound in it, the driver's cursor gives rows, and `records` makes of them what the Query promises.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from operator import itemgetter
from typing import Any, Generic, TypeVar

from sqlalchemy import Executable
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

from ..errors import StoreError, Unavailable
from ..values.arguments import check_bound

R = TypeVar("R")

_Convert = Callable[[Any], Any]
_FEW = 4
"""Rows that are converted one by one in less time."""
_TYPED_RESULTS: Mapping[str, Mapping[str, Any]] = {"psycopg": {"binary": True}}
"""How a driver is asked for values of known types: moments as text take it twice as long."""


class Compiled(Generic[R]):
    """The text for one engine, and what converts each value on its way in and out.

    `given` names what is bound at each execution; other values of an expression are part of it.
    `options` are what the driver's `execute` is told besides.
    """

    def __init__(
        self,
        name: str,
        statement: Executable,
        record: type[R] | None,
        given: Sequence[str],
        dialect: Dialect,
    ) -> None:
        compiled: Any = statement.compile(dialect=dialect, column_keys=list(given))  # type: ignore[attr-defined]
        self.sql: str = compiled.string
        self._name = name
        self._dialect = dialect
        self._constants: dict[str, Any] = {}
        self._converters: list[tuple[str, _Convert]] = []
        for bind, key in compiled.bind_names.items():
            if bind.expanding or bind.literal_execute:
                raise TypeError(f"{name} takes a list: bind it as JSON, or use tx.connection")
            convert = _bind_converter(bind.type, dialect)
            if key in given:
                self._converters.append((key, convert))
            elif bind.required:
                raise TypeError(f"{name} needs {key}")
            else:
                self._constants[key] = convert(bind.effective_value)
        if unknown := {*given} - {key for key, _ in self._converters}:
            raise TypeError(f"{name} does not take {', '.join(sorted(unknown))}")
        self._make = _maker(record)
        self._kinds = _result_types(name, statement, record)
        self.options = _TYPED_RESULTS.get(dialect.driver, {}) if self._kinds else {}
        self._readers: list[tuple[int, _Convert]] | None = None

    def values(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """What the driver binds, by name.

        InvalidInput for a value that its type refuses, TypeError where one is missing.
        """
        values = self._constants.copy()
        try:
            for name, convert in self._converters:
                values[name] = convert(params[name])
        except KeyError as missing:
            raise TypeError(f"{self._name} needs {missing}") from None
        except StoreError as error:
            error.statement = self._name
            raise
        return values

    def first(self, cursor: Any, found: Sequence[Any]) -> Sequence[Any] | None:
        """The first row of this cursor, converted, or None; Unavailable for a damaged one."""
        readers = self._readers
        if readers is None:
            readers = self._readers = self._readers_of(cursor)
        try:
            return next(iter(_rows(found, readers)), None)
        except (TypeError, ValueError):
            raise self._damaged() from None  # the error would show the value

    def records(self, cursor: Any, found: Sequence[Any]) -> list[R]:
        """What the Query promises of each row of this cursor; Unavailable for a damaged one."""
        readers = self._readers
        if readers is None:
            readers = self._readers = self._readers_of(cursor)
        try:
            return list(map(self._make, _rows(found, readers)))
        except (TypeError, ValueError):
            raise self._damaged() from None

    def _damaged(self) -> Unavailable:
        """The error of a value that no column of the store can have got."""
        return Unavailable(
            f"{self._name} has read a value that does not fit its column: the database is damaged, "
            "or something else has written to it: restore it from a backup"
        )

    def _readers_of(self, cursor: Any) -> list[tuple[int, _Convert]]:
        """The place of each column that is converted, and how: by what the driver says it is."""
        if not self._kinds:  # plain text: what the driver gives is right
            return []
        found: list[tuple[int, _Convert]] = []
        for place, (kind, column) in enumerate(zip(self._kinds, cursor.description, strict=True)):
            read = kind.dialect_impl(self._dialect).result_processor(self._dialect, column[1])
            if read is not None:
                found.append((place, read))
        return found


def _bind_converter(kind: TypeEngine[Any], dialect: Dialect) -> _Convert:
    """What a type makes of a value on its way in, without a step of SQLAlchemy's between."""
    if isinstance(kind, TypeDecorator):
        inner = kind.impl_instance.dialect_impl(dialect).bind_processor(dialect)
        if inner is None and type(kind).bind_processor is TypeDecorator.bind_processor:
            return partial(kind.process_bind_param, dialect=dialect)
    return kind.dialect_impl(dialect).bind_processor(dialect) or check_bound


def _rows(found: Sequence[Any], readers: list[tuple[int, _Convert]]) -> Iterable[Any]:
    """Rows converted: column by column, which is fastest."""
    if not readers or not found:
        return found
    if len(found) < _FEW:
        return [_converted(row, readers) for row in found]
    columns: list[Iterable[Any]] = list(zip(*found, strict=True))
    for place, read in readers:
        columns[place] = map(read, columns[place])
    return zip(*columns, strict=True)


def _converted(row: Sequence[Any], readers: list[tuple[int, _Convert]]) -> list[Any]:
    values = list(row)
    for place, read in readers:
        values[place] = read(values[place])
    return values


def _maker(record: type[Any] | None) -> Callable[[Any], Any]:
    """What turns a row into this record, or gives its single value."""
    if record is tuple:
        return tuple
    if record is not None and hasattr(record, "_fields"):
        return partial(tuple.__new__, record)
    return itemgetter(0)


def _result_types(
    name: str, statement: Executable, record: type[Any] | None
) -> list[TypeEngine[Any]]:
    """The types of the columns that come back; LookupError if they cannot be the record's."""
    columns: Any = getattr(statement, "exported_columns", ())
    kinds = [column.type for column in columns]
    fields: Sequence[str] | None = getattr(record, "_fields", None)
    if fields is not None and kinds and len(kinds) != len(fields):
        raise LookupError(f"{name} returns {len(kinds)} columns, not the {len(fields)} of a record")
    return kinds
