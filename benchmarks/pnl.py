"""Profit or loss of one day out of a year of trades."""

from functools import partial
from math import isclose

from openalgo_store import get_daily_pnl
from openalgo_store.values.days import one_day

from . import orm_books, raw_books
from .books import middle_day, trader_of
from .measure import Figure, batch, in_turns
from .setting import Setting


def run(setting: Setting) -> list[Figure]:
    """One day of 250. The raw driver sums in floats, as the ORM does, over a range of the index."""
    day, figures = middle_day(), []
    begin, end = one_day(day)
    for database in setting.books:
        trader = trader_of(database, setting.scale.orders)
        by_raw = partial(raw_books.daily_pnl, database.raw, trader, begin, end)
        ours = partial(get_daily_pnl, trader, day)
        by_orm = partial(orm_books.get_daily_pnl, database.orm, trader, day)
        for theirs in (by_raw(), by_orm()):
            assert all(map(partial(isclose, rel_tol=1e-6), theirs, ours()))
        ways = {
            "raw": batch(setting.scale.batch, by_raw),
            "ours": batch(setting.scale.batch, ours),
            "orm": batch(1, by_orm),
        }
        found = in_turns(ways, setting.scale.rounds)
        figures.append(Figure.of("P&L of a day", database.name, "ms", found, 1e3))
    return figures
