"""Query: a statement for both engines, typed by what it takes and by the record it returns."""

from collections.abc import Mapping
from typing import Any, Generic, TypeVar

from sqlalchemy import Executable
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeEngine

from ..errors import InvalidInput
from .compiled import Compiled

R = TypeVar("R")

Types = Mapping[str, TypeEngine[Any]]
"""The type of each bind, or of each column, by its name."""


class Query(Generic[R]):
    """A statement and the record (or the type of the single value) that it returns.

    `statements` holds the text of each engine that has its own, and under None the common one.
    `binds` and `columns` are the types of what it takes and returns, in order; both are None for
    a Core expression, which has its own. Make one for each shape of a statement and keep it: it is
    compiled when an engine first executes it, and never again.
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
        self._compiled: dict[tuple[str, ...], Compiled[R]] = {}

    @classmethod
    def of(cls, expression: Executable, record: type[R] | None = None) -> "Query[R]":
        """A Core expression, for a statement whose shape varies with its arguments.

        InvalidInput for what is none, and no text(...) either.
        """
        if not isinstance(expression, Executable):
            raise InvalidInput(
                f"a Core expression or text(...) is needed, not {type(expression).__name__}"
            )
        return cls("expression", record, {None: expression})

    def on(self, engine: str) -> Executable:
        """The statement as this engine wants it."""
        own = self._statements.get(engine)
        return self._statements[None] if own is None else own

    def compiled(self, dialect: Dialect, params: Mapping[str, Any]) -> Compiled[R]:
        """The statement as the driver takes it; TypeError for a parameter too many or too few."""
        binds = self.binds
        if binds is not None and binds.keys() != params.keys():
            raise TypeError(f"{self.name} takes {sorted(binds)}, not {sorted(params)}")
        shape = (dialect.name,) if binds is not None else (dialect.name, *params)
        found = self._compiled.get(shape)
        if found is None:
            statement = self.on(dialect.name)
            found = Compiled(self.name, statement, self.record, tuple(params), dialect)
            self._compiled[shape] = found
        return found

    def __repr__(self) -> str:
        return f"<Query {self.name}>"


def compiled_query(query: Query[R], dialect: Dialect, params: Mapping[str, Any]) -> Compiled[R]:
    """What a verb is to execute; InvalidInput for what is no Query."""
    try:
        as_driver_takes_it = query.compiled
    except AttributeError:
        raise InvalidInput(
            f"a Query is needed, not {type(query).__name__}: make one with "
            "Query.of(text(...), record), or of a Core expression"
        ) from None
    return as_driver_takes_it(dialect, params)
