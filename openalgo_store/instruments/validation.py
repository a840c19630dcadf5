"""The gate that every symbol passes before it is stored, whoever made it."""

import re
import sys
from collections.abc import Callable, Mapping
from typing import Any

from ..errors import InvalidInput
from ..records.symbols import Instrument, RejectedRow
from ..values.memo import Memo
from .canonical_names import name_in
from .cleaning import BLANK, Rejected, day_of, number_of, text_of, token_of, whole_of
from .contracts import SPREAD, check_contract, heads_of, in_known_form, is_spread, tail_of

COLUMNS = (
    "symbol",
    "exchange",
    "broker_symbol",
    "token",
    "strike",
    "broker_exchange",
    "name",
    "instrument_type",
    "lot_size",
    "tick_size",
    "expiry",
    "option_type",
    "contract_value",
)
"""The order of a validated row: what tells one contract from another first."""

INDEX_EXCHANGES = frozenset({"NSE_INDEX", "BSE_INDEX", "MCX_INDEX", "CDS_INDEX", "GLOBAL_INDEX"})
EXCHANGES = INDEX_EXCHANGES | {
    "NSE", "BSE", "NFO", "BFO", "CDS", "BCD", "MCX", "NCDEX", "NCO", "NSEIX", "CRYPTO",
}  # fmt: skip
OPTION_TYPES = frozenset({"CE", "PE"})
_SERIES = re.compile(r"[A-Z0-9]{1,3}")
_FIELDS = frozenset(Instrument._fields)
_LONGEST_BLANK = max(map(len, BLANK))

Shared = tuple[Any, ...]
"""The values from broker_exchange on: one object for rows that were given the same."""

Packed = tuple[str, float | None, Shared]
"""A row without symbol and exchange: broker symbol and token as one text, with a NUL
between them, which is in no text that was checked; strike; and the rest. Half the memory of a row.
"""

Checked = tuple[str, str, str, Packed, str | None]
"""Symbol, exchange and token of a row, what is stored of it packed, and its series."""

_NAME, _EXPIRY = (COLUMNS[5:].index(each) for each in ("name", "expiry"))


def unpack(packed: Packed) -> dict[str, Any]:
    """Its columns by name, but for symbol and exchange."""
    texts, strike, rest = packed
    return dict(zip(COLUMNS[2:], (*texts.split("\0"), strike, *rest), strict=True))


class Validator:
    """Checks symbols one by one; made for one load, since it remembers what it has seen.

    `lengths` holds the longest text of each column (none where a column is absent). Repeated
    values are checked once and come out as one shared object.
    """

    def __init__(self, lengths: Mapping[str, int]) -> None:
        longest = {column: lengths.get(column, sys.maxsize) for column in COLUMNS}
        self._symbol = _checker(text_of, "symbol", longest["symbol"])
        self._broker_symbol = _checker(text_of, "broker_symbol", longest["broker_symbol"])
        self._token = _checker(token_of, "token", longest["token"])
        self._longest = longest["symbol"], longest["broker_symbol"], longest["token"]
        self._traits = Memo(_Traits(longest).of)
        self._strikes = Memo(_strike)

    def validate(self, row: Instrument | RejectedRow | Mapping[str, object]) -> Checked | str:
        """The checked values, or the reason why they cannot be stored.

        A mapping may hold only fields of Instrument; InvalidInput names any other.
        """
        if type(row) is not Instrument:
            if isinstance(row, RejectedRow):
                return str(row.reason)
            row = _instrument(row)
        try:
            return self._as_expected(row) or self._checked(row)
        except Rejected as rejected:
            return rejected.reason
        except TypeError:
            column = _unhashable_column(row)
            if column is None:
                raise
            return f"{column} is not a plain value"

    def _as_expected(self, row: Instrument) -> Checked | None:
        """A contract whose symbols are what its columns let us expect, as nearly all are; None for
        any other row, which has to be checked.

        Such a symbol is a clean name, a day, and at most the strike and kind: no blank, no spread,
        not the name or a number alone.
        """
        (
            symbol,
            exchange,
            token,
            broker_symbol,
            name,
            broker_exchange,
            instrument_type,
            lot_size,
            tick_size,
            expiry,
            strike,
            option_type,
            contract_value,
            series,
            _line,
        ) = row
        try:
            exchange, kind, heads, shared = self._traits[
                name,
                expiry,
                exchange,
                broker_exchange,
                instrument_type,
                lot_size,
                tick_size,
                option_type,
                contract_value,
            ]
            strike, tail = self._strikes[strike, kind]
        except (Rejected, TypeError):
            return None  # the reason that counts may be one of the symbols
        longest_symbol, longest_broker_symbol, longest_token = self._longest
        if (
            type(symbol) is type(broker_symbol) is type(token) is str
            and symbol.removesuffix(tail) in heads
            and broker_symbol.removesuffix(tail) in heads
            and len(symbol) <= longest_symbol
            and len(broker_symbol) <= longest_broker_symbol
            and len(token) <= longest_token
            and token.isprintable()
            and " " not in token
            and ".0" not in token
            and token not in BLANK
            and series is None
        ):
            return symbol, exchange, token, (f"{broker_symbol}\0{token}", strike, shared), None
        return None

    def _checked(self, row: Instrument) -> Checked:
        symbol = self._symbol(row.symbol)
        broker_symbol = self._broker_symbol(row.broker_symbol)
        token = self._token(row.token)
        traits = (
            row.expiry,
            row.exchange,
            row.broker_exchange,
            row.instrument_type,
            row.lot_size,
            row.tick_size,
            row.option_type,
            row.contract_value,
        )
        exchange, kind, heads, shared = self._traits[row.name, *traits]
        strike, tail = self._strikes[row.strike, kind]

        if kind is not None:
            name, expiry = shared[_NAME], shared[_EXPIRY]
            if expiry is None:
                raise Rejected("a derivative without an expiry")
            if kind == "FUT" and is_spread(broker_symbol, name):
                raise Rejected(SPREAD)
            if name is None:
                name = name_in(broker_symbol, kind, strike)
                _, _, heads, shared = self._traits[name, *traits]
            if broker_symbol == name or broker_symbol.isdecimal():
                raise Rejected("broker_symbol tells no contract")
            if symbol.removesuffix(tail) not in heads:
                check_contract(symbol, exchange, expiry, strike, kind)
            if broker_symbol.removesuffix(tail) not in heads:
                told = in_known_form(broker_symbol, name, kind)
                if told.removesuffix(tail) not in heads:
                    check_contract(told, exchange, expiry, strike, kind)
        series = row.series
        if series is not None and not (isinstance(series, str) and _SERIES.fullmatch(series)):
            raise Rejected("series is unknown")
        return symbol, exchange, token, (f"{broker_symbol}\0{token}", strike, shared), series


class _Traits:
    """What many rows have in common, checked once."""

    def __init__(self, longest: Mapping[str, int]) -> None:
        self._longest = longest
        self._unnamed = Memo(self._without_name)

    def of(self, values: tuple[object, ...]) -> tuple[str, str | None, tuple[str, ...], Shared]:
        """The exchange, which kind of a contract it is (None: of none), how the symbol of such a
        contract may begin (digits alone tell none), and the values that are stored."""
        name, expiry, *others = values
        exchange, kind, broker_exchange, *sizes, option_type, contract_value = self._unnamed[
            tuple(others)
        ]
        name, expiry = self._text(name, "name"), day_of(expiry)
        heads = heads_of(name, expiry) if expiry else {}
        shared = broker_exchange, name, *sizes, expiry, option_type, contract_value
        return exchange, kind, tuple(head for head in heads if not head.isdecimal()), shared

    def _without_name(self, values: tuple[object, ...]) -> tuple[Any, ...]:
        exchange, broker_exchange, kind, lot_size, tick_size, option_type, contract_value = values
        exchange = _exchange(exchange)
        instrument_type = self._text(kind, "instrument_type")
        option_type = _option_type(option_type)
        lot_size = whole_of(lot_size, "lot_size")
        if instrument_type in OPTION_TYPES:
            if option_type not in (None, instrument_type):
                raise Rejected("instrument_type and option_type disagree")
            option_type = instrument_type
        if lot_size == 0 and exchange not in INDEX_EXCHANGES:
            raise Rejected("lot_size is 0")
        return (
            exchange,
            option_type or ("FUT" if instrument_type == "FUT" else None),
            self._text(broker_exchange, "broker_exchange"),
            instrument_type,
            lot_size,
            number_of(tick_size, "tick_size"),
            option_type,
            number_of(contract_value, "contract_value"),
        )

    def _text(self, value: object, column: str) -> str | None:
        return text_of(value, column, self._longest[column])


def _strike(key: tuple[object, str | None]) -> tuple[float | None, str]:
    """The strike, and how the symbol of a contract of this kind ends."""
    strike = number_of(key[0], "strike")
    kind = key[1]
    if kind in OPTION_TYPES and not strike:
        raise Rejected("an option without a strike")
    return strike, "" if kind is None else tail_of(strike, kind)


def _unhashable_column(row: Instrument) -> str | None:
    for column, value in zip(Instrument._fields, row, strict=True):
        try:
            hash(value)
        except TypeError:
            return column
    return None


def _instrument(row: object) -> Instrument:
    if not isinstance(row, Mapping):
        raise InvalidInput(f"a symbol is an Instrument or a mapping, not {type(row).__name__}")
    if not _FIELDS.issuperset(row):
        unknown = set(row) - _FIELDS
        raise InvalidInput(
            f"unknown columns of a symbol: {', '.join(sorted(map(str, unknown)))}; "
            f"allowed are {', '.join(Instrument._fields)}"
        )
    required = {"symbol": None, "exchange": None, "token": None}
    return Instrument(**{**required, "broker_symbol": row.get("symbol"), **row})


def _checker(
    convert: Callable[[object, str, int], str | None], column: str, longest: int
) -> Callable[[object], str]:
    """A check for a required column whose values differ from row to row, so no memo."""

    def check(value: object) -> str:
        if (
            type(value) is str
            and value.isprintable()  # no NUL, no lone surrogate
            and _LONGEST_BLANK < len(value) <= longest
            and value.strip() is value
            and (convert is text_of or value[-2:] != ".0")
        ):
            return value
        text = convert(value, column, longest)
        if text is None:
            raise Rejected(f"{column} is blank")
        return text

    return check


def _exchange(value: object) -> str:
    exchange = text_of(value, "exchange")
    if exchange is None:
        raise Rejected("exchange is blank")
    if exchange not in EXCHANGES:
        raise Rejected("exchange is unknown")
    return exchange


def _option_type(value: object) -> str | None:
    option_type = text_of(value, "option_type")
    if option_type is not None and option_type not in OPTION_TYPES:
        raise Rejected("option_type is neither CE nor PE")
    return option_type
