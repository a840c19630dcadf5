"""What a search asks for, and how well a symbol answers it."""

import re
from collections.abc import Callable
from datetime import date
from math import inf
from typing import NamedTuple

from ..records import Row
from ..records.symbols import Symbol
from .snapshots import BROKER_SYMBOL, EXCHANGE, EXPIRY, SYMBOL, TOKEN

NAME, STRIKE = Symbol._fields.index("name"), Symbol._fields.index("strike")
INSTRUMENT_TYPE = Symbol._fields.index("instrument_type")

EXACT, UNDERLYING, PREFIX, SUBSTRING, OTHER, NONE = range(6)
"""Whose symbol, or underlying, is the word; whose symbol begins with it, or holds it; who has it
in the name, the broker's symbol, the token, or as the strike; who does not have it."""

_is_number = re.compile(r"[0-9]+(\.[0-9]+)?", re.ASCII).fullmatch


class Search(NamedTuple):
    """What is searched for: casefolded words and filters, at most `limit` rows.

    What has expired before `since` is hidden.
    """

    words: tuple[str, ...]
    since: date
    limit: int
    exchange: str | None = None
    instrument_type: str | None = None
    underlying: str | None = None
    expiry: date | None = None
    strike_min: float | None = None
    strike_max: float | None = None


def number_in(word: str) -> float | None:
    """The strike that a word may be; 0 is none."""
    return (float(word) or None) if _is_number(word) else None


def ranking(search: Search) -> Callable[[Row], int]:
    """How well a row answers: the rank of the word that fits best, NONE if one does not fit at all.

    Its symbol may also be all words together.
    """
    words = [(each, number_in(each)) for each in search.words]
    together = "".join(search.words)
    passes = _filter(search)

    def rank(row: Row) -> int:
        if not passes(row):
            return NONE
        symbol, name = row[SYMBOL].casefold(), row[NAME]
        name = name.casefold() if name else ""
        best = EXACT if symbol == together else OTHER
        for word, number in words:
            if name == word:
                fits = EXACT if symbol == word else UNDERLYING
            elif word in symbol:
                fits = PREFIX if symbol.startswith(word) else SUBSTRING
                if symbol == word:
                    fits = EXACT
            elif (
                word in name
                or word in row[BROKER_SYMBOL].casefold()
                or word in row[TOKEN].casefold()
                or (number is not None and row[STRIKE] == number)
            ):
                fits = OTHER
            else:
                return NONE
            if fits < best:
                best = fits
        return best

    return rank


def _filter(search: Search) -> Callable[[Row], bool]:
    """Whether a row passes the filters, but for `since`."""
    equal = [
        (column, value)
        for column, value in (
            (EXCHANGE, search.exchange),
            (INSTRUMENT_TYPE, search.instrument_type),
            (NAME, search.underlying),
            (EXPIRY, search.expiry),
        )
        if value is not None
    ]
    least, most = search.strike_min, search.strike_max
    by_strike = least is not None or most is not None
    least, most = -inf if least is None else least, inf if most is None else most

    def passes(row: Row) -> bool:
        for column, value in equal:
            if row[column] != value:
                return False
        return not by_strike or (bool(row[STRIKE]) and least <= row[STRIKE] <= most)

    return passes
