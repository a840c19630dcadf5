"""Rows of Zerodha's instrument files, and what is read from them."""

import io

from openalgo_store.instruments import read_instruments
from openalgo_store.records.symbols import Instrument, RejectedRow

HEADER = (
    "instrument_token,exchange_token,tradingsymbol,name,last_price,expiry,strike,tick_size,"
    "lot_size,instrument_type,segment,exchange\n"
)
RELIANCE = "738561,2885,RELIANCE,RELIANCE INDUSTRIES,0.0,,0.0,0.05,1,EQ,NSE,NSE\n"


def read_text(text: str) -> list[Instrument | RejectedRow]:
    return list(read_instruments("zerodha", io.StringIO(text)))


def read_row(row: str) -> Instrument | RejectedRow:
    (only,) = read_text(HEADER + row)
    return only


def instrument(row: str) -> Instrument:
    found = read_row(row)
    assert isinstance(found, Instrument), found
    return found


def reason(row: str) -> str:
    found = read_row(row)
    assert isinstance(found, RejectedRow), found
    return found.reason


def contract(symbol: str, name: str, expiry: str, strike: str, kind: str) -> str:
    return f"12074498,47166,{symbol},{name},0.0,{expiry},{strike},0.05,40,{kind},NFO-OPT,NFO"


def share(symbol: str, exchange: str = "NSE") -> str:
    return f"738561,2885,{symbol},SOME COMPANY,0.0,,0.0,0.05,1,EQ,{exchange},{exchange}"


def index(symbol: str, exchange: str = "NSE") -> str:
    return f"256265,1001,{symbol},{symbol},0.0,,0.0,0.0,0,EQ,INDICES,{exchange}"
