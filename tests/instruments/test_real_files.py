"""Real files of brokers, where they are: every row accounted for, each under a name of its own."""

import csv
import gzip
import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any

import pytest

from openalgo_store.instruments import read_instruments
from openalgo_store.instruments.validation import Validator
from openalgo_store.records.symbols import Instrument, RejectedRow
from openalgo_store.tables.symbols import LONGEST
from tests.support.real_files import real_file

SPOT = "a spot rate, which is not traded"
FILES = {
    "zerodha_nfo_bfo.csv.gz": ("zerodha", 39_941, {}),
    "angel_scrip_master.json.gz": ("angel", 2_778, {}),
    "dhan_equity.csv.gz": ("dhan", 8_326, {}),
    "upstox_complete.json.gz": ("upstox", 9_094, {SPOT: 2}),
    "fyers_nse_cm.csv.gz": ("fyers", 6_769, {}),
    "noren_nse_symbols.txt.gz": ("shoonya", 5_793, {}),
    "noren_nfo_symbols.txt.gz": ("flattrade", 14_795, {}),
    "noren_mcx_symbols.txt.gz": ("zebu", 3_889, {}),
    "noren_cds_symbols.txt.gz": ("noren", 11_367, {SPOT: 4}),
}
"""The broker of each file, its rows, and how many are rejected for which reason."""

SHARED_SYMBOLS = {"dhan_equity.csv.gz": 9, "upstox_complete.json.gz": 5}
"""How many of the broker's own symbols are those of two shares, which differ in their series."""


@cache
def rows_of(file: str) -> list[Instrument | RejectedRow]:
    return list(read_instruments(FILES[file][0], real_file(file)))


def instruments(file: str) -> list[Instrument]:
    return [row for row in rows_of(file) if isinstance(row, Instrument)]


@pytest.mark.parametrize("file", FILES)
def test_every_row_is_an_instrument_that_can_be_stored_or_rejected_with_a_reason(file: str) -> None:
    rows = rows_of(file)
    _, number, rejected = FILES[file]
    assert len(rows) == number
    assert sum(rejected.values()) < number / 100
    reasons = Counter(row.reason for row in rows if isinstance(row, RejectedRow))
    assert reasons == rejected
    validate = Validator(LONGEST).validate
    assert [row for row in instruments(file) if isinstance(validate(row), str)] == []


@pytest.mark.parametrize("file", FILES)
def test_every_row_has_a_symbol_and_a_token_of_its_own(file: str) -> None:
    rows = instruments(file)
    assert len({(row.symbol, row.exchange) for row in rows}) == len(rows)
    assert len({(row.token, row.exchange) for row in rows}) == len(rows)
    own = Counter((row.broker_symbol, row.exchange) for row in rows)
    shared = {key for key, number in own.items() if number > 1}
    assert len(shared) == SHARED_SYMBOLS.get(file, 0)


def raw_rows(file: str) -> Iterator[dict[str, Any]]:
    with gzip.open(real_file(file), "rt") as text:
        if ".json" in file:
            yield from json.load(text)
        elif file.startswith("fyers"):
            yield from ({str(at): cell for at, cell in enumerate(row)} for row in csv.reader(text))
        else:
            yield from csv.DictReader(text)


def indian_day(milliseconds: int) -> date:
    return (datetime.fromtimestamp(milliseconds / 1000, UTC) + timedelta(hours=5.5)).date()


def day_of(text: str) -> date | None:
    for form in ("%Y-%m-%d", "%d%b%Y", "%d-%b-%Y"):
        try:
            return datetime.strptime(text, form).date()
        except ValueError:
            continue
    return None


def plainly(file: str, row: dict[str, Any]) -> tuple[Any, ...]:
    """Token, broker symbol, expiry, strike, lot, tick: by other means than the readers'."""
    broker = file.partition("_")[0]
    if broker == "zerodha":
        token = f"{row['instrument_token']}::::{row['exchange_token']}"
        return (token, row["tradingsymbol"], day_of(row["expiry"]), float(row["strike"]),
                int(row["lot_size"]), float(row["tick_size"]))  # fmt: skip
    if broker == "angel":
        return (row["token"], row["symbol"], day_of(row["expiry"]),
                max(float(row["strike"]), 0) / 100, int(row["lotsize"]),
                float(row["tick_size"]) / 100)  # fmt: skip
    if broker == "dhan":
        return (row["SEM_SMST_SECURITY_ID"], row["SEM_TRADING_SYMBOL"], None, 0.0,
                int(row["SEM_LOT_UNITS"]), float(row["SEM_TICK_SIZE"]) / 100)  # fmt: skip
    if broker == "upstox":
        tick = row.get("tick_size")
        return (row["instrument_key"], row["trading_symbol"],
                indian_day(row["expiry"]) if "expiry" in row else None,
                row.get("strike_price", 0.0), row.get("lot_size"),
                None if tick is None else tick / 100)  # fmt: skip
    if broker == "fyers":
        return row["0"], row["9"], None, 0.0, int(row["3"]), float(row["4"])
    return (row["Token"], row["TradingSymbol"], day_of(row.get("Expiry", "")),
            max(float(row.get("StrikePrice") or 0), 0), int(row["LotSize"]),
            float(row["TickSize"]))  # fmt: skip


@pytest.mark.parametrize("file", FILES)
def test_expiry_strike_lot_and_tick_are_those_of_the_file(file: str) -> None:
    rows = rows_of(file)
    for row, raw in zip(rows, raw_rows(file), strict=True):
        if isinstance(row, Instrument):
            found = (row.token, row.broker_symbol, row.expiry, row.strike or 0.0, row.lot_size,
                     row.tick_size)  # fmt: skip
            assert found == plainly(file, raw)
