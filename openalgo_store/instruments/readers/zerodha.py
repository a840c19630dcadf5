"""Zerodha's instrument file: a CSV with a header, one line an instrument, prices in rupees."""

from ..canonical_names import DERIVATIVES
from ..cleaning import Rejected, token_of
from ..layouts import Cells, Layout, Reader

LONGEST_TOKEN = 40


def _tokens(instrument_token: str, exchange_token: str) -> str:
    """Both tokens; the one holds the other."""
    token = f"{instrument_token}::::{exchange_token}"
    plain = instrument_token.isdigit() and exchange_token.isdigit() and token.isascii()
    if not plain or len(token) > LONGEST_TOKEN:
        instrument_token, exchange_token = _digits(instrument_token), _digits(exchange_token)
        token = f"{instrument_token}::::{exchange_token}"
    if int(instrument_token) >> 8 != int(exchange_token):
        raise Rejected("instrument_token and exchange_token disagree")
    return token


def _digits(cell: str) -> str:
    token = token_of(cell)
    if token is None:
        raise Rejected("token is blank")
    if not (token.isascii() and token.isdigit()):
        raise Rejected("token is not a number")
    if len(token) > LONGEST_TOKEN:
        raise Rejected("token is out of range")
    return token


def _kind(instrument_type: str, segment: str) -> str:
    """An index is of type EQ."""
    kind = instrument_type.strip()
    if kind in DERIVATIVES:
        return kind
    if kind != "EQ":
        raise Rejected("instrument_type is unknown")
    return "INDEX" if "INDICES" in segment else kind


READER = Reader(
    "Zerodha",
    (
        Layout(
            token=Cells("instrument_token", "exchange_token", convert=_tokens),
            broker_symbol="tradingsymbol",
            exchange="exchange",
            kind=Cells("instrument_type", "segment", convert=_kind),
            name="name",
            expiry="expiry",
            strike="strike",
            lot_size="lot_size",
            tick_size="tick_size",
        ),
    ),
)
