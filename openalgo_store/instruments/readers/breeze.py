"""Breeze (ICICI): the CSV files of SecurityMaster.zip, or one of them under its own name."""

from collections.abc import Mapping

from ..canonical_names import strike_text
from ..cleaning import Rejected, number_of, text_of
from ..index_names import index_name
from ..layouts import Cells, Layout, Reader, Where, always

INDEX_TYPES = ("FUTIDX", "OPTIDX", "FUTIND", "OPTIND")
UNDERLYINGS: Mapping[str, str] = {"NIFTY MIDCAP": "MIDCPNIFTY", "NIFTY FINANCIAL": "FINNIFTY"}
"""Indices that contracts name otherwise than the list of indices does."""
NO_DAY = "01-JAN-1980"


def _kind(option_type: str) -> str:
    return option_type.strip().replace("XX", "FUT")


def _expiry(cell: str) -> str | None:
    return None if cell.strip().upper() == NO_DAY else cell


def _underlying(exchange: str) -> Cells:
    def find(instrument: str, code: str) -> str | None:
        name = text_of(code, "name")
        if name is None or instrument.strip() not in INDEX_TYPES:
            return name
        return UNDERLYINGS.get(name.upper()) or index_name(name, exchange)

    return Cells("InstrumentName", "ExchangeCode", convert=find)


def _broker_symbol(code: str, expiry: str, strike: str, option_type: str) -> str | None:
    """What the API asks for: NIFTY:::29-SEP-2026:::24000:::CALL."""
    right = {"XX": "FUT", "CE": "CALL", "PE": "PUT"}.get(option_type.strip())
    if right is None:
        raise Rejected("OptionType is unknown")
    if not code.strip():
        return None
    rate = None if right == "FUT" else number_of(strike, "strike")
    parts = (code.strip(), expiry.strip().upper(), rate and strike_text(rate), right)
    return ":::".join(part for part in parts if part)


def _contracts(exchange: str, indices: str, per: float, file_name: str) -> Layout:
    return Layout(
        file_name=file_name,
        token="Token",
        broker_symbol=Cells(
            "ShortName", "ExpiryDate", "StrikePrice", "OptionType", convert=_broker_symbol
        ),
        exchange=always(exchange),
        kind=Cells("OptionType", convert=_kind),
        name=_underlying(indices),
        expiry=Cells("ExpiryDate", convert=_expiry),
        strike="StrikePrice",
        lot_size="LotSize",
        tick_size=Cells("TickSize", per=per),
    )


def _shares(exchange: str, lot_size: str, tick_size: str, series: Where) -> Layout:
    return Layout(
        file_name=f"{exchange}ScripMaster",
        token="Token",
        broker_symbol="ShortName",
        exchange=always(exchange),
        kind=Cells("Series", convert=lambda of: "INDEX" if of.strip() == "0" else "EQ"),
        name="CompanyName",
        lot_size=lot_size,
        tick_size=tick_size,
        called="ExchangeCode",
        series=series,
    )


READER = Reader(
    "Breeze",
    (
        _contracts("NFO", "NSE_INDEX", 100, "FONSEScripMaster"),
        _contracts("BFO", "BSE_INDEX", 100, "FOBSEScripMaster"),
        _contracts("CDS", "CDS_INDEX", 1, "CDNSEScripMaster"),
        _contracts("MCX", "MCX_INDEX", 100, "MCXScripMaster"),
        _shares("NSE", "Lotsize", "ticksize", "Series"),
        _shares("BSE", "LotSize", "TickSize", always(None)),
    ),
    passed_over=("mfscripmaster",),
)
