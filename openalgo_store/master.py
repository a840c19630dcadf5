"""A broker's master on its way into the store: read, checked, every name once."""

import re
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from .instruments.validation import COLUMNS, Validator
from .records import Instrument, RejectedRow, RenamedSymbol, Row
from .tables.main import symbols
from .types import PlainText

_CHUNK = 5000
_SHOWN = 100
"""Rejected rows kept in full."""

_LENGTHS = {
    each.name: each.type.length
    for each in symbols.columns
    if isinstance(each.type, PlainText) and each.type.length is not None
}
_SERIES = re.compile(r"[A-Z0-9]{1,3}")
_EXCHANGE = COLUMNS.index("exchange")


class Master:
    """The rows of a load by exchange and symbol, what was rejected, and how long it took.

    Rows are tuples in the order of COLUMNS; equal values in them are one object.
    """

    def __init__(self) -> None:
        self.total = 0
        self.rejected = 0
        self.rejected_by_reason: Counter[str] = Counter()
        self.rejected_rows: list[RejectedRow] = []
        self.renamed: list[RenamedSymbol] = []
        self.read_seconds = 0.0
        self.validate_seconds = 0.0
        self._rows: dict[str, dict[str, Row]] = defaultdict(dict)
        self._series: dict[tuple[str, str], str] = {}
        self._validator = Validator(_LENGTHS)

    @property
    def size(self) -> int:
        """How many rows it holds."""
        return sum(map(len, self._rows.values()))

    def rows(self) -> Iterator[Row]:
        """Every row."""
        for by_symbol in self._rows.values():
            yield from by_symbol.values()

    def take(self, symbol: str, exchange: str) -> Row | None:
        """Take a row out."""
        return self._rows[exchange].pop(symbol, None)

    def read(self, given: Iterable[Instrument | RejectedRow | Mapping[str, Any]]) -> None:
        """Read and check everything that is given."""
        source = iter(given)
        while True:
            began = time.perf_counter()
            chunk = list(islice(source, _CHUNK))
            self.read_seconds += (read := time.perf_counter()) - began
            if not chunk:
                return
            self._add(chunk)
            self.validate_seconds += time.perf_counter() - read

    def _add(self, chunk: list[Instrument | RejectedRow | Mapping[str, Any]]) -> None:
        validate = self._validator.validate
        rows = self._rows
        for given in chunk:
            self.total += 1
            if isinstance(given, RejectedRow):
                self._reject(given)
                continue
            row = validate(given)
            if isinstance(row, str):
                self._reject(RejectedRow(self.total + 1, row, _shown(given)))
                continue
            series = given.series if isinstance(given, Instrument) else given.get("series")
            if series is not None and not (isinstance(series, str) and _SERIES.fullmatch(series)):
                self._reject(RejectedRow(self.total + 1, "series is unknown", _shown(given)))
                continue
            symbol, exchange = row[0], row[_EXCHANGE]
            if rows[exchange].setdefault(symbol, row) is not row:
                self._meet(row, series or "EQ", given)
            elif series and series != "EQ":
                self._series[exchange, symbol] = series

    def _meet(self, row: Row, series: str, given: Instrument | Mapping[str, Any]) -> None:
        """Two shares of one name: EQ has the bare name, the other keeps its series."""
        symbol, exchange = row[0], row[_EXCHANGE]
        by_symbol = self._rows[exchange]
        held = by_symbol[symbol]
        held_series = self._series.get((exchange, symbol), "EQ")
        moves, its_series = (held, held_series) if series == "EQ" else (row, series)
        renamed = f"{symbol}-{its_series}"
        if series == held_series or renamed in by_symbol or len(renamed) > _LENGTHS["symbol"]:
            self._reject(RejectedRow(self.total + 1, "symbol occurs twice", _shown(given)))
            return
        by_symbol[renamed] = (renamed, *moves[1:])
        if moves is held:
            by_symbol[symbol] = row
            del self._series[exchange, symbol]
        self.renamed.append(RenamedSymbol(symbol, exchange, renamed))

    def _reject(self, row: RejectedRow) -> None:
        self.rejected += 1
        self.rejected_by_reason[row.reason] += 1
        if len(self.rejected_rows) < _SHOWN:
            self.rejected_rows.append(row._replace(raw=_storable(row.raw)))


def _shown(given: Instrument | Mapping[str, Any]) -> str:
    values = given if isinstance(given, Instrument) else given.values()
    return ",".join("" if value is None else str(value) for value in values)


def _storable(text: str) -> str:
    """The text as both engines can keep it, at most 500 characters."""
    return text[:500].encode(errors="backslashreplace").decode().replace("\0", "\\0")
