"""Zerodha's instrument file: a CSV with a header, one line an instrument, prices in rupees."""

from collections.abc import Iterator, Sequence
from datetime import date
from functools import partial

from ...records.symbols import Instrument, RejectedRow
from ..canonical_names import DERIVATIVES, expiry_text, name_in, share_name, strike_text
from ..cleaning import BLANK, Days, Memo, Rejected, number_of, text_of, token_of, whole_of
from ..contracts import SPREAD, is_spread
from ..csv_files import Cells, read_csv
from ..index_names import index_name
from ..sources import Source

COLUMNS = (
    "instrument_token",
    "exchange_token",
    "tradingsymbol",
    "name",
    "expiry",
    "strike",
    "tick_size",
    "lot_size",
    "instrument_type",
    "segment",
    "exchange",
)

LONGEST_TOKEN = 40
SHARES = frozenset({"NSE", "BSE"})
INDEX_EXCHANGES = {"NSEIX": "GLOBAL_INDEX"}


def read(source: Source) -> Iterator[Instrument | RejectedRow]:
    """The instruments of one file of Zerodha."""
    return read_csv(source, "Zerodha", _Rows())


class _Rows:
    """The mapping of one file: columns of few values are converted once for each value."""

    columns: Sequence[str] = COLUMNS
    known_by = ("exchange", "tradingsymbol")

    def __init__(self) -> None:
        self._names = Memo(partial(text_of, column="name"))
        self._kinds = Memo(partial(text_of, column="instrument_type"))
        self._exchanges = Memo(partial(text_of, column="exchange"))
        self.days = Days()
        self._expiries = Memo(self._expiry)
        self._strikes = Memo(_strike)
        self._ticks = Memo(partial(number_of, column="tick_size"))
        self._lots = Memo(partial(whole_of, column="lot_size"))

    def instrument(self, cells: Cells, line: int) -> Instrument:
        """The cells of COLUMNS under their canonical names; raises Rejected."""
        (
            instrument_token,
            exchange_token,
            broker_symbol,
            name_cell,
            expiry_cell,
            strike_cell,
            tick_cell,
            lot_cell,
            kind_cell,
            segment,
            exchange_cell,
        ) = cells
        token = f"{instrument_token}::::{exchange_token}"
        plain = instrument_token.isdigit() and exchange_token.isdigit() and token.isascii()
        if not plain or len(token) > LONGEST_TOKEN:
            instrument_token, exchange_token = _token(instrument_token), _token(exchange_token)
            token = f"{instrument_token}::::{exchange_token}"
        if int(instrument_token) >> 8 != int(exchange_token):
            raise Rejected("instrument_token and exchange_token disagree")
        broker_symbol = broker_symbol.strip()
        if "\0" in broker_symbol:
            raise Rejected("tradingsymbol holds a NUL character")
        if broker_symbol in BLANK:
            raise Rejected("tradingsymbol is blank")
        broker_exchange = exchange = self._exchanges[exchange_cell]
        if exchange is None:
            raise Rejected("exchange is blank")
        name = self._names[name_cell]
        kind = self._kinds[kind_cell]
        expiry, expiry_part = self._expiries[expiry_cell]
        strike, strike_part = self._strikes[strike_cell]
        option_type = series = None

        if kind in DERIVATIVES:
            if expiry is None:
                raise Rejected("a derivative without an expiry")
            if kind == "FUT" and is_spread(broker_symbol, name):
                raise Rejected(SPREAD)
            name = name or name_in(broker_symbol, kind, strike)
            if name is None:
                raise Rejected("name is blank and the symbol does not tell it")
            if kind == "FUT":
                symbol = f"{name}{expiry_part}FUT"
            else:
                symbol = f"{name}{expiry_part}{strike_part}{kind}"
                option_type = kind
        elif "INDICES" in segment:
            exchange = INDEX_EXCHANGES.get(exchange, f"{exchange}_INDEX")
            symbol, kind = index_name(broker_symbol, exchange), "INDEX"
        elif exchange in SHARES:
            symbol, series = share_name(broker_symbol)
        else:
            symbol = broker_symbol

        return Instrument(
            symbol,
            exchange,
            token,
            broker_symbol,
            name,
            broker_exchange,
            kind,
            self._lots[lot_cell],
            self._ticks[tick_cell],
            expiry,
            strike,
            option_type,
            None,
            series,
            line,
        )

    def _expiry(self, cell: str) -> tuple[date | None, str]:
        day = self.days.day_of(cell)
        return day, expiry_text(day) if day else ""


def _token(cell: str) -> str:
    token = token_of(cell)
    if token is None:
        raise Rejected("token is blank")
    if not (token.isascii() and token.isdigit()):
        raise Rejected("token is not a number")
    if len(token) > LONGEST_TOKEN:
        raise Rejected("token is out of range")
    return token


def _strike(cell: str) -> tuple[float | None, str]:
    strike = number_of(cell, "strike")
    return strike, "" if strike is None else strike_text(strike)
