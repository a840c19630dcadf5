"""The raw drivers on a symbol master: loads, and lookups of tokens."""

import csv
import json
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime
from operator import itemgetter
from pathlib import Path

from .raw import Raw, RawSQLite, Row, Table

Pairs = Sequence[tuple[str, str]]
"""Symbols, each with its exchange."""

SYMBOLS = Table(
    "symbols",
    {
        "broker": "text",
        "symbol": "text",
        "broker_symbol": "text",
        "token": "text",
        "exchange": "text",
        "broker_exchange": "text",
        "name": "text",
        "instrument_type": "text",
        "lot_size": "bigint",
        "tick_size": "double precision",
        "expiry": "date",
        "strike": "double precision",
        "option_type": "text",
        "last_updated": "timestamptz",
    },
)
"""Without contract_value, which no row of the file has: the driver's fastest way leaves it out."""

COLUMNS = tuple(SYMBOLS.columns)
name_of: Callable[[Row], tuple[str, str]] = itemgetter(*map(COLUMNS.index, ("symbol", "exchange")))
"""Symbol and exchange of a row: what it is known by."""

_READ = """
SELECT id, broker, symbol, broker_symbol, token, exchange, broker_exchange, name,
       instrument_type, lot_size, tick_size, expiry, strike, option_type
FROM symbols WHERE broker = ?
"""
_UPDATE = """
UPDATE symbols
SET broker = ?, symbol = ?, broker_symbol = ?, token = ?, exchange = ?, broker_exchange = ?,
    name = ?, instrument_type = ?, lot_size = ?, tick_size = ?, expiry = ?, strike = ?,
    option_type = ?, last_updated = ?
WHERE id = ?
"""
_DELETE = "DELETE FROM symbols WHERE id = ?"
FIND_TOKEN = "SELECT token FROM symbols WHERE broker = ? AND symbol = ? AND exchange = ?"
_SQLITE_TOKENS = """
SELECT s.symbol, s.exchange, s.token
FROM json_each(?) AS pair
CROSS JOIN symbols AS s
  ON s.broker = ?
 AND s.symbol = json_extract(pair.value, '$[0]')
 AND s.exchange = json_extract(pair.value, '$[1]')
"""
_POSTGRESQL_TOKENS = """
SELECT s.symbol, s.exchange, s.token
FROM unnest(%s::text[], %s::text[]) AS pair (symbol, exchange)
JOIN symbols AS s ON s.broker = %s AND s.symbol = pair.symbol AND s.exchange = pair.exchange
"""
_SEARCHED = ("symbol", "broker_symbol", "name", "token")
_OPTION_CHAIN = """
SELECT * FROM symbols
WHERE name = ? AND expiry = ? AND exchange = ? AND broker = ? AND option_type IS NOT NULL
ORDER BY strike
"""
_TOKENS = "SELECT exchange, symbol, token FROM symbols WHERE broker = ?"


def read_file(raw: Raw, file: Path, broker: str) -> Iterator[Row]:
    """The rows of a Zerodha file one by one: nothing renamed, nothing checked."""
    now = datetime.now(UTC)
    with file.open(newline="") as lines:
        cells = csv.reader(lines)
        next(cells)
        for key, number, symbol, name, _, expiry, strike, tick, lot, kind, _, exchange in cells:
            token, day = f"{key}::::{number}", date.fromisoformat(expiry) if expiry else None
            option = kind if kind in ("CE", "PE") else None
            yield raw.storable(
                (broker, symbol, symbol, token, exchange, exchange, name, kind, int(lot),
                 float(tick), day, float(strike), option, now)
            )  # fmt: skip


def reload(raw: Raw, rows: dict[tuple[str, str], Row], broker: str) -> None:
    """Compare with what is stored and write the differences; `rows` by symbol and exchange."""
    raw.begin()
    changed, gone = [], []
    cursor = raw.connection.cursor()
    for number, *rest in cursor.execute(raw.statement(_READ), (broker,)).fetchall():
        stored = tuple(rest)
        row = rows.pop(name_of(stored), None)
        if row is None:
            gone.append((number,))
        elif row[:-1] != stored:
            changed.append((*row, number))
    cursor.executemany(raw.statement(_DELETE), gone)
    cursor.executemany(raw.statement(_UPDATE), changed)
    raw.insert(rows.values(), SYMBOLS)
    raw.connection.execute("COMMIT")


def read_tokens(raw: Raw, broker: str) -> dict[tuple[str, str], str]:
    """Every token by exchange and symbol."""
    found = raw.connection.execute(raw.statement(_TOKENS), (broker,))
    return {(exchange, symbol): token for exchange, symbol, token in found}


def find_tokens(raw: Raw, pairs: Pairs, broker: str) -> list[Row]:
    """The tokens of many symbols in one query."""
    if isinstance(raw, RawSQLite):
        return raw.all(_SQLITE_TOKENS, (json.dumps(pairs), broker))
    symbols, exchanges = map(list, zip(*pairs, strict=True))
    return raw.all(_POSTGRESQL_TOKENS, (symbols, exchanges, broker))


def search(raw: Raw, query: str, broker: str) -> list[Row]:
    """The first 50 rows in which each word stands somewhere."""
    like = "LIKE" if isinstance(raw, RawSQLite) else "ILIKE"
    words = [f"%{each}%" for each in query.split()]
    somewhere = " OR ".join(f"{each} {like} ?" for each in _SEARCHED)
    rules = "".join(f" AND ({somewhere})" for _ in words)
    params = (broker, *(each for each in words for _ in _SEARCHED))
    sql = f"SELECT * FROM symbols WHERE broker = ?{rules} LIMIT 50"  # noqa: S608
    return raw.all(raw.statement(sql), params)


def option_chain(raw: Raw, name: str, exchange: str, expiry: date, broker: str) -> list[Row]:
    """The options of one expiry, in the order of their strikes."""
    (day,) = raw.storable((expiry,))
    return raw.all(raw.statement(_OPTION_CHAIN), (name, day, exchange, broker))
