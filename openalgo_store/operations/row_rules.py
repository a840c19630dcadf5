"""Rows that cannot be: by the types, the CHECKs and the foreign keys of their table.

The databases hold these rules themselves. Yet SQLite stores a text in a column of numbers, a file
may have been written with foreign keys off, and a server restored with its triggers disabled.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from sqlalchemy import (
    CheckConstraint,
    ColumnElement,
    ForeignKeyConstraint,
    Select,
    Table,
    and_,
    exists,
    false,
    func,
    literal_column,
    not_,
    or_,
    select,
)

from ..engine.transaction import Transaction
from ..store import Store
from ..tables import METADATA
from ..tables.types import Quantity

Condition = ColumnElement[Any]
Rule = tuple[str, Condition]
"""What is wrong with a row, and the condition that is true of it then."""


class RowFault(NamedTuple):
    """A row that breaks a rule; row_id is the value of its primary key."""

    table: str
    row_id: Any
    what: str


class RowRules:
    """The rules of one database, in a session of it that reads.

    `faults` finds what breaks them. Once it has, `sound` tells how the other rows are read: those
    which refer to no row that is left out.
    """

    def __init__(self, store: Store, tx: Transaction) -> None:
        self._tx = tx
        self._dialect = store.databases[tx.database]
        self._tables = METADATA[tx.database].sorted_tables
        self._broken: dict[str, Condition] = {}

    def faults(self, *, following: bool = False) -> Iterator[RowFault]:
        """Every row that breaks rules, once for each; those of one table by their keys.

        `following` adds the rows that refer to one of these: they cannot be copied without it.
        """
        for table in self._tables:
            rules = [*self._rules(table, following=following)]
            broken = or_(*(condition for _, condition in rules))
            found = self._tx.connection.execute(_rows_where(table, rules, broken)).all()
            if found:
                self._broken[table.name] = func.coalesce(broken, false())
            for row_id, *answers in found:
                for (what, _), is_broken in zip(rules, answers, strict=True):
                    if is_broken:
                        yield RowFault(table.name, row_id, what)

    def sound(self, table: Table) -> Condition | None:
        """The condition that is true of the rows without a fault; None if it is of all."""
        broken = self._broken.get(table.name)
        return None if broken is None else not_(broken)

    def _rules(self, table: Table, *, following: bool) -> Iterator[Rule]:
        for what, condition in self._dialect.odd_values(self._tx.driver_connection, table):
            yield what, literal_column(f"({condition})")
        for column in table.columns:
            if not column.nullable:
                yield f"{column.name} is missing", column.is_(None)
            if isinstance(column.type, Quantity):
                yield f"{column.name} is less than 1", column < literal_column("1")
            for check in column.constraints:
                if isinstance(check, CheckConstraint):
                    kept = f"({check.sqltext})"
                    yield f"it breaks the rule {check.sqltext}", literal_column(f"(NOT {kept})")
        for key in sorted(table.foreign_key_constraints, key=lambda each: str(each.column_keys)):
            parent, names = key.referred_table.name, ", ".join(key.column_keys)
            yield f"{names} refers to no row of {parent}", _refers(key, to_a_row=False)
            if following and parent in self._broken:
                left_out = _refers(key, self._broken[parent])
                yield f"{names} refers to a row of {parent} that is left out", left_out


def key_of(table: Table) -> ColumnElement[Any]:
    """The column that is the table's primary key."""
    return next(iter(table.primary_key))


def _rows_where(table: Table, rules: Sequence[Rule], condition: Condition) -> Select[Any]:
    """The key of each row for which it is true, and what each rule says of it."""
    answers = (each.label(f"rule_{number}") for number, (_, each) in enumerate(rules))
    key = key_of(table)
    return select(key, *answers).where(condition).order_by(key)


def _refers(
    key: ForeignKeyConstraint, condition: Condition | None = None, *, to_a_row: bool = True
) -> Condition:
    """Whether a row refers to something, and that is there (or is not) with such a condition."""
    given = and_(*(each.parent.is_not(None) for each in key.elements))
    same = [each.column == each.parent for each in key.elements]
    there = exists().where(*same).correlate(key.table)
    if condition is not None:
        there = there.where(condition)
    return and_(given, there if to_a_row else not_(there))
