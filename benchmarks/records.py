"""Many orders read at once, each as a record."""

from functools import partial

from sqlalchemy import select

from openalgo_store import Order, Query, get_read_session
from openalgo_store.tables.trading import live

from . import orm_books, raw_books
from .books import trader_of
from .measure import Figure, batch, in_turns
from .setting import Database, Setting

ORDERS = 50_000


def run(setting: Setting) -> list[Figure]:
    """One statement; the raw driver fetches tuples of what the engine keeps, and nothing else."""
    figures = []
    for database in setting.books:
        trader = trader_of(database, setting.scale.orders)
        count = min(ORDERS, setting.scale.orders)
        ways = {
            "raw": batch(1, partial(raw_books.first_page, database.raw, trader, count)),
            "ours": batch(1, partial(_read, trader, count)),
            "orm": batch(1, partial(_by_orm, database, trader, count)),
        }
        assert len(_read(trader, count)) == count
        found = in_turns(ways, setting.scale.repeat)
        figures.append(Figure.of("50,000 orders as records", database.name, "ms", found, 1e3))
    return figures


def _read(trader: int, count: int) -> list[Order]:
    """The newest orders, by a statement of the caller's own."""
    c = live.orders.c
    newest = select(*(c[name] for name in Order._fields)).where(c.user_id == trader)
    newest = newest.order_by(c.placed_at.desc(), c.id.desc()).limit(count)
    with get_read_session() as tx:
        return tx.all(Query.of(newest, Order))


def _by_orm(database: Database, trader: int, count: int) -> int:
    return len(orm_books.get_order_history(database.orm, trader, 1, count))
