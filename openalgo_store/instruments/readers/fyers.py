"""Fyers' files, one a segment (NSE_CM.csv, NSE_FO.csv …): CSV without a header, in rupees."""

from ..layouts import Cells, Layout, Reader

COLUMNS = (
    "fytoken",
    "description",
    "type",
    "lot",
    "tick",
    "isin",
    "session",
    "updated",
    "expiry",
    "ticker",
    "exchange",
    "segment",
    "exchange_token",
    "underlying",
    "underlying_token",
    "strike",
    "option_type",
    "underlying_fytoken",
    "reserved_1",
    "reserved_2",
    "reserved_3",
)
EXCHANGES = {
    ("10", "10"): "NSE",
    ("12", "10"): "BSE",
    ("10", "11"): "NFO",
    ("12", "11"): "BFO",
    ("10", "12"): "CDS",
    ("12", "12"): "BCD",
    ("11", "20"): "MCX",
    ("10", "20"): "NCO",
}
CASH, INDEX = "10", "10"


def _kind(segment: str, number: str, option_type: str) -> str:
    if segment.strip() != CASH:
        return option_type.strip().replace("XX", "FUT")
    return "INDEX" if number.strip() == INDEX else "EQ"


def _name(segment: str, description: str, underlying: str) -> str:
    return description if segment.strip() == CASH else underlying


def _called(exchange: str, ticker: str, underlying: str) -> str:
    """NSE:NIFTY50-INDEX is NIFTY50, NSE:GOLDSTAR-SM is that; BSE:INFY-A ends in a group."""
    listed = ticker.strip().partition(":")[2]
    if listed.endswith("-INDEX"):
        return listed.removesuffix("-INDEX")
    return listed if exchange.strip() == "10" else underlying


READER = Reader(
    "Fyers",
    (
        Layout(
            token="fytoken",
            broker_symbol="ticker",
            exchange=Cells("exchange", "segment", table=EXCHANGES),
            broker_exchange=Cells("exchange", table={"10": "NSE", "11": "MCX", "12": "BSE"}),
            kind=Cells("segment", "type", "option_type", convert=_kind),
            name=Cells("segment", "description", "underlying", convert=_name),
            expiry="expiry",
            strike=Cells("strike", blank=(-1,)),
            lot_size="lot",
            tick_size="tick",
            called=Cells("exchange", "ticker", "underlying", convert=_called),
            first_line=r"\d+,.*,(NSE|BSE|MCX):[^,]+,\d+,\d+,",
            without_header=COLUMNS,
        ),
    ),
)
