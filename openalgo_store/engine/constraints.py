"""A broken rule of the schema as the store's error: the same words from both engines."""

from collections.abc import Iterator

from sqlalchemy import (
    ForeignKeyConstraint,
    Index,
    PrimaryKeyConstraint,
    Table,
    UniqueConstraint,
)

from ..errors import Conflict, InvalidInput
from ..tables import METADATA

TABLES = {table.name: table for metadata in METADATA.values() for table in metadata.tables.values()}
"""Every table of the five databases by its name."""


def not_unique(constraint: str | None) -> Conflict:
    """A second row with the same key."""
    for table in TABLES.values():
        for rule in _unique_rules(table):
            if rule.name == constraint:
                columns = ", ".join(rule.columns.keys())
                return Conflict(f"{table.name} already has a row with this {columns}", constraint)
    return Conflict("such a row exists already", constraint)


def not_referenced(constraint: str | None) -> Conflict:
    """A reference to a row that does not exist, or a row that is still referenced."""
    for table in TABLES.values():
        for rule in table.foreign_key_constraints:
            if rule.name == constraint:
                columns = ", ".join(rule.column_keys)
                parent = rule.referred_table.name
                return Conflict(f"{table.name}.{columns} must name a row of {parent}", constraint)
    return Conflict(
        "a row refers to one that does not exist, or is still referred to by another", constraint
    )


def not_allowed(constraint: str | None) -> InvalidInput:
    """A value outside what a CHECK allows."""
    return InvalidInput(f"a value breaks the rule {constraint}: see the table's definition")


def too_large() -> InvalidInput:
    """A number beyond what the engines count with."""
    return InvalidInput("a number does not fit into 64 bits, alone or added up: check its size")


def missing(table: str | None, column: str | None) -> InvalidInput:
    """NULL where a value is needed."""
    return InvalidInput(f"{table}.{column} needs a value")


def unique_constraint(table: str, columns: list[str]) -> str | None:
    """The name of the unique rule over these columns of a table."""
    if table not in TABLES:
        return None
    for rule in _unique_rules(TABLES[table]):
        if rule.columns.keys() == columns:
            return str(rule.name)
    return None


def references_of(table: str) -> list[ForeignKeyConstraint]:
    """The foreign keys of a table, in the order of their names."""
    found = TABLES[table].foreign_key_constraints if table in TABLES else ()
    return sorted(found, key=lambda rule: str(rule.name))


def _unique_rules(table: Table) -> Iterator[UniqueConstraint | PrimaryKeyConstraint | Index]:
    for rule in table.constraints:
        if isinstance(rule, (UniqueConstraint, PrimaryKeyConstraint)):
            yield rule
    yield from (index for index in table.indexes if index.unique)
