"""What brokers report in bulk: mappings checked as a whole and made rows of JSON for one statement.

Amounts travel as whole millionths of a rupee, which every JSON reader understands alike.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from sqlalchemy import Table

from .errors import InvalidInput
from .types import Rupees, to_millionths

_BATCH = 1_000
"""Rows of one statement."""

Key = tuple[Any, ...]


class Report:
    """The rows of a report by their key, in its order: whoever locks them does so in one order."""

    def __init__(
        self,
        table: Table,
        key: Sequence[str],
        values: Sequence[str],
        given: Iterable[Mapping[str, Any]],
    ) -> None:
        self._columns = (*key, *values)
        self._table = table
        self._key = key
        self.given: dict[Key, Mapping[str, Any]] = {}
        rows: dict[Key, list[Any]] = {}
        for number, each in enumerate(given, 1):
            place = self._checked_key(number, each)
            self.given[place] = each
            rows[place] = [
                *place,
                *(self._checked(number, name, each.get(name)) for name in values),
            ]
        self._rows = [rows[place] for place in sorted(rows)]

    def batches(self) -> Iterator[list[list[Any]]]:
        """The rows, so many as one statement takes at a time."""
        rows = iter(self._rows)
        while batch := list(islice(rows, _BATCH)):
            yield batch

    def _checked_key(self, number: int, row: Mapping[str, Any]) -> Key:
        if not isinstance(row, Mapping):
            raise InvalidInput(f"row {number} is {type(row).__name__}, not a mapping")
        if unknown := sorted(row.keys() - set(self._columns)):
            raise InvalidInput(
                f"row {number}: {', '.join(unknown)} cannot be set: a row has "
                f"{', '.join(self._columns)}"
            )
        place = tuple(self._checked(number, name, row.get(name)) for name in self._key)
        if None in place:
            raise InvalidInput(f"row {number} needs all of {', '.join(self._key)}")
        if place in self.given:
            raise InvalidInput(f"row {number} has the key of a row before it: keep one of them")
        return place

    def _checked(self, number: int, name: str, value: Any) -> Any:
        kind: Any = self._table.c[name].type
        try:
            checked = kind.process_bind_param(value, None)
        except InvalidInput as error:
            raise InvalidInput(f"row {number}: {name}: {error}") from None
        if checked is None or not isinstance(kind, Rupees):
            return checked
        return to_millionths(checked)
