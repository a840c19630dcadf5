"""Pages, newest first: numbered ones, and keyset ones whose cursor is the place of the last row."""

import re
from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar, TypeVarTuple

from sqlalchemy import ColumnElement, Select, Tuple, bindparam, tuple_

from ..errors import InvalidInput
from ..values.days import check_moment
from ..values.numbers import check_whole

R = TypeVar("R")
Ts = TypeVarTuple("Ts")

MOST_ROWS = 1_000
"""The most rows of one page."""

_CURSOR = re.compile(r"(-?[0-9]{1,18})/([0-9]{1,19})")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def row_limit(name: str, count: int) -> int:
    """How many rows to read at once; InvalidInput outside 1 to 1,000."""
    number = _whole(count)
    if number is None or not 1 <= number <= MOST_ROWS:
        raise InvalidInput(f"{name} must be a whole number from 1 to {MOST_ROWS}: read more pages")
    return number


def page_offset(page: int, per_page: int) -> int:
    """How many rows stand before a page; InvalidInput for one below 1, and as row_limit."""
    number = _whole(page)
    if number is None or number < 1:
        raise InvalidInput("page must be a whole number: the first is 1")
    return (number - 1) * row_limit("per_page", per_page)


def within(moment: ColumnElement[datetime], asked: Collection[str]) -> list[ColumnElement[bool]]:
    """From the parameter `begin` on and before `end`, as far as these are asked for."""
    rules = []
    if "begin" in asked:
        rules.append(moment >= bindparam("begin", type_=moment.type))
    if "end" in asked:
        rules.append(moment < bindparam("end", type_=moment.type))
    return rules


class NewestFirst:
    """The order of a table's pages: by a moment, then by id, both falling, as in its index."""

    def __init__(self, moment: ColumnElement[datetime], row_id: ColumnElement[int]) -> None:
        self.moment = moment
        self.row_id = row_id

    def ordered(self, rows: Select[*Ts]) -> Select[*Ts]:
        """The rows in this order."""
        return rows.order_by(self.moment.desc(), self.row_id.desc())

    def rules(self, asked: Collection[str]) -> list[ColumnElement[bool]]:
        """What lies within `begin` and `end`, after a cursor, and from a place on.

        As far as these are asked for: `before` and `from_place` give the values.
        """
        rules = within(self.moment, asked)
        if "cursor_id" in asked:
            rules.append(self._place < self._parameters("cursor"))
        if "first_id" in asked:
            rules.append(self._place <= self._parameters("first"))
        return rules

    @property
    def _place(self) -> Tuple:
        return tuple_(self.moment, self.row_id)

    def _parameters(self, name: str) -> Tuple:
        return tuple_(
            bindparam(f"{name}_moment", type_=self.moment.type),
            bindparam(f"{name}_id", type_=self.row_id.type),
        )


def before(end: datetime | None, cursor: str | None) -> dict[str, Any]:
    """The values for what lies before a moment and after a cursor, where they are given.

    The nearer of the two alone: SQLite seeks by the first it sees. InvalidInput for a naive moment
    and for what is no cursor.
    """
    end = None if end is None else check_moment(end)
    place = None if cursor is None else _place(cursor)
    if place is not None and (end is None or place[0] < end):
        return {"cursor_moment": place[0], "cursor_id": place[1]}
    return {} if end is None else {"end": end}


def from_place(moment: datetime, row_id: int) -> dict[str, Any]:
    """The values for the row at a place, and what is older."""
    return {"first_moment": moment, "first_id": row_id}


def split(rows: Sequence[R], limit: int, moment: str) -> tuple[list[R], str | None]:
    """A page of one row more than its limit: what is shown, and the cursor where more follows."""
    shown = list(rows[:limit])
    if len(rows) <= limit:
        return shown, None
    last: Any = shown[-1]
    return shown, to_cursor(getattr(last, moment), last.id)


def to_cursor(moment: datetime, row_id: int) -> str:
    """The place of a row, as text that a caller hands back."""
    return f"{(moment - _EPOCH) // timedelta(microseconds=1)}/{row_id}"


def _place(cursor: str) -> tuple[datetime, int]:
    """Where the page ended that gave this cursor."""
    found = _CURSOR.fullmatch(cursor) if isinstance(cursor, str) else None
    try:
        if found:
            return _EPOCH + timedelta(microseconds=int(found[1])), int(found[2])
    except OverflowError:
        pass
    raise InvalidInput("the cursor is not one: pass the next_cursor of the page before, or None")


def _whole(value: int) -> int | None:
    """The number that it is, or None."""
    try:
        return check_whole(value)
    except InvalidInput:
        return None
