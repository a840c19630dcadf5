"""Rows that cannot be: by the types, the CHECKs and the keys of their table.

The databases hold these rules themselves. Yet SQLite stores a text in a column of numbers, a file
may have been written with foreign keys off, a server restored with its triggers disabled, an index
or a constraint dropped.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from sqlalchemy import (
    CheckConstraint,
    Column,
    ColumnElement,
    ForeignKeyConstraint,
    Select,
    String,
    Table,
    UniqueConstraint,
    and_,
    bindparam,
    cast,
    exists,
    false,
    func,
    literal_column,
    not_,
    or_,
    select,
)

from ..engine.dialect import translating
from ..engine.transaction import Transaction
from ..errors import InvalidInput
from ..store import Store
from ..tables import METADATA
from ..tables.types import Quantity, StrictJson
from ..values.json import check_json

Condition = ColumnElement[Any]
Rule = tuple[str, Condition]
"""What is wrong with a row, and the condition that is true of it then."""
_AT_ONCE = 1_000


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
        """Every row that breaks rules, once for each of them; the rows of one table together.

        `following` adds the rows that refer to one of these: they cannot be copied without it.
        """
        for table in self._tables:
            rules = [*self._rules(table, following=following)]
            broken = or_(*(condition for _, condition in rules))
            for row_id, *answers in self._rows(_rows_where(table, rules, broken)):
                self._broken[table.name] = func.coalesce(broken, false())
                for (what, _), is_broken in zip(rules, answers, strict=True):
                    if is_broken:
                        yield RowFault(table.name, row_id, what)
            for column in table.columns:
                if isinstance(column.type, StrictJson):
                    yield from self._odd_json(table, column)

    def _rows(self, rows: Select[Any]) -> Any:
        """Some in memory at a time."""
        return self._tx.connection.execute(rows.execution_options(yield_per=_AT_ONCE))

    def _odd_json(self, table: Table, column: Column[Any]) -> Iterator[RowFault]:
        """JSON that only one of the engines would hold; of the rows without another fault."""
        key, sound = key_of(table), self.sound(table)
        rows = select(key, cast(column, String)).where(column.is_not(None)).order_by(key)
        found = []
        for row_id, text in self._rows(rows if sound is None else rows.where(sound)):
            if what := _wrong_with(text, column):
                found.append(row_id)
                yield RowFault(table.name, row_id, f"{column.name} {what}")
        if found:
            these = key.in_(bindparam(None, found, expanding=True, literal_execute=True))
            self._broken[table.name] = or_(self._broken.get(table.name, false()), these)

    def sound(self, table: Table) -> Condition | None:
        """The condition that is true of the rows without a fault; None if it is of all."""
        broken = self._broken.get(table.name)
        return None if broken is None else not_(broken)

    def _rules(self, table: Table, *, following: bool) -> Iterator[Rule]:
        with translating(self._dialect):
            odd = list(self._dialect.odd_values(self._tx.driver_connection, table))
        for what, condition in odd:
            yield what, literal_column(f"({condition})")
        for column in table.columns:
            if isinstance(column.type, Quantity):
                yield f"{column.name} is less than 1", column < literal_column("1")
            for check in column.constraints:
                if isinstance(check, CheckConstraint):
                    kept = f"({check.sqltext})"
                    yield f"it breaks the rule {check.sqltext}", literal_column(f"(NOT {kept})")
        for columns, of_which in self._unique(table):
            if self._has_duplicates(table, columns, of_which):
                names = ", ".join(each.name for each in columns)
                told = f"{names} {'is that' if len(columns) == 1 else 'are those'} of another row"
                yield told, _is_duplicate(table, columns, of_which)
        for key in sorted(table.foreign_key_constraints, key=lambda each: str(each.column_keys)):
            parent, names = key.referred_table.name, ", ".join(key.column_keys)
            refers_to_none = not_(_refers(key))
            yield f"{names} refers to no row of {parent}", and_(_is_given(key), refers_to_none)
            if following and parent in self._broken:
                to_a_sound_row = _refers(key, not_(self._broken[parent]))
                left_out = and_(_refers(key), not_(to_a_sound_row))
                yield f"{names} refers to a row of {parent} that is left out", left_out

    def _unique(self, table: Table) -> Iterator[tuple[list[Column[Any]], Condition]]:
        """The columns that no two rows have alike, and of which rows that is said."""
        yield [*table.primary_key], literal_column("TRUE")
        keys = [each for each in table.constraints if isinstance(each, UniqueConstraint)]
        for key in sorted(keys, key=lambda each: str(each.columns.keys())):
            yield [*key.columns], literal_column("TRUE")
        for index in sorted(table.indexes, key=lambda each: str(each.name)):
            if index.unique:
                where = index.dialect_options[self._dialect.name]["where"]
                yield [table.c[each.name] for each in index.columns], where

    def _has_duplicates(
        self, table: Table, columns: Sequence[Column[Any]], condition: Condition
    ) -> bool:
        """By the index, if it is there."""
        given = [each.is_not(None) for each in columns if each.nullable]
        rows: Select[Any] = select(literal_column("1")).where(condition, *given)
        several = rows.group_by(*columns).having(func.count() > literal_column("1"))
        found = select(several.select_from(table).exists())
        return bool(self._tx.connection.execute(found).scalar_one())


def key_of(table: Table) -> ColumnElement[Any]:
    """The column that is the table's primary key."""
    return next(iter(table.primary_key))


def _rows_where(table: Table, rules: Sequence[Rule], condition: Condition) -> Select[Any]:
    """The key of each row for which it is true, and what each rule says of it."""
    answers = (each.label(f"rule_{number}") for number, (_, each) in enumerate(rules))
    key = key_of(table)
    return select(key, *answers).where(condition).order_by(key)


def _is_duplicate(table: Table, columns: Sequence[Column[Any]], condition: Condition) -> Condition:
    """Of rows that are alike the first one is none; of those of one primary key each is."""
    key = key_of(table)
    given = (each.is_not(None) for each in columns)
    rows = select(key).where(condition, *given).correlate(None)
    if columns[0] is key:
        return key.in_(rows.group_by(key).having(func.count() > literal_column("1")))
    nth = func.row_number().over(partition_by=columns, order_by=key)
    numbered = rows.add_columns(nth.label("nth")).subquery("numbered")
    return key.in_(select(numbered.c[key.name]).where(numbered.c.nth > literal_column("1")))


def _is_given(key: ForeignKeyConstraint) -> Condition:
    return and_(*(each.parent.is_not(None) for each in key.elements))


def _refers(key: ForeignKeyConstraint, *conditions: Condition) -> Condition:
    """Whether the row is there that a row refers to, with such conditions."""
    same = [each.column == each.parent for each in key.elements]
    return exists().where(*same, *conditions).correlate(key.table)


def _wrong_with(text: str, column: Column[Any]) -> str | None:
    """Of a JSON text; what is none at all another rule tells of. A null in it is read as NULL."""
    try:
        if check_json(json.loads(text)) is None and not column.nullable:
            return "is missing"
    except InvalidInput as error:
        return f"is JSON that cannot be kept: {error}"
    except (RecursionError, ValueError):
        return "is JSON that cannot be read: too many levels or digits"
    return None
