"""How an engine means to run a statement, and which index it takes."""

import re
from collections.abc import Callable, Iterable
from contextlib import closing
from typing import Any

from sqlalchemy import PrimaryKeyConstraint, Table, UniqueConstraint

from openalgo_store import Book, Store, get_read_session, get_write_session
from openalgo_store.engine.queries import Query
from tests.support.samples import sampler
from tests.support.statements import database_of, tables_of
from tests.support.watching import watching

_EXPLAIN = {"sqlite": "EXPLAIN QUERY PLAN", "postgresql": "EXPLAIN"}
_SORTS = ("Sort", "TEMP B-TREE")
_ROW = 4_984
"""The row of the samples that statements ask for: none of it NULL, rare, or of the first days."""


def analyse(store: Store, book: Book) -> None:
    """Tell the planner what the tables of a book hold."""
    analyse_tables(store, book.database, book.tables)


def analyse_tables(store: Store, database: str, tables: Iterable[Table]) -> None:
    """Tell the planner what tables hold, and PostgreSQL which pages an index can answer for."""
    dialect = store.databases[database]
    names = ", ".join(table.name for table in tables)
    analyse = {"sqlite": "ANALYZE", "postgresql": f"VACUUM ANALYZE {names}"}[dialect.name]
    with closing(dialect.engine.raw_connection()) as connection:  # VACUUM allows no transaction
        connection.cursor().execute(analyse)


def plan_of(store: Store, query: Query[Any]) -> str:
    """The plan of a statement, with a sample for each bind."""
    database = database_of(query)
    dialect = store.databases[database]
    compiled: Any = query.on(dialect.name).compile(dialect.engine)  # type: ignore[attr-defined]
    values = {}
    for name, bind in compiled.binds.items():
        convert = bind.type.dialect_impl(dialect.engine.dialect).bind_processor(
            dialect.engine.dialect
        )
        sample = sampler(name, bind.type)(_ROW)
        values[name] = sample if convert is None else convert(sample)
    in_order = compiled.positiontup
    with get_write_session(database) as tx:
        rows = tx.connection.exec_driver_sql(
            f"{_EXPLAIN[dialect.name]} {compiled}",
            values if in_order is None else tuple(values[name] for name in in_order),
        )
        return "\n".join(str(row[-1]) for row in rows)


def index_in_plan(store: Store, query: Query[Any], index: str) -> str:
    """How the plan of a statement spells an index or a constraint of one of its tables."""
    database = database_of(query)
    for table in tables_of(query):
        if index in {each.name for each in table.indexes}:
            return index
        for each in table.constraints:
            if each.name == index and isinstance(each, (PrimaryKeyConstraint, UniqueConstraint)):
                columns = [column.name for column in each.columns]
                return _spelled(store, database, table, index, columns)
    raise LookupError(f"{query.name}: none of its tables has {index}")


def _spelled(store: Store, database: str, table: Table, index: str, columns: list[str]) -> str:
    """The name of a constraint's index: SQLite numbers the columns that it makes indexes for."""
    if store.databases[database].name == "postgresql":
        return index
    if columns == ["id"]:
        return "INTEGER PRIMARY KEY"
    with get_read_session(database) as tx:
        for _, name, *_ in tx.connection.exec_driver_sql(f"PRAGMA index_list({table.name})"):
            found = tx.connection.exec_driver_sql(f"PRAGMA index_info({name})")
            if [row[-1] for row in found] == columns:
                return str(name)
    raise LookupError(f"{table.name} has no index over {columns}")


def plans_of(store: Store, book: Book, ask: Callable[[], object]) -> list[str]:
    """The plan of each query that `ask` executes, with the values that it executes it with."""
    dialect = store.databases[book.database]
    executed: list[tuple[str, Any]] = []

    def note(sql: str, values: Any) -> None:
        if sql.startswith(("SELECT", "WITH")):
            executed.append((sql, values))

    with watching(store, book.database, before=note):
        ask()
    with closing(dialect.engine.raw_connection()) as connection:
        cursor = connection.cursor()
        plans = []
        for statement, parameters in executed:
            cursor.execute(f"{_EXPLAIN[dialect.name]} {statement}", parameters)
            plans.append("\n".join(str(row[-1]) for row in cursor.fetchall()))
        return plans


def is_sorted(plan: str) -> bool:
    """Whether the engine sorts rows that an index would have given in order."""
    return any(mark in plan for mark in _SORTS)


def reads_a_whole_table(query: Query[Any], plan: str) -> bool:
    """Whether a table of the statement, by its name or another that it gets, is read to its end."""
    sql = str(query.on("sqlite"))
    names = [table.name for table in tables_of(query)]
    names += [each for name in names for each in re.findall(rf"\b{name} AS (\w+)", sql)]
    return any(re.search(rf"Seq Scan on {name}\b|SCAN {name}\b(?! USING)", plan) for name in names)


def is_index_only(plan: str, index: str) -> bool:
    """Whether this index alone answers, without a look at the table."""
    return bool(re.search(f"(COVERING INDEX|Index Only Scan( Backward)? using) {index} ", plan))
