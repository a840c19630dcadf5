"""From the cells of a broker's row to values: what takes them out, and what becomes of them."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import partial
from operator import itemgetter
from typing import Any, TypeVar

from .canonical_names import expiry_text, strike_text
from .cleaning import BLANK, Days, Rejected, day_of, number_of, text_of, token_of
from .layouts import Where, cells_of

V = TypeVar("V")

Row = Any
"""A list of cells, or a mapping of names to them: what itemgetter takes."""
Key = Any
"""The cells of one place in it: one, or a tuple of them."""


def getter(places: Sequence[Any], *, whole: bool = False) -> Callable[[Row], Key]:
    """What takes cells out of a row, one alone or a tuple; columns that are not there are blank."""
    if None not in places and len(places) > whole:
        return itemgetter(*places)

    def get(row: Row) -> Key:
        cells = tuple("" if place is None else row[place] for place in places)
        return cells[0] if len(cells) == 1 and not whole else cells

    return get


def getters(each: Sequence[Sequence[Any]]) -> Callable[[Row], tuple[Key, ...]]:
    """What takes the cells of several places out of a row."""
    if all(len(places) == 1 and places[0] is not None for places in each):
        return itemgetter(*(places[0] for places in each))
    taking = list(map(getter, each))
    return lambda row: tuple([get(row) for get in taking])


def converted(where: Where | None, clean: Callable[[Any], V], what: str = "") -> Callable[[Key], V]:
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


def texts(where: Where | None, column: str) -> Callable[[Key], str | None]:
    """The same of a text."""
    return converted(where, partial(text_of, column=column), column)


def _looked_up(table: Mapping[Any, str], what: str) -> Callable[..., str]:
    def find(*cells: Any) -> str:
        keys = tuple(each.strip() if isinstance(each, str) else each for each in cells)
        key = keys if len(keys) > 1 else keys[0]
        if key in table:
            return table[key]
        blank = all(each is None or each in BLANK for each in keys)
        raise Rejected(f"{what} is blank" if blank else f"{what} is unknown")

    return find


def numbers(where: Where | None, clean: Callable[[Any], V]) -> Callable[[Key], V]:
    """The same of a number: units of the broker's become rupees."""
    cells = cells_of(where)
    if cells.per == 1 and not cells.blank:
        return converted(where, clean)

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


def clean_token(value: object) -> str:
    """A token; most need no repair."""
    if type(value) is str and value.isprintable() and value[-2:] != ".0":
        text = value.strip()
        if text and text not in BLANK:
            return text
    token = token_of(value)
    if token is None:
        raise Rejected("token is blank")
    return token


def symbols(where: Where) -> Callable[[Key], str]:
    """The broker's symbol: no two rows have the same, so nothing is remembered."""
    cells = cells_of(where)
    column = cells.columns[0]

    def clean(value: object) -> str:
        if type(value) is str and "\0" not in value and (text := value.strip()) not in BLANK:
            return text
        found = text_of(value, column)
        if found is None:
            raise Rejected(f"{column} is blank")
        return found

    return converted(cells, clean)


def known_exchange(value: object) -> str:
    exchange = text_of(value, "exchange")
    if exchange is None:
        raise Rejected("exchange is blank")
    return exchange


def expiry_of(days: Days, value: object) -> tuple[date | None, str]:
    day = days.day_of(value) if isinstance(value, str) else day_of(value)
    return day, expiry_text(day) if day else ""


def strikes(where: Where | None) -> Callable[[Key], tuple[float | None, str]]:
    made = numbers(where, partial(number_of, column="strike"))

    def strike(key: Key) -> tuple[float | None, str]:
        number = made(key)
        return number, "" if number is None else strike_text(number)

    return strike
