"""What a load has to write: its master compared with the stored rows, by key or all of them."""

from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime
from itertools import chain
from typing import Any, NamedTuple

from ...engine.sql_files import SqlFile
from ...engine.transaction import Transaction
from ...instruments.validation import COLUMNS, Packed, unpack
from ...records import Row
from ...records.symbols import RenamedSymbol, Symbol
from ...tables.symbols import symbols
from ...tables.types import StrictJson
from .incoming_master import IncomingMaster

FEW = 20_000
"""Rows up to which finding each by its key takes less than reading a master of 200,000."""

MOST_RENAMED = 1000

_STORED = ("id", *COLUMNS)
_EXPIRY, _TICK_SIZE = _STORED.index("expiry"), _STORED.index("tick_size")
_PACKED_TICK_SIZE = COLUMNS[5:].index("tick_size")
"""In the rest of a packed row."""

_sql = SqlFile("symbols/symbol_loads.sql", symbols)
_get_stored_symbols = _sql.rows("get_stored_symbols", _STORED)
_find_stored_symbols = _sql.rows("find_stored_symbols", _STORED, pairs=StrictJson())
_update_symbol = _sql.command("update_symbol")
_delete_symbol = _sql.command("delete_symbol")


class Difference(NamedTuple):
    """What a load has to write; what is new the master has left once the stored rows are out.

    Changed rows are (id, symbol, exchange, what they become), those that are gone (id, symbol,
    exchange). `kept` are stored rows that the master has in a form that could not be read. `before`
    and `today` count by exchange the rows that were stored, and those that will be; `lasting` and
    `lost` the stored ones that have not expired, and those of them that are gone; `scaled` those
    whose tick size is 100 times as large or as small. `renamed` are
    the symbols whose token or broker symbol belongs to another one from now on, at most 1,000.
    """

    changed: list[tuple[int, str, str, Packed]]
    gone: list[tuple[int, str, str]]
    unchanged: int
    kept: int
    before: Counter[str]
    today: Counter[str]
    lasting: Counter[str]
    lost: Counter[str]
    scaled: Counter[str]
    renamed: list[RenamedSymbol]


def compare_symbols(
    tx: Transaction, master: IncomingMaster, broker: str, day: date, *, whole: bool
) -> Difference:
    """Take each stored row out of the master; what stays in it is new. `day` tells what expired.

    One algorithm for both engines: as fast as a staged FULL JOIN, and its plan cannot go wrong.
    """
    changed: list[tuple[int, str, str, Packed]] = []
    gone: list[tuple[int, str, str]] = []
    unchanged = 0
    given = master.sizes()
    kept: Counter[str] = Counter()
    lost: Counter[str] = Counter()
    expired: Counter[str] = Counter()
    scaled: Counter[str] = Counter()
    names: list[Row] = []
    for row in chain.from_iterable(_stored_rows(tx, master, broker, whole=whole)):
        number, symbol, exchange = row[:3]
        packed = master.take(symbol, exchange)
        expiry = row[_EXPIRY]
        has_expired = expiry is not None and expiry < day
        if has_expired:
            expired[exchange] += 1
        if packed is None:
            if whole and master.keeps(row[1:]):
                kept[exchange] += 1
            elif whole:
                gone.append((number, symbol, exchange))
                lost[exchange] += not has_expired
                names.append(row[1:5])
        elif packed == _packed(row):
            unchanged += 1
        else:
            changed.append((number, symbol, exchange, packed))
            scaled[exchange] += _is_scaled(row[_TICK_SIZE], packed[2][_PACKED_TICK_SIZE])
            if packed[0] != _packed(row)[0]:
                names.append(row[1:5])
    removed = Counter(exchange for _, _, exchange in gone)
    today = given + kept
    before = today - master.sizes() + removed
    renamed = _renamed(names, chain(((*each[1:3], each[3][0]) for each in changed), master.texts()))
    return Difference(
        changed,
        gone,
        unchanged,
        kept.total(),
        before,
        today,
        before - expired,
        lost,
        scaled,
        renamed,
    )


def _packed(row: Row) -> Packed:
    """A stored row as the master holds it."""
    return f"{row[3]}\0{row[4]}", row[5], row[6:]


def _is_scaled(before: float | None, now: float | None) -> bool:
    """Whether one is 100 times the other: rupees became paise, or paise rupees."""
    if not before or not now:
        return False
    return round(max(before / now, now / before), 6) == 100


def _renamed(stored: Iterable[Row], today: Iterable[tuple[str, str, str]]) -> list[RenamedSymbol]:
    """Where the broker symbols and tokens that stored symbols give up belong today."""
    before = {
        (exchange, place, text): symbol
        for symbol, exchange, *texts in stored
        for place, text in enumerate(texts)
    }
    found: dict[RenamedSymbol, None] = {}
    for symbol, exchange, texts in today if before else ():
        for place, text in enumerate(texts.split("\0")):
            held = before.get((exchange, place, text), symbol)
            if held != symbol:
                found[RenamedSymbol(held, exchange, symbol)] = None
    return list(found)[:MOST_RENAMED]


def _stored_rows(
    tx: Transaction, master: IncomingMaster, broker: str, *, whole: bool
) -> Iterable[list[Row]]:
    """Every stored row of the broker, or those alone that the master has, if they are few."""
    if whole or master.size > FEW:
        return tx.stream(_get_stored_symbols, broker=broker).batches()
    return [tx.all(_find_stored_symbols, broker=broker, pairs=master.keys())]


def write_difference(
    tx: Transaction, master: IncomingMaster, broker: str, difference: Difference, now: datetime
) -> None:
    """Removals first, so that no new row meets an old one."""
    tx.many(_delete_symbol, [{"id": number} for number, *_ in difference.gone])
    tx.many(
        _update_symbol,
        [
            unpack(packed) | {"id": number, "last_updated": now}
            for number, _, _, packed in difference.changed
        ],
    )
    if master.size:
        tx.copy(symbols, *master.stored(broker, now))


def written_symbols(
    tx: Transaction, master: IncomingMaster, broker: str, difference: Difference, now: datetime
) -> list[Row]:
    """The values of the changed and the new Symbols as stored; of the new ones the ids are read."""
    found = [
        _values(number, broker, now, symbol=symbol, exchange=exchange, **unpack(packed))
        for number, symbol, exchange, packed in difference.changed
    ]
    if master.size:
        for number, *stored in tx.all(_find_stored_symbols, broker=broker, pairs=master.keys()):
            columns = dict(zip(COLUMNS, stored, strict=True))
            found.append(_values(number, broker, now, **columns))
    return found


def _values(number: int, broker: str, now: datetime, **columns: Any) -> Row:
    return tuple(Symbol(number, broker, last_updated=now, **columns))
