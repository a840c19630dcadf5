"""Dhan's api-scrip-master.csv: all exchanges in one CSV, strikes in rupees, ticks in paise."""

from ..cleaning import text_of
from ..layouts import Cells, Layout, Reader

EXCHANGES = {
    ("NSE", "E"): "NSE",
    ("BSE", "E"): "BSE",
    ("NSE", "D"): "NFO",
    ("BSE", "D"): "BFO",
    ("NSE", "C"): "CDS",
    ("BSE", "C"): "BCD",
    ("MCX", "M"): "MCX",
    ("NSE", "M"): "NCO",
    ("NSE", "I"): "NSE_INDEX",
    ("BSE", "I"): "BSE_INDEX",
    ("MCX", "I"): "MCX_INDEX",
}
NO_DAY = ("0001-01-01", "1979-12-31", "1980-01-01")


def _kind(instrument: str, option_type: str) -> str:
    instrument = instrument.strip()
    if instrument.startswith("OPT"):
        return option_type
    return {"INDEX": "INDEX", "EQUITY": "EQ"}.get(instrument, instrument[:3])


def _name(instrument: str, company: str, description: str) -> str | None:
    """Of a contract the first word of what it is called: its name is another, or blank."""
    if instrument.strip() in ("EQUITY", "INDEX"):
        return company
    return next(iter((text_of(description, "name") or "").split()), None)


def _expiry(cell: str) -> str | None:
    return None if cell.strip().startswith(NO_DAY) else cell


READER = Reader(
    "Dhan",
    (
        Layout(
            token="SEM_SMST_SECURITY_ID",
            broker_symbol="SEM_TRADING_SYMBOL",
            exchange=Cells("SEM_EXM_EXCH_ID", "SEM_SEGMENT", table=EXCHANGES),
            kind=Cells("SEM_INSTRUMENT_NAME", "SEM_OPTION_TYPE", convert=_kind),
            name=Cells("SEM_INSTRUMENT_NAME", "SM_SYMBOL_NAME", "SEM_CUSTOM_SYMBOL", convert=_name),
            expiry=Cells("SEM_EXPIRY_DATE", convert=_expiry),
            strike=Cells("SEM_STRIKE_PRICE", blank=(-0.01,)),
            lot_size="SEM_LOT_UNITS",
            tick_size=Cells(
                "SEM_SEGMENT",
                "SEM_TICK_SIZE",
                per=lambda segment: 1 if segment.strip() == "I" else 100,
            ),
            series="SEM_SERIES",
        ),
    ),
)
