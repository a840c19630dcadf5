"""Upstox's complete.json: one array of objects, strikes in rupees, ticks in paise."""

from ..cleaning import Rejected, text_of
from ..layouts import SPOT, Cells, Layout, Reader

EXCHANGES = {
    "NSE_EQ": "NSE",
    "BSE_EQ": "BSE",
    "NSE_FO": "NFO",
    "BSE_FO": "BFO",
    "NCD_FO": "CDS",
    "BCD_FO": "BCD",
    "MCX_FO": "MCX",
    "NSE_COM": "NCO",
    "NSE_INDEX": "NSE_INDEX",
    "BSE_INDEX": "BSE_INDEX",
    "MCX_INDEX": "MCX_INDEX",
    "GLOBAL_INDEX": "GLOBAL_INDEX",
}


def _kind(segment: object, instrument_type: object) -> str | None:
    """The type of a share is its series on NSE, and its group on BSE."""
    if instrument_type == "COM":
        raise Rejected(SPOT)
    return "EQ" if segment in ("NSE_EQ", "BSE_EQ") else text_of(instrument_type, "instrument_type")


READER = Reader(
    "Upstox",
    (
        Layout(
            token="instrument_key",
            broker_symbol="trading_symbol",
            exchange=Cells("segment", table=EXCHANGES),
            kind=Cells("segment", "instrument_type", convert=_kind),
            name=Cells(
                "underlying_symbol",
                "name",
                convert=lambda underlying, company: underlying or company,
            ),
            expiry="expiry",
            strike="strike_price",
            lot_size="lot_size",
            tick_size=Cells("tick_size", per=100),
            series="instrument_type",
            may_lack=frozenset(
                ("underlying_symbol", "name", "expiry", "strike_price", "lot_size", "tick_size")
            ),
        ),
    ),
    is_json=True,
)
