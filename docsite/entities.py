"""A picture of each database: its tables with their columns, and which row leads to which table.

Tables stand in columns, one below the other. Between the columns there is room for lines: each
table that others refer to has a lane in every gap, and a trunk above all tables that joins them.
"""

import textwrap
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import Column, ForeignKeyConstraint, Table, TypeDecorator, UniqueConstraint

from openalgo_store.tables import METADATA

from .svg import GREY, box, line, picture, text

_ROW, _HEAD, _FOOT = 18, 26, 8
_WIDTH, _GAP, _BELOW = 270, 56, 22
"""Of a table; between two columns of tables; between two tables of a column."""
_LANE, _TRUNK = 12, 14
_LINES = ("#2f81f7", "#d9772b", "#2da44e")
_COLUMNS = 2
_CHARACTERS = 40
"""How many of the small letters stand in a line of a table."""
_STYLE = f"""
text {{ font: 12px ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace; fill: #24292f }}
.page {{ fill: {GREY} }} .end {{ text-anchor: end; fill: #57606a }}
.mark {{ font-size: 10px; fill: #9a6700 }} .rule {{ font-size: 10px; fill: #57606a }}
.name {{ font-weight: 600; fill: #fff }} .head {{ fill: #3c5a86 }}
.table {{ fill: #f6f8fa; stroke: {GREY} }}
@media (prefers-color-scheme: dark) {{
  text {{ fill: #e6edf3 }} .table {{ fill: #1c232c }} .mark {{ fill: #e3b341 }}
  .end, .rule {{ fill: #a3b1c0 }} .name {{ fill: #fff }} .page {{ fill: {GREY} }}
}}
"""
_WORDS: dict[type, str] = {
    bool: "flag",
    int: "int",
    float: "float",
    datetime: "moment",
    date: "day",
    str: "text",
}


class _Placed(NamedTuple):
    """A table, the column of tables it stands in, and where its upper left corner is."""

    table: Table
    column: int
    x: float
    y: float

    def row(self, name: str) -> float:
        """The middle of the row of a column."""
        return self.y + _HEAD + _ROW * (self.table.c.keys().index(name) + 0.5)


def drawn(database: str) -> str:
    """The picture of one of the five databases."""
    tables = list(METADATA[database].tables.values())
    targets = [each for each in tables if any(_references(other, each) for other in tables)]
    top = 16 + _TRUNK * len(targets)
    placed = _places(tables, top)
    width = 12 + (_WIDTH + _GAP) * (1 + max(each.column for each in placed.values()))
    bottom = max(each.y + _height(each.table) for each in placed.values())
    lines = [
        piece
        for number, target in enumerate(targets)
        for piece in _lines(placed, target, number, _LINES[number])
    ]
    for each in placed.values():
        lines += _table(each)
    legend = "PK primary key · FK refers to another table · UQ unique · ? may be empty"
    lines.append(text(_GAP, bottom + 28, legend, "page"))
    title = f"The tables of the database {database}"
    return picture(width, round(bottom) + 40, title, _STYLE, lines)


def _places(tables: Sequence[Table], top: float) -> dict[str, _Placed]:
    """In as few columns as allowed, none of them longer than it must be; in the order given."""
    most = min(_COLUMNS, max(2, len(tables) // 2))
    limit = max(map(_height, tables))
    while len(columns := _filled(tables, limit)) > most:
        limit += _ROW
    placed = {}
    for number, column in enumerate(columns):
        y = top
        for table in column:
            x = _GAP + number * (_WIDTH + _GAP)
            placed[table.name] = _Placed(table, number, x, y)
            y += _height(table) + _BELOW
    return placed


def _filled(tables: Sequence[Table], limit: float) -> list[list[Table]]:
    columns: list[list[Table]] = [[]]
    used = 0.0
    for table in tables:
        if columns[-1] and used + _height(table) > limit:
            columns.append([])
            used = 0.0
        columns[-1].append(table)
        used += _height(table) + _BELOW
    return columns


def _height(table: Table) -> float:
    return _HEAD + _ROW * len(table.columns) + 14 * len(_rules(table)) + _FOOT


def _table(placed: _Placed) -> Iterator[str]:
    table, x, y = placed.table, placed.x, placed.y
    yield box(x, y, _WIDTH, _height(table), "table")
    yield box(x, y, _WIDTH, _HEAD, "head")
    yield text(x + 10, y + 18, table.name, "name")
    for column in table.columns:
        foot = placed.row(column.name) + 4
        yield text(x + 8, foot, _mark(table, column), "mark")
        yield text(x + 32, foot, column.name)
        yield text(x + _WIDTH - 10, foot, _kind(column), "end")
    foot = y + _HEAD + _ROW * len(table.columns) + 12
    for number, rule in enumerate(_rules(table)):
        yield text(x + 10, foot + 14 * number, rule, "rule")


def _mark(table: Table, column: Column[Any]) -> str:
    if column.primary_key:
        return "PK"
    if column.foreign_keys:
        return "FK"
    return "UQ" if [column.name] in _unique(table)["unique"] else ""


def _kind(column: Column[Any]) -> str:
    """Its type in a word, with the most characters of a text."""
    kind = column.type.impl_instance if isinstance(column.type, TypeDecorator) else column.type
    word = _WORDS.get(kind.python_type, "JSON")
    length = getattr(column.type, "length", None)
    return f"{word} {length or ''}".rstrip() + ("?" if column.nullable else "")


def _unique(table: Table) -> dict[str, list[list[str]]]:
    """Which columns are unique, in all rows or in some."""
    rules = [each for each in table.constraints if isinstance(each, UniqueConstraint)]
    partial = [each for each in table.indexes if each.unique]
    return {
        "unique": sorted(each.columns.keys() for each in rules),
        "unique in some rows:": sorted(each.columns.keys() for each in partial),
    }


def _rules(table: Table) -> list[str]:
    """What is unique together, in lines that are short enough."""
    return [
        words
        for what, rules in _unique(table).items()
        for names in rules
        if len(names) > 1
        for words in textwrap.wrap(f"{what} {', '.join(names)}", _CHARACTERS)
    ]


def _references(table: Table, target: Table) -> list[str]:
    """The columns, each the first of a foreign key, that lead from a table to another."""
    keys = (each for each in table.constraints if isinstance(each, ForeignKeyConstraint))
    return sorted(key.column_keys[0] for key in keys if key.referred_table is target)


def _lines(placed: dict[str, _Placed], target: Table, number: int, colour: str) -> Iterator[str]:
    """From each row that refers to the target to its head: stubs, lanes, and a trunk above."""
    look = f' stroke="{colour}" stroke-width="1.5"'
    end = placed[target.name]
    trunk = 12 + _TRUNK * number
    ports: dict[int, list[float]] = {end.column: [end.y + _HEAD / 2]}
    for each in placed.values():
        for name in _references(each.table, target):
            ports.setdefault(each.column, []).append(each.row(name))
    for column, heights in sorted(ports.items()):
        edge = _GAP + column * (_WIDTH + _GAP)
        lane = edge - 14 - _LANE * number
        upper = trunk if len(ports) > 1 else min(heights)
        yield line(lane, upper, lane, max(heights), more=look)
        for height in heights:
            yield line(lane, height, edge, height, more=look)
            if (column, height) != (end.column, end.y + _HEAD / 2):
                yield line(edge - 8, height, edge, height - 4, more=look)
                yield line(edge - 8, height, edge, height + 4, more=look)
    if len(ports) > 1:
        left, right = min(ports), max(ports)
        across = [_GAP + each * (_WIDTH + _GAP) - 14 - _LANE * number for each in (left, right)]
        yield line(across[0], trunk, across[1], trunk, more=look)
    yield f'<circle cx="{end.x - 4}" cy="{end.y + _HEAD / 2}" r="4" fill="{colour}"/>'
