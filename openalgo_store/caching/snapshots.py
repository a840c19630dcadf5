"""A broker's master at one moment, and what one load makes of it."""

import gc
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from itertools import islice
from operator import itemgetter
from typing import Any, NamedTuple

from ..records import Row
from ..records.symbols import Symbol

SYMBOL, BROKER_SYMBOL = Symbol._fields.index("symbol"), Symbol._fields.index("broker_symbol")
TOKEN, EXCHANGE = Symbol._fields.index("token"), Symbol._fields.index("exchange")
EXPIRY = Symbol._fields.index("expiry")

ByText = dict[str, dict[str, Row]]
"""exchange -> symbol, token or broker symbol -> the values of a Symbol, in a plain tuple.

The garbage collector passes over plain tuples of plain values, and over dicts of nothing else.
200,000 Symbols it would visit in each full collection, and stop every thread for 0.1 s.
"""
_CHUNK = 1000


class MasterChange(NamedTuple):
    """What one load did to a master that was at the version `before`, which made it `version`.

    `gone` are the (symbol, exchange) that were removed, `stored` the values of the new
    and changed Symbols.
    """

    before: int
    version: int
    gone: Sequence[tuple[str, str]]
    stored: Sequence[Row]


class Snapshot:
    """A broker's master at one moment, found by symbol, by token and by broker symbol.

    `version` is the id of the load that made the stored master what it is, 0 where none did: two
    snapshots of one broker and such a version hold the same. `expires_at` is a POSIX time.
    """

    __slots__ = (
        "_share", "by_broker_symbol", "by_symbol", "by_token", "expires_at", "size", "version",
    )  # fmt: skip

    def __init__(self, symbols: Iterable[Row], version: int, expires_at: float) -> None:
        by_symbol: ByText = defaultdict(dict)
        by_token: ByText = defaultdict(dict)
        by_broker_symbol: ByText = defaultdict(dict)
        self.version = version
        self.expires_at = expires_at
        self.size = 0
        self._share = _SharedValues()
        for row in self._share.rows(symbols):
            exchange = row[EXCHANGE]
            by_symbol[exchange][row[SYMBOL]] = row
            _keep_longest(by_token[exchange], row[TOKEN], row)
            _keep_longest(by_broker_symbol[exchange], row[BROKER_SYMBOL], row)
            self.size += 1
        self.by_symbol, self.by_token = dict(by_symbol), dict(by_token)
        self.by_broker_symbol = dict(by_broker_symbol)

    def after(self, change: MasterChange) -> "Snapshot":
        """The master after a load that began with this one.

        Both share the exchanges in which nothing differs. No step of it is long: what runs
        beside it is never kept from the interpreter for more than the copy of one dict.
        """
        later = Snapshot((), change.version, self.expires_at)
        later._share = self._share
        later.by_symbol, later.by_token = dict(self.by_symbol), dict(self.by_token)
        later.by_broker_symbol = dict(self.by_broker_symbol)
        later.size = self.size
        for exchange, difference in self._differences(change).items():
            later._change(exchange, difference)
        return later

    def _differences(self, change: MasterChange) -> dict[str, "_Difference"]:
        """By exchange what leaves and what comes, some of it in its place."""
        found: dict[str, _Difference] = defaultdict(lambda: _Difference([], []))
        for symbol, exchange in change.gone:
            found[exchange].left.extend(self._held(symbol, exchange))
        for row in self._share.rows(change.stored):
            left, come = found[row[EXCHANGE]]
            left.extend(self._held(row[SYMBOL], row[EXCHANGE]))
            come.append(row)
        return found

    def _held(self, symbol: str, exchange: str) -> tuple[Row, ...]:
        held = self.by_symbol.get(exchange, {}).get(symbol)
        return () if held is None else (held,)

    def _change(self, exchange: str, difference: "_Difference") -> None:
        """Give this snapshot maps of its own for one exchange, and change them."""
        left, come = difference
        rows = self.by_symbol.get(exchange, {}).copy()
        for row in left:
            del rows[row[SYMBOL]]
        for row in come:
            rows[row[SYMBOL]] = row
        self.size += len(come) - len(left)
        _set(self.by_symbol, exchange, rows)
        for by_text, column in ((self.by_token, TOKEN), (self.by_broker_symbol, BROKER_SYMBOL)):
            found = by_text.get(exchange, {}).copy()
            _replace(found, itemgetter(column), difference, rows)
            _set(by_text, exchange, found)


class _Difference(NamedTuple):
    """The rows of one exchange that leave a snapshot, and those that come."""

    left: list[Row]
    come: list[Row]


def _replace(
    found: dict[str, Row],
    key: Callable[[Row], str],
    difference: _Difference,
    rows: dict[str, Row],
) -> None:
    """Take out what left and put in what came; `rows` is all that the exchange has then.

    Where the one that answers of two symbols with one token leaves, the other one answers.
    """
    free = set()
    for row in difference.left:
        if found.get(key(row)) is row:
            del found[key(row)]
            free.add(key(row))
    for row in difference.come:
        _keep_longest(found, key(row), row)
    if free and len(found) < len(rows):  # some meet, perhaps where a place is free
        for row in rows.values():
            if key(row) in free:
                _keep_longest(found, key(row), row)


def _keep_longest(found: dict[str, Row], key: str, row: Row) -> None:
    """Of two symbols with one token the contract that lives longest, as the database answers."""
    held = found.setdefault(key, row)
    if held is not row and _lifetime(row) > _lifetime(held):
        found[key] = row


def _lifetime(row: Row) -> tuple[date, bool, int]:
    """What never expires has the longest; of two alike the one that the broker calls as we do (a
    share, not a bond of it), or the one stored first."""
    return row[EXPIRY] or date.max, row[SYMBOL] == row[BROKER_SYMBOL], -row[0]


def _set(by_text: ByText, exchange: str, rows: dict[str, Row]) -> None:
    if rows:
        by_text[exchange] = rows
    else:
        by_text.pop(exchange, None)


class _SharedValues:
    """One object for each repeated value: less than half the memory of a master."""

    __slots__ = ("_numbers", "_others")

    def __init__(self) -> None:
        self._others: dict[Any, Any] = {}
        self._numbers: dict[Any, Any] = {}  # apart: 1 and 1.0 are equal keys

    def rows(self, symbols: Iterable[Row]) -> Iterator[Row]:
        """The same symbols as plain tuples of the shared values."""
        shared = self._shared(symbols)
        while chunk := list(islice(shared, _CHUNK)):
            gc.collect(0)  # untracks them, so that a dict that they are put into is not tracked
            yield from chunk

    def _shared(self, symbols: Iterable[Row]) -> Iterator[Row]:
        one, number = self._others.setdefault, self._numbers.setdefault
        for (
            id_, broker, symbol, broker_symbol, token, exchange, broker_exchange, name,
            instrument_type, lot_size, tick_size, expiry, strike, option_type, last_updated,
            contract_value,
        ) in symbols:  # fmt: skip
            yield (
                id_,
                one(broker, broker),
                symbol,
                symbol if broker_symbol == symbol else broker_symbol,
                token,
                one(exchange, exchange),
                one(broker_exchange, broker_exchange),
                one(name, name),
                one(instrument_type, instrument_type),
                one(lot_size, lot_size),
                number(tick_size, tick_size),
                one(expiry, expiry),
                number(strike, strike),
                one(option_type, option_type),
                one(last_updated, last_updated),
                number(contract_value, contract_value),
            )
