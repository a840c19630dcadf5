"""The one cleaning step of all readers: a broker's row, laid out in its way, as an Instrument."""

from collections.abc import Callable, Mapping
from datetime import date
from functools import partial
from itertools import chain
from operator import itemgetter
from typing import Any, TypeVar

from ..records.symbols import Instrument
from .canonical_names import (
    DERIVATIVES,
    SERIES_OF_SHARES,
    expiry_text,
    name_in,
    share_name,
    strike_text,
)
from .cleaning import (
    BLANK,
    Days,
    Memo,
    Rejected,
    day_of,
    number_of,
    text_of,
    token_of,
    whole_of,
)
from .contracts import SPREAD, is_spread
from .index_names import index_name
from .layouts import Cells, Layout, Where, cells_of

V = TypeVar("V")

SHARES = frozenset({"NSE", "BSE"})
INDEX_EXCHANGES = {"NSEIX": "GLOBAL_INDEX"}

Row = Any
"""A list of cells, or a mapping of names to them: what itemgetter takes."""
Key = Any
"""The cells of one place in it: one, or a tuple of them."""


_instrument = partial(tuple.__new__, Instrument)  # as Instrument(*values), in half the time


class Rows:
    """The rows of one file: `instrument` makes one of each.

    `places` says where a column is in a row. What rows have in common is converted once.
    """

    def __init__(self, layout: Layout, places: Mapping[str, Any], days: Days) -> None:
        def getter(where: Where | None) -> Callable[[Row], Key]:
            return _getter([places.get(name) for name in cells_of(where).columns])

        traits = _Traits(layout)
        self._get_traits = _getter([places.get(name) for name in traits.columns], whole=True)
        self._traits = Memo(traits.of)
        self._get_token = getter(layout.token)
        self._token_of = _made(layout.token, _token)
        self._get_symbol = getter(layout.broker_symbol)
        self._symbol_of = _symbol(layout.broker_symbol)
        self._get_name = getter(layout.name)
        self._names = Memo(_text(layout.name, "name"))
        self._get_expiry = getter(layout.expiry)
        self._expiries = Memo(_made(layout.expiry, partial(_expiry, days)))
        self._get_strike = getter(layout.strike)
        self._strikes = Memo(_strike(layout.strike))
        called = layout.called or layout.broker_symbol
        self._get_called = getter(called)
        self._called_of = _symbol(called)
        self._has_series = layout.series is not None
        self._get_index = getter(layout.index)
        self._index_of = _made(layout.index, bool) if layout.index else None
        self._get_broker_exchange = getter(traits.broker_exchange)
        self._broker_exchange_of = _made(traits.broker_exchange, _exchange, "exchange")

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
        token = self._token_of(self._get_token(row))
        broker_symbol = self._symbol_of(self._get_symbol(row))
        name = self._names[self._get_name(row)]
        expiry, expiry_part = self._expiries[self._get_expiry(row)]
        strike, strike_part = self._strikes[self._get_strike(row)]

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
        for get, of in (
            (self._get_broker_exchange, self._broker_exchange_of),
            (self._get_symbol, self._symbol_of),
        ):
            try:
                told.append(of(get(row)))
            except (Rejected, LookupError, TypeError):
                told.append(None)
        return told[0], told[1]


class _Traits:
    """What many rows have in common, made of their cells at once."""

    def __init__(self, layout: Layout) -> None:
        exchange = cells_of(layout.exchange)
        self.broker_exchange = layout.broker_exchange or (
            Cells(exchange.columns[0]) if exchange.columns else exchange
        )
        numbers = partial(_number, clean=partial(number_of, column="tick_size"))
        makers = (
            (exchange, _made(exchange, _exchange, "exchange")),
            (self.broker_exchange, _made(self.broker_exchange, _exchange, "exchange")),
            (layout.kind, _text(layout.kind, "instrument_type")),
            (layout.lot_size, _number(layout.lot_size, partial(whole_of, column="lot_size"))),
            (layout.tick_size, numbers(layout.tick_size)),
            (
                layout.contract_value,
                _number(layout.contract_value, partial(number_of, column="contract_value")),
            ),
            (layout.series, _text(layout.series, "series")),
        )
        used = [cells_of(where).columns for where, _ in makers]
        self.columns = list(dict.fromkeys(chain.from_iterable(used)))
        self._makers = [
            (_getter(list(map(self.columns.index, columns))), made)
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


def _getter(places: list[Any], *, whole: bool = False) -> Callable[[Row], Key]:
    """What takes cells out of a row; those of columns that are not there are blank."""
    if None not in places and len(places) > whole:
        return itemgetter(*places)

    def get(row: Row) -> Key:
        cells = tuple("" if place is None else row[place] for place in places)
        return cells[0] if len(cells) == 1 and not whole else cells

    return get


def _made(where: Where | None, clean: Callable[[Any], V], what: str = "") -> Callable[[Key], V]:
    """What becomes of the cells of a place: converted as the broker needs it, then cleaned."""
    cells = cells_of(where)
    convert = cells.convert
    if cells.table is not None:
        convert = _looked_up(cells.table, what)
    if convert is None:
        return clean
    if len(cells.columns) == 1:
        return lambda key: clean(convert(key))
    return lambda key: clean(convert(*key))


def _text(where: Where | None, column: str) -> Callable[[Key], str | None]:
    return _made(where, partial(text_of, column=column), column)


def _looked_up(table: Mapping[Any, str], what: str) -> Callable[..., str]:
    def find(*cells: Any) -> str:
        keys = tuple(each.strip() if isinstance(each, str) else each for each in cells)
        key = keys if len(keys) > 1 else keys[0]
        if key in table:
            return table[key]
        blank = all(each is None or each in BLANK for each in keys)
        raise Rejected(f"{what} is blank" if blank else f"{what} is unknown")

    return find


def _number(where: Where | None, clean: Callable[[Any], V]) -> Callable[[Key], V]:
    """The same of a number: units of the broker's become rupees."""
    cells = cells_of(where)
    if cells.per == 1 and not cells.blank:
        return _made(where, clean)

    def made(key: Key) -> Any:
        *others, value = key if len(cells.columns) > 1 else (key,)
        if cells.convert is not None:
            value = cells.convert(*others, value)
        if cells.blank and _float(value) in cells.blank:
            return None
        number: Any = clean(value)
        per = cells.per(*others) if callable(cells.per) else cells.per
        return number / per if number and per != 1 else number

    return made


def _float(value: object) -> float | None:
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return None


def _token(value: object) -> str:
    if (
        type(value) is str
        and value.isprintable()
        and value[-2:] != ".0"
        and value not in BLANK
        and value[0] != " " != value[-1]
    ):
        return value
    token = token_of(value)
    if token is None:
        raise Rejected("token is blank")
    return token


def _symbol(where: Where) -> Callable[[Key], str]:
    """The broker's symbol: no two rows have the same, so nothing is remembered."""
    cells = cells_of(where)
    column = cells.columns[0]

    def clean(value: object) -> str:
        text = value.strip() if type(value) is str else text_of(value, column)
        if text is None or text in BLANK:
            raise Rejected(f"{column} is blank")
        if "\0" in text:
            raise Rejected(f"{column} holds a NUL character")
        return text

    return _made(cells, clean)


def _of_indices(exchange: str) -> str:
    if exchange.endswith("_INDEX"):
        return exchange
    return INDEX_EXCHANGES.get(exchange, f"{exchange}_INDEX")


def _option_type(broker_symbol: str) -> str:
    if broker_symbol[-2:] not in ("CE", "PE"):
        raise Rejected("the symbol does not tell the option type")
    return broker_symbol[-2:]


def _exchange(value: object) -> str:
    exchange = text_of(value, "exchange")
    if exchange is None:
        raise Rejected("exchange is blank")
    return exchange


def _expiry(days: Days, value: object) -> tuple[date | None, str]:
    day = days.day_of(value) if isinstance(value, str) else day_of(value)
    return day, expiry_text(day) if day else ""


def _strike(where: Where | None) -> Callable[[Key], tuple[float | None, str]]:
    made = _number(where, partial(number_of, column="strike"))

    def strike(key: Key) -> tuple[float | None, str]:
        number = made(key)
        return number, "" if number is None else strike_text(number)

    return strike
