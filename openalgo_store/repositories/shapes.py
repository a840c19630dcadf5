"""Statements whose shape varies: by the filters that are given, or by the columns that change.

A Query is made once for each shape, by a builder under functools.cache: it takes the names of what
is given, and never a value. The values are the parameters of the same names.
"""

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, Table, bindparam


def given(**filters: Any) -> dict[str, Any]:
    """The filters that are there: None asks for nothing."""
    return {name: value for name, value in filters.items() if value is not None}


def equal(table: Table, asked: Collection[str]) -> list[ColumnElement[bool]]:
    """Each column that is asked for equals the parameter of its name."""
    return [
        column == bindparam(column.name, type_=column.type)
        for column in table.c
        if column.name in asked
    ]


def changed(table: Table, columns: Collection[str]) -> dict[str, BindParameter[Any]]:
    """What an UPDATE sets: each column to the parameter that `new_values` makes of its name.

    Its own name SQLAlchemy keeps for itself in a SET.
    """
    return {name: bindparam(f"new_{name}", type_=table.c[name].type) for name in columns}


def new_values(row: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a row as the parameters of `changed`."""
    return {f"new_{name}": value for name, value in row.items()}
