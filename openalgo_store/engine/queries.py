"""Query: a statement for both engines, typed by what it takes and by the record it returns."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from operator import itemgetter
from typing import Any, Generic, TypeVar

from sqlalchemy import Executable
from sqlalchemy.engine import default
from sqlalchemy.types import TypeDecorator, TypeEngine

R = TypeVar("R")

Types = Mapping[str, TypeEngine[Any]]
"""The type of each bind, or of each column, by its name."""

_ANY = default.DefaultDialect()
"""What a value may be does not depend on the engine."""


class Query(Generic[R]):
    """A statement and the record (or the type of the single value) that it returns.

    `statements` holds the text of each engine that has its own, and under None the common one.
    `binds` and `columns` are the types of what it takes and returns, in order; both are None for
    a Core expression, which has its own.
    """

    def __init__(
        self,
        name: str,
        record: type[R] | None,
        statements: Mapping[str | None, Executable],
        binds: Types | None = None,
        columns: Types | None = None,
    ) -> None:
        self.name = name
        self.record = record
        self.binds = binds
        self.columns = columns
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
        if self.binds is not None and self.binds.keys() != params.keys():
            raise TypeError(f"{self.name} takes {sorted(self.binds)}, not {sorted(params)}")

    def refuse_bad_values(self, params: Mapping[str, Any]) -> None:
        """InvalidInput for a value that its type refuses, before anything is opened for it."""
        for name, kind in (self.binds or {}).items():
            if isinstance(kind, TypeDecorator):
                kind.process_bind_param(params[name], _ANY)

    def records(self, rows: Iterable[Any]) -> Iterator[R]:
        """The rows of a result as records."""
        return iter(rows) if self.make is None else map(self.make, rows)

    def __repr__(self) -> str:
        return f"<Query {self.name}>"


def _maker(record: type[Any] | None) -> Any:
    """What turns a row into this record; None where the row itself will do."""
    return None if record is tuple else getattr(record, "_make", itemgetter(0))
