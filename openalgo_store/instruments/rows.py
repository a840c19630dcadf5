"""The one cleaning step of all readers: a broker's row, laid out in its way, as an Instrument."""

from collections.abc import Mapping
from functools import partial
from itertools import chain
from typing import Any

from ..records.symbols import Instrument
from ..values.memo import Memo
from .canonical_names import DERIVATIVES, SERIES_OF_SHARES, name_in, share_name
from .cleaning import Days, Rejected, number_of, whole_of
from .contracts import SPREAD, is_spread
from .conversions import (
    Row,
    clean_token,
    converted,
    expiry_of,
    getter,
    getters,
    known_exchange,
    numbers,
    strikes,
    symbols,
    texts,
)
from .index_names import index_name
from .layouts import Cells, Layout, Where, cells_of

SHARES = frozenset({"NSE", "BSE"})
INDEX_EXCHANGES = {"NSEIX": "GLOBAL_INDEX"}

_instrument = partial(tuple.__new__, Instrument)  # as Instrument(*values), in half the time


class Rows:
    """The rows of one file: `instrument` makes one of each.

    `places` says where a column is in a row. What rows have in common is converted once.
    """

    def __init__(self, layout: Layout, places: Mapping[str, Any], days: Days) -> None:
        def places_of(where: Where | None) -> list[Any]:
            return [places.get(name) for name in cells_of(where).columns]

        traits = _Traits(layout)
        self._get_traits = getter(list(map(places.get, traits.columns)), whole=True)
        self._traits = Memo(traits.of)
        self._convert_token = cells_of(layout.token).convert
        self._get_token = getter(places_of(layout.token), whole=self._convert_token is not None)
        own = (layout.broker_symbol, layout.name, layout.expiry, layout.strike)
        self._get_own = getters(list(map(places_of, own)))
        self._symbol_of = symbols(layout.broker_symbol)
        self._names = Memo(texts(layout.name, "name"))
        self._expiries = Memo(converted(layout.expiry, partial(expiry_of, days)))
        self._strikes = Memo(strikes(layout.strike))
        called = layout.called or layout.broker_symbol
        self._get_called = getter(places_of(called))
        self._called_of = symbols(called)
        self._has_series = layout.series is not None
        self._get_index = getter(places_of(layout.index))
        self._index_of = converted(layout.index, bool) if layout.index else None
        self._known_by = (
            (
                getter(places_of(traits.broker_exchange)),
                converted(traits.broker_exchange, known_exchange, "exchange"),
            ),
            (getter(places_of(layout.broker_symbol)), self._symbol_of),
        )

    def instrument(self, row: Row, line: int) -> Instrument:
        """A row under canonical names; raises Rejected, and LookupError if a cell is not there."""
        (
            exchange,
            broker_exchange,
            kind,
            option_type,
            lot_size,
            tick_size,
            contract_value,
            series,
        ) = self._traits[self._get_traits(row)]
        token = self._get_token(row)
        if self._convert_token is not None:
            token = self._convert_token(*token)
        # most tokens need no repair, and a reader's own are as it made them
        if type(token) is not str or not (self._convert_token or token.isdecimal()):
            token = clean_token(token)
        broker_symbol, name, expiry, strike = self._get_own(row)
        broker_symbol = self._symbol_of(broker_symbol)
        name = self._names[name]
        expiry, expiry_part = self._expiries[expiry]
        strike, strike_part = self._strikes[strike]

        if kind == "OPT":
            kind = option_type = _option_type(broker_symbol)
        if kind in DERIVATIVES:
            if expiry is None:
                raise Rejected("a derivative without an expiry")
            if option_type is None and is_spread(broker_symbol, name):
                raise Rejected(SPREAD)
            if name is None:
                name = name_in(broker_symbol, kind, strike)
                if name is None:
                    raise Rejected("name is blank and the symbol does not tell it")
            if option_type is None:
                symbol = f"{name}{expiry_part}FUT"
            else:
                symbol = f"{name}{expiry_part}{strike_part}{option_type}"
        else:
            symbol = self._called_of(self._get_called(row))
            if kind == "INDEX" or (self._index_of and self._index_of(self._get_index(row))):
                kind, series = "INDEX", None
                exchange = _of_indices(exchange)
                symbol = index_name(symbol, exchange)
            elif exchange in SHARES and not self._has_series:
                symbol, series = share_name(symbol)
            elif series is not None and series not in SERIES_OF_SHARES:
                symbol = f"{symbol}-{series}"

        return _instrument(
            (
                symbol,
                exchange,
                token,
                broker_symbol,
                name,
                broker_exchange,
                kind,
                lot_size,
                tick_size,
                expiry,
                strike,
                option_type,
                contract_value,
                series,
                line,
            )
        )

    def whose(self, row: Row) -> tuple[str | None, str | None]:
        """The exchange and the symbol of a row as its broker spells them, if it tells them."""
        told: list[str | None] = []
        for get, of in self._known_by:
            try:
                told.append(of(get(row)))
            except (Rejected, LookupError, TypeError):
                told.append(None)
        return told[0], told[1]


_contract_value = partial(number_of, column="contract_value")


class _Traits:
    """What many rows have in common, made of their cells at once."""

    def __init__(self, layout: Layout) -> None:
        exchange = cells_of(layout.exchange)
        self.broker_exchange = layout.broker_exchange or (
            Cells(exchange.columns[0]) if exchange.columns else exchange
        )
        makers = (
            (exchange, converted(exchange, known_exchange, "exchange")),
            (self.broker_exchange, converted(self.broker_exchange, known_exchange, "exchange")),
            (layout.kind, texts(layout.kind, "instrument_type")),
            (layout.lot_size, numbers(layout.lot_size, partial(whole_of, column="lot_size"))),
            (layout.tick_size, numbers(layout.tick_size, partial(number_of, column="tick_size"))),
            (layout.contract_value, numbers(layout.contract_value, _contract_value)),
            (layout.series, texts(layout.series, "series")),
        )
        used = [cells_of(where).columns for where, _ in makers]
        self.columns = list(dict.fromkeys(chain.from_iterable(used)))
        self._makers = [
            (getter(list(map(self.columns.index, columns))), made)
            for columns, (_, made) in zip(used, makers, strict=True)
        ]

    def of(self, key: tuple[Any, ...]) -> tuple[Any, ...]:
        """Their values, of the cells of `columns`."""
        values = [made(get(key)) for get, made in self._makers]
        exchange, broker_exchange, kind, lot_size, tick_size, contract_value, series = values
        option_type = kind if kind in ("CE", "PE") else None
        if exchange != "NSE":
            series = None
        return (
            exchange,
            broker_exchange,
            kind,
            option_type,
            lot_size,
            tick_size,
            contract_value,
            series,
        )


def _of_indices(exchange: str) -> str:
    if exchange.endswith("_INDEX"):
        return exchange
    return INDEX_EXCHANGES.get(exchange, f"{exchange}_INDEX")


def _option_type(broker_symbol: str) -> str:
    if broker_symbol[-2:] not in ("CE", "PE"):
        raise Rejected("the symbol does not tell the option type")
    return broker_symbol[-2:]
