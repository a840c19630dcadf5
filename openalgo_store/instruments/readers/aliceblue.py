"""AliceBlue's contract masters, one an exchange (NSE.csv, NFO.csv, INDICES.csv …), in rupees."""

from ..cleaning import Rejected, text_of
from ..layouts import SPOT, Cells, Layout, Reader, always

EXCHANGES = ("NSE", "BSE", "NFO", "BFO", "CDS", "BCD", "MCX", "NCDEX", "NCO")
KNOWN = {each: each for each in EXCHANGES}
FUTURES = ("IF", "SF")


def _kind(exchange: str, segment: str, instrument: str, option_type: str) -> str:
    if segment.strip().endswith("_idx"):
        return "INDEX"
    if exchange.strip() in ("NSE", "BSE"):
        return "EQ"
    if option_type.strip() in ("CE", "PE"):
        return option_type
    if instrument.strip().startswith("FUT") or instrument.strip() in FUTURES:
        return "FUT"
    raise Rejected(SPOT)


def _name(exchange: str, symbol: str, company: str, formatted: str) -> str | None:
    if exchange.strip() in ("NSE", "BSE"):
        return company
    if exchange.strip() != "BFO":
        return symbol
    return next(iter((text_of(formatted, "name") or "").split()), None)


READER = Reader(
    "AliceBlue",
    (
        Layout(
            token="Token",
            broker_symbol="Trading Symbol",
            exchange=Cells("Exch", table=KNOWN),
            kind=Cells("Exch", "Exchange Segment", "Instrument Type", "Option Type", convert=_kind),
            name=Cells("Exch", "Symbol", "Instrument Name", "Formatted Ins Name", convert=_name),
            expiry="Expiry Date",
            strike=Cells("Strike Price", blank=(-1,)),
            lot_size="Lot Size",
            tick_size="Tick Size",
            called="Symbol",
            series="Group Name",
            may_lack=frozenset(
                ("Group Name", "Instrument Type", "Option Type", "Strike Price", "Expiry Date")
            ),
        ),
        Layout(
            token="token",
            broker_symbol="symbol",
            exchange=Cells("exch", table=KNOWN),
            kind=always("INDEX"),
            name="symbol",
        ),
    ),
)
