"""What brokers report in bulk: mappings checked as a whole and made rows of JSON for one statement.

Amounts travel as whole millionths of a rupee, which every JSON reader understands alike.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple

from sqlalchemy import Table

from ...errors import InvalidInput
from ...tables.types import Rupees
from ...values.arguments import iterated
from ...values.money import to_millionths
from .names import check_instrument

_BATCH = 1_000
"""Rows of one statement."""

Key = tuple[Any, ...]


class _Column(NamedTuple):
    """A column of a report: what checks its values, and whether they are amounts."""

    name: str
    check: Callable[[Any, None], Any]
    is_amount: bool


class BrokerReport:
    """The rows of a report in the order of their key, so that whoever locks them does so in one.

    The key begins with user_id, broker, symbol and exchange.

    Raises InvalidInput with the number of the row, counted from 1.
    """

    def __init__(
        self,
        table: Table,
        key: Sequence[str],
        values: Sequence[str],
        given: Iterable[Mapping[str, Any]],
    ) -> None:
        kinds: list[tuple[str, Any]] = [(name, table.c[name].type) for name in (*key, *values)]
        self._columns = [
            _Column(name, kind.process_bind_param, isinstance(kind, Rupees)) for name, kind in kinds
        ]
        self._names = {name for name, _ in kinds}
        rows: dict[Key, list[Any]] = {}
        for number, each in enumerate(iterated("a report", given), 1):
            row = self._row(number, each)
            place = tuple(row[: len(key)])
            if None in place:
                raise InvalidInput(f"row {number} needs all of {', '.join(key)}")
            try:
                check_instrument(place[1], place[2], place[3])
            except InvalidInput as error:
                raise InvalidInput(f"row {number}: {error}") from None
            if place in rows:
                raise InvalidInput(f"row {number} has the key of a row before it: keep one of them")
            rows[place] = row
        self.rows = [rows[place] for place in sorted(rows)]

    def batches(self) -> Iterator[list[list[Any]]]:
        """The rows, so many as one statement takes at a time."""
        rows = iter(self.rows)
        while batch := list(islice(rows, _BATCH)):
            yield batch

    def _row(self, number: int, given: Mapping[str, Any]) -> list[Any]:
        if not isinstance(given, Mapping):
            raise InvalidInput(f"row {number} is {type(given).__name__}, not a mapping")
        if not given.keys() <= self._names:
            unknown = sorted(map(str, given.keys() - self._names))
            raise InvalidInput(
                f"row {number}: {', '.join(unknown)} cannot be set: a row has "
                f"{', '.join(each.name for each in self._columns)}"
            )
        row = []
        for name, check, is_amount in self._columns:
            value = given.get(name)
            if value is not None:
                try:
                    value = check(value, None)
                except InvalidInput as error:
                    raise InvalidInput(f"row {number}: {name}: {error}") from None
                if is_amount:
                    value = to_millionths(value)
            row.append(value)
        return row
