"""The statements of sql/ as the repositories use them, and what the comments above them claim."""

import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import Table

from openalgo_store import repositories
from openalgo_store.caching import epochs
from openalgo_store.engine.queries import Query
from openalgo_store.engine.sql_reader import MARK, Statement, read_statements
from openalgo_store.settings import project_folder
from openalgo_store.tables import METADATA

SQL = Path(project_folder("sql"))
FILES = sorted(str(each.relative_to(SQL)) for each in SQL.rglob("*.sql"))
TABLES = {each.name: each for metadata in METADATA.values() for each in metadata.sorted_tables}


def statements() -> Iterator[tuple[str, dict[str | None, Statement]]]:
    """Every statement of every file by its name, for each engine that has its own."""
    for path in FILES:
        yield from read_statements(path).items()


def queries() -> Iterator[Query[Any]]:
    """Every query of every repository, once for each book or kind that it is used for.

    And that of the epochs, at which no repository looks.
    """
    found = pkgutil.walk_packages(repositories.__path__, f"{repositories.__name__}.")
    modules = [epochs, *(importlib.import_module(each.name) for each in found)]
    used = [query for module in modules for query in _within(vars(module))]
    yield from {(each.name, str(each.on("sqlite"))): each for each in used}.values()


def _within(things: dict[Any, Any]) -> Iterator[Query[Any]]:
    """The queries among these things, in dicts of them, and in objects of a repository's class."""
    for thing in things.values():
        if isinstance(thing, Query):
            yield thing
        elif isinstance(thing, dict):
            yield from _within(thing)
        elif type(thing).__module__.startswith(repositories.__name__):
            yield from _within(getattr(thing, "__dict__", {}))


def tables_of(query: Query[Any]) -> list[Table]:
    """The tables that a statement speaks of."""
    words = re.findall(r"\w+", re.sub(r"'[^']*'", "", str(query.on("sqlite"))))
    return [TABLES[word] for word in dict.fromkeys(words) if word in TABLES]


def database_of(query: Query[Any]) -> str:
    """The database that a statement is for."""
    (metadata,) = {table.metadata for table in tables_of(query)}
    return next(name for name, each in METADATA.items() if each is metadata)


def claimed_indexes(query: Query[Any], statement: Statement) -> list[str]:
    """The indexes that the comment above a statement names, with the prefixes of its tables."""
    names = re.findall(r"\b(?:pk|uq|uix|ix)_\w+", statement.comment)
    for marked in set(re.findall(rf"{MARK.pattern}(\w+)", statement.sql)):
        word = marked[-1]
        (table,) = (each.name for each in tables_of(query) if each.name.endswith(word))
        names = [name.replace(f"_{word}", f"_{table}", 1) for name in names]
    return names
