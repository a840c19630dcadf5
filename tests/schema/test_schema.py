"""The tables as the code sees them and as the migrations make them are the same, on each engine."""

import re
from collections import Counter
from collections.abc import Iterator
from functools import reduce
from pathlib import Path
from typing import Any

import pytest
import sqlparse
from sqlalchemy import Connection, Table, UniqueConstraint, create_engine, inspect, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.pool import NullPool

from openalgo_store.records.symbols import Symbol, SymbolLoad
from openalgo_store.settings import DATABASES, project_folder
from openalgo_store.tables import METADATA, symbols, trading
from tests.support.settings import Urls

ALL_TABLES = [table for metadata in METADATA.values() for table in metadata.sorted_tables]

INDEXES = {
    "sqlite": "SELECT tbl_name, name, sql FROM sqlite_schema "
    "WHERE type = 'index' AND sql IS NOT NULL",
    "postgresql": "SELECT tablename, indexname, indexdef FROM pg_indexes "
    "WHERE schemaname = current_schema()",
}
GROUP = reduce(lambda inner, _: rf"\((?:[^()]|{inner})*\)", range(5), r"\([^()]*\)")
"""Brackets in brackets."""
CONSTRAINTS = {
    "sqlite": "SELECT name, sql FROM sqlite_schema "
    "WHERE type = 'table' AND name <> 'sqlite_sequence'",
    "postgresql": "SELECT conrelid::regclass::text, "
    "'CONSTRAINT ' || conname || ' ' || pg_get_constraintdef(oid) FROM pg_constraint "
    "WHERE connamespace = current_schema()::regnamespace AND contype <> 'n' ORDER BY conname",
}
CONSTRAINT = re.compile(rf"CONSTRAINT (\w+)((?:(?!CONSTRAINT)[^(),]|{GROUP})+)")
"""Its name and its rule, as both engines write them: SQLAlchemy 2.0 reads some of SQLite's only."""
RELATIONS = {
    "sqlite": "SELECT name FROM sqlite_schema WHERE name <> 'sqlite_sequence' ORDER BY name",
    "postgresql": "SELECT relname FROM pg_class "
    "WHERE relnamespace = current_schema()::regnamespace ORDER BY relname",
}
USED_ONCE = {
    "sqlite": "SELECT name FROM sqlite_schema WHERE type = 'table' AND sql LIKE '%AUTOINCREMENT%'",
    "postgresql": "SELECT table_name FROM information_schema.columns WHERE is_identity = 'YES' "
    "AND table_schema = current_schema()",
}
"""The tables whose ids never come again."""
OTHER_COLLATIONS = {
    "sqlite": "SELECT name FROM sqlite_schema WHERE sql LIKE '%COLLATE%'",
    "postgresql": "SELECT table_name, column_name FROM information_schema.columns "
    "WHERE table_schema = current_schema() AND data_type = 'text' "
    "AND collation_name IS DISTINCT FROM 'C'",
}
"""Text that is not compared by code point, as is SQLite's default."""


@pytest.fixture
def connection(fresh_urls: Urls) -> Iterator[Connection]:
    """A connection to an empty database."""
    engine = create_engine(fresh_urls["main"], poolclass=NullPool)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


@pytest.mark.parametrize("database", DATABASES)
def test_the_tables_and_the_migrations_make_the_same_schema(
    connection: Connection, database: str
) -> None:
    METADATA[database].create_all(connection)
    of_tables = schema(connection)
    METADATA[database].drop_all(connection)
    migrate_up(connection, database)
    of_migrations = schema(connection)
    assert of_migrations.keys() == of_tables.keys()
    for table, description in of_tables.items():
        assert of_migrations[table] == description, table


@pytest.mark.parametrize("database", DATABASES)
def test_up_down_up_gives_the_same_schema_and_down_leaves_nothing(
    connection: Connection, database: str
) -> None:
    migrate_up(connection, database)
    first, first_relations = schema(connection), relations(connection)
    migrate_down(connection, database)
    assert relations(connection) == []
    migrate_up(connection, database)
    assert (schema(connection), relations(connection)) == (first, first_relations)


def test_all_five_databases_fit_into_one(connection: Connection) -> None:
    for database in DATABASES:
        migrate_up(connection, database)
    assert set(schema(connection)) == {table.name for table in ALL_TABLES}
    for database in DATABASES:
        migrate_down(connection, database)
    assert relations(connection) == []


def test_text_compares_by_code_point_and_whole_numbers_have_64_bits(
    connection: Connection,
) -> None:
    for database in DATABASES:
        migrate_up(connection, database)
    assert connection.exec_driver_sql(OTHER_COLLATIONS[connection.dialect.name]).all() == []
    inspector = inspect(connection)
    wide = {"BIGINT", "INTEGER"} if connection.dialect.name == "sqlite" else {"BIGINT"}
    for table in ALL_TABLES:
        for column in inspector.get_columns(table.name):
            kind: Any = column["type"]
            if kind.python_type is str:
                assert kind.length is None, (table.name, column["name"])
            if kind.python_type is int:
                assert str(kind) in wide, (table.name, column["name"])


def test_the_sandbox_has_the_trading_tables_of_main_without_their_users(
    connection: Connection,
) -> None:
    migrate_up(connection, "main")
    migrate_up(connection, "sandbox")
    described = schema(connection)
    for live, paper in zip(trading.live, trading.sandbox, strict=True):
        of_main = described[live.name]
        assert of_main["constraints"].pop(f"fk_{live.name}_user_id")
        assert str(described[paper.name]).replace("sandbox_", "") == str(of_main)


def test_the_database_counts_characters_and_refuses_too_many(connection: Connection) -> None:
    migrate_up(connection, "telegram")
    insert = text(
        "INSERT INTO telegram_chats (chat_id, username, created_at) "
        "VALUES (:chat_id, :username, '2024-03-28')"
    )
    connection.execute(insert, {"chat_id": 1, "username": "é" * 100})
    with pytest.raises(IntegrityError, match="ck_telegram_chats_username_length"):
        connection.execute(insert, {"chat_id": 2, "username": "e" * 101})


@pytest.mark.parametrize("database", DATABASES)
def test_every_migration_exists_for_each_engine_and_has_its_rollback(database: str) -> None:
    per_engine = []
    for engine in ("sqlite", "postgresql"):
        folder = project_folder("migrations") / database / engine
        ids = [file.stem for file in migrations(database, engine)]
        written = {f"{each}{ending}" for each in ids for ending in (".sql", ".rollback.sql")}
        assert {file.name for file in folder.iterdir()} == written
        per_engine.append(ids)
    assert per_engine[0] == per_engine[1]
    assert per_engine[0], "no migration at all"
    for number, each in enumerate(per_engine[0], start=1):
        assert re.fullmatch(rf"{database}-{number:04d}-[a-z0-9-]+", each)


def test_there_is_one_metadata_for_each_database() -> None:
    assert tuple(METADATA) == DATABASES


def test_no_table_index_or_constraint_shares_its_name_with_another() -> None:
    names = Counter(name for table in ALL_TABLES for name in names_of(table))
    assert [name for name, count in names.items() if count > 1] == []
    assert max(map(len, names)) <= 63, "PostgreSQL cuts longer names"


def test_every_index_and_constraint_carries_its_table() -> None:
    for table in ALL_TABLES:
        for name in names_of(table) - {table.name, "uix_symbol"}:
            assert re.match(rf"(pk|uq|fk|ck|ix)_{table.name}(_|$)", name), name


def test_an_index_begins_with_every_owner_and_every_reference() -> None:
    for table in ALL_TABLES:
        unique = (each for each in table.constraints if isinstance(each, UniqueConstraint))
        keys = [index.columns.keys() for index in table.indexes]
        keys += [constraint.columns.keys() for constraint in unique]
        references = [each.column_keys for each in table.foreign_key_constraints]
        for needed in (*references, *([["user_id"]] if "user_id" in table.c else [])):
            begun = [set(columns[: len(needed)]) for columns in keys]
            assert set(needed) in begun, (table.name, needed)


def test_symbols_and_loads_have_the_columns_of_their_records() -> None:
    assert tuple(symbols.symbols.c.keys()) == Symbol._fields
    assert tuple(symbols.symbol_loads.c.keys()) == SymbolLoad._fields


def migrations(database: str, engine: str) -> list[Path]:
    """The migrations of a database in their order."""
    files = (project_folder("migrations") / database / engine).glob("*.sql")
    return sorted(file for file in files if not file.name.endswith(".rollback.sql"))


def migrate_up(connection: Connection, database: str) -> None:
    """Run all migrations of a database as they are written."""
    for file in migrations(database, connection.dialect.name):
        run(connection, file)


def migrate_down(connection: Connection, database: str) -> None:
    """Run all rollbacks of a database, the newest first."""
    for file in reversed(migrations(database, connection.dialect.name)):
        run(connection, file.with_suffix(".rollback.sql"))


def run(connection: Connection, file: Path) -> None:
    for statement in sqlparse.split(file.read_text()):
        connection.exec_driver_sql(statement)


def relations(connection: Connection) -> list[str]:
    """The names of everything in the database: tables, indexes, sequences."""
    return list(connection.exec_driver_sql(RELATIONS[connection.dialect.name]).scalars())


def schema(connection: Connection) -> dict[str, dict[str, Any]]:
    """What the database says of each of its tables, in words that compare."""
    inspector = inspect(connection)
    indexes: dict[str, dict[str, str]] = {name: {} for name in inspector.get_table_names()}
    for table, name, sql in connection.exec_driver_sql(INDEXES[connection.dialect.name]):
        indexes[table][name] = squeezed(sql)
    used_once = set(connection.exec_driver_sql(USED_ONCE[connection.dialect.name]).scalars())
    constraints: dict[str, dict[str, str]] = {name: {} for name in indexes}
    for table, sql in connection.exec_driver_sql(CONSTRAINTS[connection.dialect.name]):
        constraints[table] |= constraints_of(sql)
    return {
        table: {
            "columns": [described(column) for column in inspector.get_columns(table)],
            "ids are used once": table in used_once,
            "constraints": constraints[table],
            "indexes": indexes[table],
        }
        for table in indexes
    }


def constraints_of(sql: str) -> dict[str, str]:
    """The constraints by their names; none is without one but SQLite's PRIMARY KEY of such ids."""
    rest = CONSTRAINT.sub("", sql).replace("PRIMARY KEY AUTOINCREMENT", "")
    nameless = re.search("CHECK|UNIQUE|REFERENCES|PRIMARY", rest)
    assert not nameless, sql
    return {name: squeezed(rule) for name, rule in CONSTRAINT.findall(sql)}


def described(column: Any) -> tuple[Any, ...]:
    """Name, kind, NULL, default, identity of a column; all kinds of text are one."""
    kind = column["type"]
    family = kind.python_type.__name__ if kind.python_type in (str, int) else repr(kind)
    return column["name"], family, column["nullable"], column["default"], column.get("identity")


def squeezed(sql: str) -> str:
    """The SQL without what differs in form only: spaces, brackets, casts between kinds of text."""
    return re.sub(r"::(character varying|text)(\[\])?|[\s()]", "", sql)


def names_of(table: Table) -> set[str]:
    """The names of a table, its indexes and its constraints."""
    constraints = table.constraints.union(*(column.constraints for column in table.c))
    names = [index.name for index in table.indexes] + [each.name for each in constraints]
    return {table.name} | {str(name) for name in names}
