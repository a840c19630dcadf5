"""What brokers report in bulk: mappings checked as a whole and made rows of JSON for one statement.

Amounts travel as whole millionths of a rupee, which every JSON reader understands alike.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from sqlalchemy import Table

from ...errors import InvalidInput
from ...tables.types import Rupees
from ...values.arguments import iterated
from ...values.money import to_millionths
from .names import check_instrument

_BATCH = 1_000
"""Rows of one statement."""

Key = tuple[Any, ...]
Check = Callable[[Any], Any]
"""Makes of a value what JSON holds; raises InvalidInput."""


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
        self._checks = {name: _check_of(table.c[name].type) for name in (*key, *values)}
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
        if not given.keys() <= self._checks.keys():
            unknown = sorted(map(str, given.keys() - self._checks.keys()))
            raise InvalidInput(
                f"row {number}: {', '.join(unknown)} cannot be set: a row has "
                f"{', '.join(self._checks)}"
            )
        row: list[Any] = []
        for name, check in self._checks.items():
            value = given.get(name)
            try:
                row.append(None if value is None else check(value))
            except InvalidInput as error:
                raise InvalidInput(f"row {number}: {name}: {error}") from None
        return row


def _check_of(kind: Any) -> Check:
    """What checks the values of a column of this type; amounts become millionths."""
    check: Callable[[Any, None], Any] = kind.process_bind_param
    if isinstance(kind, Rupees):
        return lambda value: to_millionths(check(value, None))
    return lambda value: check(value, None)
