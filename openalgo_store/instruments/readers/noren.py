"""Noren's NSE_symbols.txt and the like, one an exchange: the files of Shoonya, Flattrade, Zebu."""

from ..cleaning import Rejected
from ..layouts import SPOT, Cells, Layout, Reader

EXCHANGES = ("NSE", "BSE", "NFO", "BFO", "CDS", "BCD", "MCX", "NCDEX", "NCO")
SHARES = ("NSE", "BSE")
LONGEST_GROUP = 2


def _kind(exchange: str, instrument: str, option_type: str) -> str:
    instrument, option_type = instrument.strip(), option_type.strip()
    if instrument == "INDEX":
        return "INDEX"
    if exchange.strip() in SHARES:
        if len(instrument) > LONGEST_GROUP:
            raise Rejected("a comma in the symbol shifts its columns")
        return "EQ"
    if instrument.startswith("FUT"):
        return "FUT"
    if instrument.startswith("OPT"):
        return option_type
    raise Rejected(SPOT)


def _name(exchange: str, symbol: str) -> str | None:
    """On BFO it is a code (BSXOPT): what the contract is on only its symbol tells."""
    return None if exchange.strip() == "BFO" else symbol


def _series(exchange: str, instrument: str) -> str | None:
    return instrument if exchange.strip() == "NSE" else None


READER = Reader(
    "Noren",
    (
        Layout(
            token="Token",
            broker_symbol="TradingSymbol",
            exchange=Cells("Exchange", table={each: each for each in EXCHANGES}),
            kind=Cells("Exchange", "Instrument", "OptionType", convert=_kind),
            name=Cells("Exchange", "Symbol", convert=_name),
            expiry="Expiry",
            strike=Cells("StrikePrice", blank=(-0.01, -1e-07)),
            lot_size="LotSize",
            tick_size="TickSize",
            called="Symbol",
            series=Cells("Exchange", "Instrument", convert=_series),
            may_lack=frozenset(("Expiry", "OptionType", "StrikePrice")),
        ),
    ),
)
