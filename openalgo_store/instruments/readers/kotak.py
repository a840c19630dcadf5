"""Kotak Neo's files, one a segment (nse_cm-v1.csv, nse_fo.csv …): CSV, whole numbers of paise."""

from datetime import UTC, date, datetime

from ..cleaning import Rejected, text_of, whole_of
from ..layouts import SPOT, Cells, Layout, Reader

EXCHANGES = {
    "nse_cm": "NSE",
    "bse_cm": "BSE",
    "nse_fo": "NFO",
    "bse_fo": "BFO",
    "cde_fo": "CDS",
    "bcs_fo": "BCD",
    "mcx_fo": "MCX",
    "nse_com": "NCO",
}
SINCE_1980 = ("nse_fo", "cde_fo", "nse_com")
INDIAN_1980 = 315_513_000
"""The first moment of 1980 in India, in seconds since 1970."""


def _kind(segment: str, instrument: str, option_type: str) -> str:
    if segment.strip().endswith("_cm"):
        return "EQ"
    if option_type.strip() in ("CE", "PE"):
        return option_type
    if instrument.strip().startswith("FUT") or instrument.strip() in ("IF", "SF"):
        return "FUT"
    raise Rejected(SPOT)


def _is_index(segment: str, group: str, isin: str) -> bool:
    """What has no ISIN, unless it has a series of NSE."""
    has_series = segment.strip() == "nse_cm" and text_of(group, "pGroup") is not None
    return text_of(isin, "pISIN") is None and not has_series


def _name(segment: str, symbol: str, description: str) -> str:
    return description if segment.strip().endswith("_cm") else symbol


def _expiry(segment: str, cell: str) -> date | None:
    """Seconds since 1980 on NSE, else since 1970: the end of the day in India, or in Greenwich."""
    seconds = None if segment.strip().endswith("_cm") else whole_of(cell, "expiry")
    if not seconds:
        return None
    if segment.strip() in SINCE_1980:
        seconds += INDIAN_1980
    return datetime.fromtimestamp(seconds, UTC).date()


def _units(precision: str) -> int:
    """How many of them are one rupee: 100, and on CDS 10,000."""
    digits = whole_of(precision, "lPrecision")
    if digits is not None and digits > 9:
        raise Rejected("lPrecision is out of range")
    return 100 if digits is None else 10**digits


READER = Reader(
    "Kotak",
    (
        Layout(
            token="pSymbol",
            broker_symbol="pTrdSymbol",
            exchange=Cells("pExchSeg", table=EXCHANGES),
            kind=Cells("pExchSeg", "pInstType", "pOptionType", convert=_kind),
            index=Cells("pExchSeg", "pGroup", "pISIN", convert=_is_index),
            name=Cells("pExchSeg", "pSymbolName", "pDesc", convert=_name),
            expiry=Cells("pExchSeg", "lExpiryDate", convert=_expiry),
            strike=Cells("lPrecision", "dStrikePrice", per=_units, blank=(-1,)),
            lot_size="lLotSize",
            tick_size=Cells("lPrecision", "dTickSize", per=_units),
            called="pSymbolName",
            series="pGroup",
            may_lack=frozenset(("lPrecision", "pDesc")),
        ),
    ),
)
