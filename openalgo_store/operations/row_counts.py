"""How many rows there are."""

from functools import cache

from sqlalchemy import Table, func, inspect, select

from ..engine.queries import Query
from ..engine.transaction import Transaction
from ..tables import METADATA


@cache
def count_rows(table: Table) -> Query[int]:
    """The query that counts the rows of a table."""
    return Query.of(select(func.count()).select_from(table), int)


def rows_by_table(tx: Transaction) -> dict[str, int]:
    """How many rows each table of the session's database has; an older version lacks some."""
    there = set(inspect(tx.connection).get_table_names())
    tables = [each for each in METADATA[tx.database].sorted_tables if each.name in there]
    return {table.name: tx.value(count_rows(table)) or 0 for table in tables}
