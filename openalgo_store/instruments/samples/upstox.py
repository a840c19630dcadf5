"""Upstox's file: one JSON array, gzipped; ticks in paise, expiries in milliseconds."""

from datetime import UTC, datetime, time
from typing import Any

from .listed import Listed, Written

FILE = "complete.json.gz"
HEADERS: dict[str, str] = {}
SEGMENTS = {
    "NSE": "NSE_EQ",
    "BSE": "BSE_EQ",
    "NFO": "NSE_FO",
    "BFO": "BSE_FO",
    "CDS": "NCD_FO",
    "BCD": "BCD_FO",
    "MCX": "MCX_FO",
    "NCO": "NSE_COM",
    "NSE_INDEX": "NSE_INDEX",
    "BSE_INDEX": "BSE_INDEX",
    "MCX_INDEX": "MCX_INDEX",
}
END_OF_DAY = time(18, 29, 59, tzinfo=UTC)
"""One second before midnight in India."""


def written(listed: Listed) -> Written | None:
    """How Upstox writes it: the words of a contract's symbol have blanks between them."""
    segment = SEGMENTS.get(listed.exchange)
    if segment is None:
        return None
    name = symbol = listed.name
    key = f"{segment}|{listed.token}"
    if listed.kind == "INDEX":
        name = listed.company
        key = f"{segment}|{listed.company}"
    elif not listed.is_contract:
        name = listed.company.upper()
        key = f"{segment}|{listed.isin}"
    elif listed.is_option:
        symbol += f" {listed.strike_text} {listed.kind} {listed.expiry:%d %b %y}".upper()
    else:
        symbol += f" FUT {listed.expiry:%d %b %y}".upper()
    row: dict[str, Any] = {
        "segment": segment,
        "name": name,
        "exchange": segment.split("_")[0],
        "instrument_type": listed.kind,
        "instrument_key": key,
        "exchange_token": str(listed.token),
        "trading_symbol": symbol,
    }
    meant = listed.meant(key, symbol, name)
    if listed.kind == "INDEX":
        return Written(FILE, row, meant._replace(lot_size=None, tick_size=None))
    row |= {"lot_size": listed.lot, "tick_size": round(listed.tick * 100, 4)}
    if listed.expiry is None:
        row["isin"] = listed.isin
        row["instrument_type"] = listed.series if listed.exchange == "NSE" else listed.group
    else:
        end = datetime.combine(listed.expiry, END_OF_DAY)
        row |= {
            "name": f"{listed.company} LIMITED",
            "expiry": int(end.timestamp() * 1000),
            "weekly": listed.tag.isdigit(),
            "underlying_symbol": listed.name,
            "strike_price": listed.strike,
        }
    return Written(FILE, row, meant)
