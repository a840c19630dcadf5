"""Copying a database into another one, of the same engine or the other."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from itertools import chain
from operator import itemgetter
from typing import NamedTuple

from sqlalchemy import ColumnElement, Table, bindparam, delete, literal_column, select

from ..engine.dialect import translating
from ..engine.queries import Query
from ..engine.transaction import Transaction
from ..errors import CopyRefused, InvalidInput
from ..records import Row
from ..repositories.announcing import announce_all
from ..store import Store
from ..tables import METADATA
from ..tables.types import Finite, StrictJson, Whole
from ..values.json import to_json
from .row_counts import count_rows
from .row_rules import Condition, RowFault, RowRules, key_of

Watch = Callable[[str, int, Iterable[Row]], Iterable[Row]]
"""Is given the name of a table, how many rows it has and the rows, and hands these on."""

_ITS_OWN = frozenset({"cache_epochs"})
"""Tables that a database keeps for itself: what processes remember of it is not of another."""
_MADE_AT_START = frozenset({"cache_epochs", "secret_sentinels"})
"""Tables that have rows once a database is set up."""
_AT_ONCE = 2_000
_LIMIT: ColumnElement[int] = literal_column(str(_AT_ONCE))
_ANY = 2**64


class TableSum(NamedTuple):
    """How many rows a table has, and a number that follows from their values in any order.

    The number is one of this process alone.
    """

    rows: int
    checksum: int


class DatabaseCopy(NamedTuple):
    """What became of one database: the rows of each table, and those that were left out.

    `was_equal` says that the target had them already, and nothing was written.
    """

    database: str
    tables: dict[str, TableSum]
    left_out: int
    was_equal: bool


def copy_database(
    database: str,
    source: Store,
    target: Store,
    *,
    tell: Callable[[RowFault], object],
    skip_bad: bool = False,
    replace: bool = False,
    watch: Watch = lambda _, __, rows: rows,
) -> DatabaseCopy:
    """Copy every row, in one transaction of the target, and compare what both have then.

    Both have this schema. The source is read as it is at the first statement; others may write to
    it. Ids stay, and numbering goes on behind them. A target that has the same rows already is left
    as it is. `tell` is told of each row that breaks rules, before anything is written. Raises
    CopyRefused for these, unless `skip_bad`, and for a target that has other rows, unless
    `replace`: nothing is written then.
    """
    if source.databases[database].is_that_of(target.databases[database]):
        raise InvalidInput(f"{database}: the source and the target are the same database")
    with (
        source.transaction(database, readonly=True, primary=True) as read,
        target.transaction(database, readonly=False) as write,
    ):
        rules = RowRules(source, read)
        left_out = _look(database, rules, tell, skip_bad=skip_bad)
        tables = [each for each in METADATA[database].sorted_tables if each.name not in _ITS_OWN]
        sound = {each.name: rules.sound(each) for each in tables}
        if not (replace or _is_empty(write, tables)):
            there = {each.name: _sum_of(write, each) for each in tables}
            if there == {each.name: _sum_of(read, each, sound[each.name]) for each in tables}:
                return DatabaseCopy(database, there, left_out, was_equal=True)
            raise CopyRefused(
                f"{database}: the target has rows of its own: name an empty database, or use "
                "--replace to delete them"
            )
        for table in reversed(tables):
            write.run(_delete_all(table))
        copied = {each.name: _copy(read, write, each, sound[each.name], watch) for each in tables}
        for table in tables:
            _compare(database, table, copied[table.name], _sum_of(write, table))
            if "id" in table.c:
                _continue_after(source, read, target, write, table)
        if database == "main":
            announce_all(write)
    return DatabaseCopy(database, copied, left_out, was_equal=False)


def _look(
    database: str, rules: RowRules, tell: Callable[[RowFault], object], *, skip_bad: bool
) -> int:
    """How many rows break rules; CopyRefused if they may not be left out."""
    rows, last = 0, None
    for fault in rules.faults(following=True):
        rows += (fault.table, fault.row_id) != last  # what is wrong with one stands together
        last = fault.table, fault.row_id
        tell(fault)
    if rows and not skip_bad:
        raise CopyRefused(
            f"{database}: {rows:,} rows break rules, and nothing was written: mend them, or "
            "copy the others with --skip-bad FILE"
        )
    return rows


def _compare(database: str, table: Table, sent: TableSum, stored: TableSum) -> None:
    if sent != stored:
        raise CopyRefused(
            f"{database}: of {table.name} {sent.rows:,} rows were sent, and {stored.rows:,} are "
            "there, or others: nothing was kept; look for triggers in the target"
        )


def _copy(
    read: Transaction, write: Transaction, table: Table, sound: Condition | None, watch: Watch
) -> TableSum:
    running = _RunningSum(table)
    rows = chain.from_iterable(map(running.added, _batches(read, table, sound)))
    columns = [each.name for each in table.columns]
    write.copy(table, columns, watch(table.name, read.value(count_rows(table)) or 0, rows))
    return running.sum()


def _sum_of(tx: Transaction, table: Table, sound: Condition | None = None) -> TableSum:
    running = _RunningSum(table)
    for batch in _batches(tx, table, sound):
        running.added(batch)
    return running.sum()


class _RunningSum:
    """Adds up the rows of a table that go by.

    To `hash` -1 and -2 are the same: a text stands in for the one of them.
    """

    def __init__(self, table: Table) -> None:
        self._rows = self._checksum = 0
        kinds = [each.type for each in table.columns]
        json, numbers = StrictJson, (Whole, Finite)
        self._json_at = [at for at, kind in enumerate(kinds) if isinstance(kind, json)]
        self._numbers_at = [at for at, kind in enumerate(kinds) if isinstance(kind, numbers)]

    def added(self, rows: Sequence[Row]) -> Sequence[Row]:
        """The rows, which are added."""
        self._rows += len(rows)
        hashable = rows if self._are_hashable(rows) else map(self._hashable, rows)
        self._checksum += sum(map(hash, hashable))
        return rows

    def _are_hashable(self, rows: Sequence[Row]) -> bool:
        """Whether all are as they are, as nearly always: to ask takes little time."""
        if any(-1 in map(itemgetter(at), rows) for at in self._numbers_at):
            return False
        return not any(row[at] is not None for at in self._json_at for row in rows)

    def _hashable(self, row: Row) -> Row:
        values = ["minus one" if each == -1 else each for each in row]
        for at in self._json_at:
            if row[at] is not None:
                values[at] = to_json(row[at])
        return tuple(values)

    def sum(self) -> TableSum:
        """Of the rows so far."""
        return TableSum(self._rows, self._checksum % _ANY)


def _batches(tx: Transaction, table: Table, sound: Condition | None) -> Iterator[Sequence[Row]]:
    """The rows in the order of their keys, some at a time: a stream takes half as long again."""
    key = key_of(table)
    at = [*table.columns].index(key)
    if sound is None:
        first, after = _first_rows(table), _rows_after(table)
        batch: Sequence[Row] = tx.all(first)
        while batch:
            yield batch
            batch = tx.all(after, last=batch[-1][at])
    else:
        rows = select(table).where(sound).order_by(key).limit(_AT_ONCE)
        batch = tx.connection.execute(rows).all()
        while batch:
            yield batch
            batch = tx.connection.execute(rows.where(key > batch[-1][at])).all()


@cache
def _first_rows(table: Table) -> Query[Row]:
    return Query.of(select(table).order_by(key_of(table)).limit(_LIMIT), tuple)


@cache
def _rows_after(table: Table) -> Query[Row]:
    key = key_of(table)
    behind = key > bindparam("last", type_=key.type)
    return Query.of(select(table).where(behind).order_by(key).limit(_LIMIT), tuple)


@cache
def _delete_all(table: Table) -> Query[None]:
    return Query.of(delete(table))


def _is_empty(tx: Transaction, tables: Iterable[Table]) -> bool:
    counts = (count_rows(each) for each in tables if each.name not in _MADE_AT_START)
    return not any(map(tx.value, counts))


def _continue_after(
    source: Store, read: Transaction, target: Store, write: Transaction, table: Table
) -> None:
    """Number new rows as the source would have: no id comes again."""
    origin, goal = source.databases[read.database], target.databases[read.database]
    with translating(origin):
        number = origin.last_number(read.driver_connection, table)
    with translating(goal):
        goal.continue_after(write.driver_connection, table, number)
