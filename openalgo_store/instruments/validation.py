"""The gate that every symbol passes before it is stored, whoever made it."""

import sys
from collections.abc import Callable, Mapping
from functools import partial

from ..errors import InvalidInput
from ..records import Row
from ..records.symbols import Instrument
from .canonical_names import DERIVATIVES, name_in
from .cleaning import BLANK, Memo, Rejected, day_of, number_of, text_of, token_of, whole_of
from .contracts import SPREAD, check_contract, heads_of, is_spread, tail_of

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
_FIELDS = frozenset(Instrument._fields)


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
        self._exchange = Memo(_exchange)
        self._broker_exchange = _text_memo("broker_exchange", longest["broker_exchange"])
        self._name = _text_memo("name", longest["name"])
        self._instrument_type = _text_memo("instrument_type", longest["instrument_type"])
        self._lot_size = Memo(partial(whole_of, column="lot_size"))
        self._tick_size = Memo(partial(number_of, column="tick_size"))
        self._expiry = Memo(day_of)
        self._strike = Memo(partial(number_of, column="strike"))
        self._option_type = Memo(_option_type)
        self._contract_value = Memo(partial(number_of, column="contract_value"))
        self._heads = Memo(lambda contract: heads_of(*contract))
        self._tails = {kind: Memo(partial(tail_of, kind=kind)) for kind in DERIVATIVES}

    def validate(self, row: Instrument | Mapping[str, object]) -> Row | str:
        """The values in the order of COLUMNS, or the reason why they cannot be stored.

        A mapping may hold only fields of Instrument; InvalidInput names any other.
        """
        if type(row) is not Instrument:
            row = _instrument(row)
        try:
            return self._values(row)
        except Rejected as rejected:
            return rejected.reason
        except TypeError:
            column = _unhashable_column(row)
            if column is None:
                raise
            return f"{column} is not a plain value"

    def _values(self, row: Instrument) -> Row:
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
            _series,
            _line,
        ) = row
        symbol = self._symbol(symbol)
        broker_symbol = self._broker_symbol(broker_symbol)
        token = self._token(token)
        exchange = self._exchange[exchange]
        name = self._name[name]
        instrument_type = self._instrument_type[instrument_type]
        lot_size = self._lot_size[lot_size]
        expiry = self._expiry[expiry]
        strike = self._strike[strike]
        option_type = self._option_type[option_type]

        if instrument_type in OPTION_TYPES:
            if option_type is None:
                option_type = instrument_type
            elif option_type != instrument_type:
                raise Rejected("instrument_type and option_type disagree")
        if option_type is not None and not strike:
            raise Rejected("an option without a strike")
        if option_type is not None or instrument_type == "FUT":
            kind = option_type or "FUT"
            if expiry is None:
                raise Rejected("a derivative without an expiry")
            if kind == "FUT" and is_spread(broker_symbol, name):
                raise Rejected(SPREAD)
            if name is None:
                name = self._name[name_in(broker_symbol, kind, strike)]
            heads = self._heads[name, expiry]
            tail = self._tails[kind][strike]
            if symbol.removesuffix(tail) not in heads:
                check_contract(symbol, expiry, strike, kind)
            if broker_symbol.removesuffix(tail) not in heads:
                check_contract(broker_symbol, expiry, strike, kind)
        if lot_size == 0 and exchange not in INDEX_EXCHANGES:
            raise Rejected("lot_size is 0")

        return (
            symbol,
            exchange,
            broker_symbol,
            token,
            strike,
            self._broker_exchange[broker_exchange],
            name,
            instrument_type,
            lot_size,
            self._tick_size[tick_size],
            expiry,
            option_type,
            self._contract_value[contract_value],
        )


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
            and 0 < len(value) <= longest
            and value[0] != " " != value[-1]
            and value[-2:] != ".0"
            and value not in BLANK
        ):
            return value
        text = convert(value, column, longest)
        if text is None:
            raise Rejected(f"{column} is blank")
        return text

    return check


def _text_memo(column: str, longest: int) -> Memo[str | None]:
    return Memo(partial(text_of, column=column, longest=longest))


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
