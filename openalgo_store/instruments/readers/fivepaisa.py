"""5paisa's scrip master: all exchanges in one CSV, or one a segment, in rupees."""

from dataclasses import replace

from ..cleaning import whole_of
from ..layouts import Cells, Layout, Reader

EXCHANGES = {
    ("N", "C"): "NSE",
    ("B", "C"): "BSE",
    ("N", "D"): "NFO",
    ("B", "D"): "BFO",
    ("N", "U"): "CDS",
    ("B", "U"): "BCD",
    ("M", "D"): "MCX",
    ("N", "Y"): "NCO",
}
CASH = "C"
FIRST_INDEX = 999_900
"""Scrip codes in cash from here on are indices."""


def _kind(exchange_type: str, scrip_type: str) -> str:
    return "EQ" if exchange_type.strip() == CASH else scrip_type.strip().replace("XX", "FUT")


def _name(exchange_type: str, company: str, root: str) -> str:
    return company if exchange_type.strip() == CASH else root


def _expiry(cell: str) -> str | None:
    return None if cell.strip().startswith("1980-01-01") else cell


def _is_index(column: str) -> Cells:
    return Cells(column, convert=lambda code: (whole_of(code, "token") or 0) >= FIRST_INDEX)


_LAYOUT = Layout(
    token="ScripCode",
    broker_symbol="Name",
    exchange=Cells("Exch", "ExchType", table=EXCHANGES),
    kind=Cells("ExchType", "ScripType", convert=_kind),
    index=_is_index("ScripCode"),
    name=Cells("ExchType", "FullName", "SymbolRoot", convert=_name),
    expiry=Cells("Expiry", convert=_expiry),
    strike="StrikeRate",
    lot_size="LotSize",
    tick_size="TickSize",
    called="SymbolRoot",
    series="Series",
)
READER = Reader(
    "5paisa", (_LAYOUT, replace(_LAYOUT, token="Scripcode", index=_is_index("Scripcode")))
)
"""Some of its files write the one, some the other."""
