"""How an engine means to run the statements that a function really executes."""

from collections.abc import Callable
from contextlib import closing
from typing import Any

from sqlalchemy import event

from openalgo_store import Book, Store

_EXPLAIN = {"sqlite": "EXPLAIN QUERY PLAN", "postgresql": "EXPLAIN"}
_SORTS = ("Sort", "TEMP B-TREE")


def analyse(store: Store, book: Book) -> None:
    """Tell the planner what the tables hold, and PostgreSQL which pages an index can answer for."""
    dialect = store.databases[book.database]
    names = ", ".join(table.name for table in book.tables)
    analyse = {"sqlite": "ANALYZE", "postgresql": f"VACUUM ANALYZE {names}"}[dialect.name]
    with closing(dialect.engine.raw_connection()) as connection:  # VACUUM allows no transaction
        connection.cursor().execute(analyse)


def plans_of(store: Store, book: Book, ask: Callable[[], object]) -> list[str]:
    """The plan of each SELECT that `ask` executes, with the values that it executes it with."""
    dialect = store.databases[book.database]
    executed: list[tuple[str, Any]] = []

    def note(connection: Any, cursor: Any, statement: str, parameters: Any, *rest: Any) -> None:
        if statement.startswith("SELECT"):
            executed.append((statement, parameters))

    event.listen(dialect.engine, "before_cursor_execute", note)
    try:
        ask()
    finally:
        event.remove(dialect.engine, "before_cursor_execute", note)
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


def is_index_only(plan: str, index: str) -> bool:
    """Whether this index alone answers, without a look at the table."""
    return f"COVERING INDEX {index} " in plan or f"Index Only Scan using {index} " in plan
