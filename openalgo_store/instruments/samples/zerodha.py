"""Zerodha's file: a CSV with a header, contracts in the form of the exchange, prices in rupees."""

from typing import Any

from .listed import Listed, Written

HEADER = (
    "instrument_token",
    "exchange_token",
    "tradingsymbol",
    "name",
    "last_price",
    "expiry",
    "strike",
    "tick_size",
    "lot_size",
    "instrument_type",
    "segment",
    "exchange",
)
FILE = "instruments.csv"
HEADERS = {FILE: ",".join(HEADER)}
TRADINGSYMBOL, NAME, EXPIRY, LOT, EXCHANGE = 2, 3, 5, 8, 11
"""Places in a row."""

SEGMENT_CODES = {"NSE": 1, "NFO": 2, "CDS": 3, "BSE": 4, "BFO": 5, "BCD": 6, "MCX": 7}


def cells(listed: Listed) -> list[Any]:
    """A row of the file."""
    exchange, kind, segment = listed.exchange, listed.kind, listed.exchange
    if listed.is_contract:
        symbol, name = listed.exchange_symbol, listed.name
        segment += "-OPT" if listed.is_option else "-FUT"
    elif kind == "INDEX":
        symbol = name = listed.company
        exchange, kind, segment = exchange.removesuffix("_INDEX"), "EQ", "INDICES"
    else:
        symbol, name = listed.name, listed.company
        if exchange == "NSE" and listed.series != "EQ":
            symbol += f"-{listed.series}"
    return [
        listed.token * 256 + SEGMENT_CODES[exchange],
        listed.token,
        symbol,
        name,
        0.0,
        listed.expiry or "",
        listed.strike,
        listed.tick,
        listed.lot,
        kind,
        segment,
        exchange,
    ]


def written(listed: Listed) -> Written | None:
    """How Zerodha writes it."""
    if listed.exchange.removesuffix("_INDEX") not in SEGMENT_CODES:
        return None
    row = cells(listed)
    return Written(FILE, row, listed.meant(f"{row[0]}::::{row[1]}", row[TRADINGSYMBOL], row[NAME]))
