"""Searching a broker's master by words, as a trader types them."""

from datetime import date
from math import inf
from typing import Any

from ...caching.search_ranks import Search
from ...engine.pagination import row_limit
from ...errors import InvalidInput
from ...records.symbols import Symbol
from ...store import current_store
from ...values import clock
from ...values.arguments import number_or_none, true_or_false
from ...values.days import require_day
from ...values.text import check_text, require_text
from ..shapes import given
from .symbols import fits, whole_master

LONGEST_QUERY = 200
"""Characters."""

ALWAYS = date(1970, 1, 1)
"""The first day on which anything can have expired."""


def search_symbols(
    query: str,
    broker: str,
    *,
    exchange: str | None = None,
    instrument_type: str | None = None,
    underlying: str | None = None,
    expiry: date | None = None,
    strike_min: float | None = None,
    strike_max: float | None = None,
    limit: int = 50,
    include_expired: bool = False,
) -> list[Symbol]:
    """The instruments that have every word of the query, the best first, at most `limit` (1,000).

    A word may stand anywhere in the symbol, the broker's symbol, the name or the token, in capitals
    or not; a number may also be the strike. First come those whose symbol is a word, or all of them
    together; then those whose name is one; whose symbol begins with one, or holds one; and the
    rest. Among equals what does not expire comes first, then the nearer expiry, the shorter symbol,
    the alphabet.

    The filters are matched exactly, strikes from `strike_min` to `strike_max`. With one of them the
    query may be empty. What expired before today, the Indian day, is left out unless
    `include_expired`. Answers come from the master in memory: the first search of a process waits
    for the index of it; see docs/symbols.md. InvalidInput for an argument that can be none.
    """
    words = tuple(_query(query).casefold().split())
    filters: dict[str, Any] = given(
        exchange=_text("exchange", exchange),
        instrument_type=_text("instrument_type", instrument_type),
        underlying=_text("underlying", underlying),
        expiry=None if expiry is None else require_day(expiry),
        strike_min=number_or_none("strike_min", strike_min),
        strike_max=number_or_none("strike_max", strike_max),
    )
    if filters.get("strike_min", -inf) > filters.get("strike_max", inf):
        raise InvalidInput("strike_min is above strike_max: swap them")
    if not words and not filters:
        raise InvalidInput("the query is empty: give a word, or a filter to browse by")
    since = ALWAYS if true_or_false("include_expired", include_expired) else today()
    search = Search(words, since, row_limit("limit", limit), **filters)
    if not fits("broker", broker):
        return []
    found = current_store().searches.find(broker, whole_master(broker), search)
    return list(map(Symbol._make, found))


def today() -> date:
    """The Indian day: what expires on it can still be traded."""
    return clock.trading_day(clock.now())


def _query(query: str) -> str:
    if len(check_text(require_text("query", query))) > LONGEST_QUERY:
        raise InvalidInput(f"a query of more than {LONGEST_QUERY} characters: shorten it")
    return query


def _text(name: str, text: str | None) -> str | None:
    return None if text is None else check_text(require_text(name, text))
