"""Rows in columns for people, and as JSON for programs."""

import json
from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from datetime import datetime
from typing import Any

from ..values.clock import IST

_LONGEST = 100
_UNITS = (("GB", 1e9), ("MB", 1e6), ("kB", 1e3))


def in_columns(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A line for each row beneath the head; numbers stand to the right."""
    if not rows:
        return "nothing found"
    shown = [[printable(each) for each in head], *([_cell(each) for each in row] for row in rows)]
    is_number = [all(_is_number(row[at]) for row in rows) for at in range(len(head))]
    widths = [max(map(len, column)) for column in zip(*shown, strict=True)]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(line, widths, is_number, strict=True)
        ).rstrip()
        for line in shown
    )


def printable(text: object) -> str:
    """As `visible`, cut where it is long."""
    shown = visible(text)
    return shown if len(shown) <= _LONGEST else shown[: _LONGEST - 3] + "..."


def visible(text: object) -> str:
    """What a terminal shows without being told anything else by it."""
    return "".join(each if each.isprintable() else "?" for each in str(text))


def minute(moment: datetime | None) -> str:
    """In Indian time; never, for none."""
    return moment.astimezone(IST).strftime("%Y-%m-%d %H:%M IST") if moment else "never"


def in_bytes(count: int) -> str:
    """In the unit that suits it."""
    unit, size = next((each for each in _UNITS if count >= each[1]), _UNITS[-1])
    return f"{count / size:,.1f} {unit}"


def as_json(value: Any) -> str:
    """For programs: records as mappings, days and moments as text."""
    return json.dumps(plain(value), indent=2, default=str)


def plain(value: Any) -> Any:
    """Records as mappings, so that each value has its name."""
    if is_dataclass(value):
        return {each.name: plain(getattr(value, each.name)) for each in fields(value)}
    if hasattr(value, "_asdict"):
        return plain(value._asdict())
    if isinstance(value, dict):
        return {name: plain(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    return value


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:,.2f}"
    return f"{value:,}" if isinstance(value, int) else printable(value)


def _is_number(value: object) -> bool:
    return value is None or (isinstance(value, (int, float)) and not isinstance(value, bool))
