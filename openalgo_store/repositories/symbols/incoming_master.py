"""A broker's master on its way into the store: read, checked, every name once."""

import gc
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from itertools import islice
from typing import Any

from ...errors import InvalidInput
from ...instruments.canonical_names import SERIES_OF_SHARES
from ...instruments.contracts import closeness
from ...instruments.validation import COLUMNS, EXCHANGES, Checked, Packed, Validator, unpack
from ...records import Row
from ...records.symbols import Instrument, RejectedRow, RenamedSymbol
from ...tables.symbols import LONGEST
from ...threads import let_others_run
from ...values.arguments import iterated
from ...values.text import storable

MOST_ROWS = 1_000_000
"""Four times the largest master: more would only fill the memory."""

_CHUNK = 1000
_SHOWN = 100
"""Rejected rows kept in full."""

Given = Instrument | RejectedRow | Mapping[str, Any]


class IncomingMaster:
    """The rows of a load, what was rejected, and how long it took."""

    def __init__(self) -> None:
        self.total = 0
        self.rejected = 0
        self.rejected_by_reason: Counter[str] = Counter()
        self.rejected_rows: list[RejectedRow] = []
        self.renamed: list[RenamedSymbol] = []
        self.read_seconds = 0.0
        self.validate_seconds = 0.0
        self._rows: dict[str, dict[str, Packed]] = defaultdict(dict)
        self._series: dict[tuple[str, str], str] = {}
        self._rejected_names: set[tuple[str | None, str]] = set()
        self._tokens: dict[str, dict[str, None]] = defaultdict(dict)
        """By exchange; the garbage collector passes over a dict of texts, and not over a set."""
        self._tokens_met: dict[tuple[str, str], int] = {}
        self._validator = Validator(LONGEST)

    @property
    def size(self) -> int:
        """How many rows it holds."""
        return sum(map(len, self._rows.values()))

    def sizes(self) -> Counter[str]:
        """How many of each exchange."""
        return Counter({exchange: len(found) for exchange, found in self._rows.items()})

    def stored(self, broker: str, now: datetime) -> tuple[tuple[str, ...], Iterator[Row]]:
        """The columns in which it is stored, and every row: broker, COLUMNS, last_updated.

        Without contract_value, the last of COLUMNS, where no row has one: to SQLite's driver a
        None is several times the work of a text.
        """
        values = (rest[-1] for rows in self._rows.values() for _, _, rest in rows.values())
        end = None if any(value is not None for value in values) else -1
        return ("broker", *COLUMNS[:end], "last_updated"), self._stored(end, broker, now)

    def _stored(self, end: int | None, broker: str, now: datetime) -> Iterator[Row]:
        for exchange, by_symbol in self._rows.items():
            for symbol, (texts, strike, rest) in by_symbol.items():
                broker_symbol, token = texts.split("\0")
                yield broker, symbol, exchange, broker_symbol, token, strike, *rest[:end], now

    def texts(self) -> Iterator[tuple[str, str, str]]:
        """The symbol and exchange of every row, and its broker symbol and token as one text."""
        for exchange, by_symbol in self._rows.items():
            for symbol, (texts, _, _) in by_symbol.items():
                yield symbol, exchange, texts

    def keys(self) -> list[tuple[str, str]]:
        """The symbol and exchange of every row."""
        return [(symbol, exchange) for exchange, found in self._rows.items() for symbol in found]

    def take(self, symbol: str, exchange: str) -> Packed | None:
        """Take a row out."""
        return self._rows[exchange].pop(symbol, None)

    def keeps(self, stored: Sequence[Any]) -> bool:
        """Whether a stored row that it lacks is one of those that it had to reject.

        It has to pass today's checks, and its token must not be another row's by now.
        """
        columns = dict(zip(COLUMNS, stored, strict=True))
        exchange, broker_symbol = columns["exchange"], columns["broker_symbol"]
        names = {(exchange, columns["symbol"]), (columns["broker_exchange"], broker_symbol)}
        names |= {(exchange, broker_symbol), (None, broker_symbol)}
        return (
            not names.isdisjoint(self._rejected_names)
            and columns["token"] not in self._tokens[exchange]
            and not isinstance(self._validator.validate(columns), str)
        )

    def read(self, given: Iterable[Given]) -> None:
        """Read and check everything that is given."""
        source = iterated("symbols", given)
        while True:
            began = time.perf_counter()
            chunk = list(islice(source, _CHUNK))
            self.read_seconds += (read := time.perf_counter()) - began
            if not chunk:
                self._settle_tokens()
                self.validate_seconds += time.perf_counter() - read
                return
            self._add(chunk)
            if self.total > MOST_ROWS:
                raise InvalidInput(
                    f"more than {MOST_ROWS:,} rows: no broker lists as many, look at the file"
                )
            self.validate_seconds += time.perf_counter() - read
            let_others_run()

    def _add(self, chunk: list[Given]) -> None:
        """Check them all and only then keep them; those before one that ends it count as well."""
        checked: list[Checked | str] = []
        try:
            checked.extend(map(self._validator.validate, chunk))
        finally:
            self._keep(chunk, checked)

    def _keep(self, chunk: list[Given], checked: list[Checked | str]) -> None:
        gc.collect(0)  # untracks what is packed, so that the dicts that hold it are not tracked
        rows, tokens = self._rows, self._tokens
        for given, row in zip(chunk, checked, strict=False):
            self.total += 1
            if isinstance(row, str):
                if not isinstance(given, RejectedRow):
                    given = self._left_out(row, given)
                self._reject(given)
                continue
            symbol, exchange, token, packed, series = row
            seen = tokens[exchange]
            if token in seen:
                self._tokens_met[exchange, token] = self._line(given)
            seen[token] = None
            if rows[exchange].setdefault(symbol, packed) is not packed:
                self._meet(symbol, exchange, packed, series or "EQ", self._line(given))
            elif series and series != "EQ":
                self._series[exchange, symbol] = series
        if len(checked) < len(chunk):
            self.total += 1  # with the one that ended it

    def _meet(
        self,
        symbol: str,
        exchange: str,
        packed: Packed,
        series: str,
        line: int,
    ) -> None:
        """Two shares of one name: one has it bare, EQ before BE …, the other keeps its series."""
        by_symbol = self._rows[exchange]
        held_series = self._series.get((exchange, symbol), "EQ")
        first, last = sorted((series, held_series), key=_series_rank)
        renamed = f"{symbol}-{last}"
        if series == held_series or renamed in by_symbol or len(renamed) > LONGEST["symbol"]:
            left, kept = packed, by_symbol[symbol]
            if series == held_series and _claim(packed) < _claim(kept):
                left, kept = kept, packed
                by_symbol[symbol] = packed
            self._reject(RejectedRow(line, "symbol occurs twice", _two(symbol, left, symbol, kept)))
            return
        if series == first:
            packed, by_symbol[symbol] = by_symbol[symbol], packed
            self._series[exchange, symbol] = series
        by_symbol[renamed] = packed
        self.renamed.append(RenamedSymbol(symbol, exchange, renamed))

    def _settle_tokens(self) -> None:
        """Of two rows with one token on an exchange the contract that lives longest stays."""
        met: dict[tuple[str, str], list[str]] = defaultdict(list)
        for exchange in {exchange for exchange, _ in self._tokens_met}:
            for symbol, (texts, *_) in self._rows[exchange].items():
                key = exchange, texts.partition("\0")[2]
                if key in self._tokens_met:
                    met[key].append(symbol)
        for (exchange, token), found in met.items():
            rows = self._rows[exchange]
            kept = min(found, key=lambda symbol: _lives_longest(rows[symbol]))
            found.remove(kept)
            for symbol in found:
                text = _two(symbol, rows.pop(symbol), kept, rows[kept])
                line = self._tokens_met[exchange, token]
                self._reject(RejectedRow(line, "token occurs twice", text))
        self._tokens_met.clear()
        if not self._rejected_names:
            self._tokens.clear()

    def _line(self, given: Given) -> int:
        """Where in its file it is, or which of those given it is."""
        return (None if isinstance(given, Mapping) else given.line) or self.total

    def _left_out(self, reason: str, given: Instrument | Mapping[str, Any]) -> RejectedRow:
        columns = given._asdict() if isinstance(given, Instrument) else given
        exchange, *names = (
            value if isinstance(value := columns.get(column), str) else None
            for column in ("exchange", "broker_symbol", "symbol")
        )
        exchange = exchange if exchange in EXCHANGES else None
        self._rejected_names.update((exchange, name) for name in names if name)
        return RejectedRow(self._line(given), reason, _shown(given), exchange, names[0])

    def _reject(self, row: RejectedRow) -> None:
        if row.broker_symbol:
            self._rejected_names.add((row.exchange, row.broker_symbol))
        exchange, broker_symbol = (text and storable(text)[:100] for text in row[3:])
        reason, raw = storable(row.reason), storable(row.raw)[:500]
        row = RejectedRow(row.line, reason, raw, exchange, broker_symbol)
        self.rejected += 1
        self.rejected_by_reason[row.reason] += 1
        if len(self.rejected_rows) < _SHOWN:
            self.rejected_rows.append(row)


def _shown(given: Instrument | Mapping[str, Any]) -> str:
    return _joined(given[:-2] if isinstance(given, Instrument) else given.values())


def _joined(values: Iterable[object]) -> str:
    return ",".join("" if value is None else str(value) for value in values)


def _claim(packed: Packed) -> tuple[int, str]:
    """The smaller, the better its broker symbol tells the contract, whatever the order of rows."""
    row = unpack(packed)
    kind = row["option_type"] or row["instrument_type"] or ""
    told = closeness(row["broker_symbol"], row["name"], row["expiry"], row["strike"], kind)
    return told, packed[0]


def _series_rank(series: str) -> tuple[int, str]:
    of_shares = series in SERIES_OF_SHARES
    return SERIES_OF_SHARES.index(series) if of_shares else len(SERIES_OF_SHARES), series


def _lives_longest(packed: Packed) -> tuple[int, tuple[int, str]]:
    expiry = unpack(packed)["expiry"] or date.max
    return -expiry.toordinal(), _claim(packed)


def _two(left_symbol: str, left: Packed, kept_symbol: str, kept: Packed) -> str:
    """Of two rows that meet the one that is left out, and the other."""
    left_text = _joined((left_symbol, *unpack(left).values()))
    return f"{left_text} (kept: {_joined((kept_symbol, *unpack(kept).values()))})"
