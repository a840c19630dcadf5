"""The contracts on an underlying: which there are, their expiries, futures, option chains."""

from collections.abc import Iterable
from datetime import date
from functools import cache
from itertools import groupby
from operator import attrgetter
from typing import Any, TypeVar

from sqlalchemy import bindparam, select

from ...engine.queries import Query
from ...engine.sql_files import SqlFile
from ...engine.transaction import Transaction
from ...errors import InvalidInput
from ...records.symbols import ChainRow, CurrentExpiries, OptionChain, Symbol
from ...sessions import one_statement
from ...tables.symbols import symbols
from ...values.arguments import number_or_none, one_of, one_or_more, true_or_false
from ...values.days import require_day
from ..shapes import equal, given
from .searching import ALWAYS, today
from .symbols import fits

R = TypeVar("R")
T = TypeVar("T")

KINDS = ("FUT", "CE", "PE")

_sql = SqlFile("symbols/symbols.sql", symbols)
_get_option_chain = _sql.query("get_option_chain", Symbol)
_get_futures = _sql.query("get_futures", Symbol, since=symbols.c.expiry.type)


def get_underlyings(
    broker: str, exchange: str, instrument_type: str | None = None, *, tx: Transaction | None = None
) -> list[str]:
    """The names on which contracts of an exchange are written, alphabetically.

    `instrument_type` asks for those of FUT, CE or PE alone; what has expired does not count. The
    whole table is read: this takes some tens of milliseconds.
    """
    asked = {"broker": broker, "exchange": exchange} | _kind(instrument_type)
    return _ask(_names(frozenset(asked)), tx, asked | {"since": today()})


def get_expiries(
    underlying: str,
    exchange: str,
    broker: str,
    instrument_type: str | None = None,
    *,
    include_expired: bool = False,
    tx: Transaction | None = None,
) -> list[date]:
    """When contracts on an underlying expire, the nearest first.

    `instrument_type` asks for those of FUT, CE or PE alone: on MCX options expire before the
    futures on which they are written. Today, the Indian day, is the first one, unless
    `include_expired`.
    """
    asked = {"name": underlying, "exchange": exchange, "broker": broker} | _kind(instrument_type)
    since = ALWAYS if true_or_false("include_expired", include_expired) else today()
    return _ask(_expiries(frozenset(asked)), tx, asked | {"since": since})


def get_current_expiries(
    underlying: str,
    exchange: str,
    broker: str,
    instrument_type: str = "CE",
    *,
    tx: Transaction | None = None,
) -> CurrentExpiries:
    """The current and the next weekly and monthly expiry of the options on an underlying.

    Or of its futures: `instrument_type` is CE, PE or FUT. Which is which the listed dates tell.
    """
    one_of("instrument_type", instrument_type, KINDS)
    listed = get_expiries(underlying, exchange, broker, instrument_type, tx=tx)
    months = [list(days) for _, days in groupby(listed, lambda day: (day.year, day.month))]
    weeks = listed if any(len(days) > 1 for days in months) else []
    weekly, next_weekly, *_ = [*weeks, None, None]
    monthly, next_monthly, *_ = [*(days[-1] for days in months), None, None]
    return CurrentExpiries(weekly, next_weekly, monthly, next_monthly)


def get_futures(
    underlying: str,
    exchange: str,
    broker: str,
    *,
    include_expired: bool = False,
    tx: Transaction | None = None,
) -> list[Symbol]:
    """The futures on an underlying, the nearest expiry first; expired ones only if asked for."""
    since = ALWAYS if true_or_false("include_expired", include_expired) else today()
    asked = {"name": underlying, "exchange": exchange, "broker": broker}
    return _ask(_get_futures, tx, asked | {"since": since})


def get_option_chain(
    underlying: str,
    exchange: str,
    expiry: date,
    broker: str,
    around: float | None = None,
    strikes: int | None = None,
    *,
    tx: Transaction | None = None,
) -> OptionChain:
    """The options on an underlying that expire on a day, strike by strike; empty if there are none.

    `around` is a price in rupees: the strike that is nearest to it is marked, of two the lower one.
    With `strikes` the chain has no more than so many on each side of that one.
    """
    if strikes is not None:
        strikes = one_or_more("strikes", strikes)
        if around is None:
            raise InvalidInput("strikes counts from a price: give around as well")
    price = number_or_none("around", around)
    asked = {"name": underlying, "exchange": exchange, "broker": broker}
    found = _ask(_get_option_chain, tx, asked | {"expiry": require_day(expiry)})
    rows = [_row(strike, of_strike) for strike, of_strike in groupby(found, attrgetter("strike"))]
    if price is not None and rows:
        nearest = min(range(len(rows)), key=lambda at: abs(rows[at].strike - price))
        rows[nearest] = rows[nearest]._replace(is_nearest=True)
        if strikes is not None:
            rows = rows[max(0, nearest - strikes) : nearest + strikes + 1]
    return OptionChain(
        underlying,
        exchange,
        expiry,
        _only_one(each.lot_size for each in found),
        _only_one(each.tick_size for each in found),
        tuple(rows),
    )


def _row(strike: float, found: Iterable[Symbol]) -> ChainRow:
    by_type = {each.option_type: each for each in found}
    return ChainRow(strike, by_type.get("CE"), by_type.get("PE"), False)


def _only_one(values: Iterable[T]) -> T | None:
    different = set(values)
    return different.pop() if len(different) == 1 else None


def _kind(instrument_type: str | None) -> dict[str, str]:
    """The filter by a kind of contract, if one is asked for."""
    asked = given(instrument_type=instrument_type)
    return {name: one_of(name, kind, KINDS) for name, kind in asked.items()}


@cache
def _names(asked: frozenset[str]) -> Query[str]:
    """The different names of contracts that expire from the parameter `since` on."""
    return Query.of(_different(symbols.c.name, asked), str)


@cache
def _expiries(asked: frozenset[str]) -> Query[date]:
    """The different expiries, from the parameter `since` on."""
    return Query.of(_different(symbols.c.expiry, asked), date)


def _different(column: Any, asked: frozenset[str]) -> Any:
    since = bindparam("since", type_=symbols.c.expiry.type)
    rules = *equal(symbols, asked), symbols.c.expiry >= since, column.is_not(None)
    return select(column).where(*rules).distinct().order_by(column)


def _ask(query: Query[R], tx: Transaction | None, values: dict[str, Any]) -> list[R]:
    """What the caller's session tells, else the primary; nothing for what no symbol can have."""
    texts = values.keys() & {"name", "exchange", "broker"}
    if not all(fits(name, values[name]) for name in texts):
        return []
    with one_statement("main", tx, primary=tx is None) as session:
        return session.all(query, **values)
