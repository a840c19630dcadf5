"""Reading one row that no cache holds: with no session given, and in one that is."""

import random
from collections.abc import Callable
from itertools import cycle

from openalgo_store import (
    get_order,
    get_read_session,
    get_symbol_token,
    warm_symbol_cache,
)

from . import BROKER, core, orm, orm_books, raw, raw_books, raw_symbols
from .books import trader_of
from .measure import Figure, in_turns, seconds
from .setting import Database, Setting

ADDED = 500
"""Symbols that another program has stored since the cache was filled."""

Repeated = Callable[[int], object]
"""So many reads."""


def run(setting: Setting) -> list[Figure]:
    """µs for each: an order by its id, and the token of a symbol that the cache lacks.

    The raw driver reads on its held connection; on PostgreSQL, where no session is given, on one
    that it takes from its pool for each read.
    """
    figures = []
    for database in setting.books:
        trader_of(database, setting.scale.orders)
        joined = _orders_joined(database, setting)
        with database.alone() as alone:
            single = _orders(database, setting)
            if alone:
                single["alone"] = _orders(alone, setting)["orm"]
            figures += [
                _figure("order, no session given", database, setting, single),
                _figure("order, in a given session", database, setting, joined),
            ]
    for database in setting.databases:
        database.hold(setting.today)
        symbols = _add_behind_the_cache(database, setting)
        figures += [
            _figure("token, no session given", database, setting, _tokens(database, symbols)),
            _figure(
                "token, in a given session", database, setting, _tokens_joined(database, symbols)
            ),
        ]
    return figures


def _figure(case: str, database: Database, setting: Setting, reads: dict[str, Repeated]) -> Figure:
    times = 4 * setting.scale.batch

    def measured(repeated: Repeated) -> Callable[[], tuple[float, ...]]:
        return lambda: (seconds(lambda: repeated(times)) / times,)

    ways = {way: measured(repeated) for way, repeated in reads.items()}
    return Figure.of(case, database.name, "µs", in_turns(ways, setting.scale.rounds), 1e6)


def _each(read: Callable[[str], object], names: list[str]) -> Repeated:
    """Reads one after the other, the names in turn."""
    turn = cycle(names)

    def repeated(times: int) -> None:
        for _ in range(times):
            read(next(turn))

    return repeated


def _orders(database: Database, setting: Setting) -> dict[str, Repeated]:
    engine, ids = database.raw, _ids(setting)
    sql = engine.statement(raw_books.GET_ORDER)
    return {
        "raw": _each(lambda each: engine.one(sql, (each,)), ids),
        "ours": _each(get_order, ids),
        "core": _each(lambda each: core.get_order(database.core, each), ids),
        "orm": _each(lambda each: orm_books.get_order(database.orm, each), ids),
    }


def _orders_joined(database: Database, setting: Setting) -> dict[str, Repeated]:
    ids, sql = _ids(setting), database.raw.statement(raw_books.GET_ORDER)
    turn = cycle(ids)

    def ours(times: int) -> None:
        with get_read_session() as tx:
            for _ in range(times):
                get_order(next(turn), tx=tx)

    def by_orm(times: int) -> None:
        with orm.get_db_session(database.orm) as session:
            for _ in range(times):
                orm_books.find_order(session, next(turn))

    execute = database.raw.connection.execute
    by_raw = _each(lambda each: execute(sql, (each,)).fetchone(), ids)
    return {"raw": by_raw, "ours": ours, "orm": by_orm}


def _ids(setting: Setting) -> list[str]:
    """Orders anywhere in the book."""
    drawn = random.Random(2).choices(range(1, setting.scale.orders), k=1_000)
    return [f"O{number:09}" for number in drawn]


def _add_behind_the_cache(database: Database, setting: Setting) -> list[str]:
    """Fill the cache; then symbols by the raw driver, which the database alone has."""
    warm_symbol_cache(BROKER)
    rows = []
    for number, row in enumerate(setting.today.rows[:ADDED]):
        named = dict(zip(raw_symbols.COLUMNS, row, strict=True)) | {
            "symbol": f"ADDED{number}",
            "exchange": "NSE",
        }
        rows.append(database.raw.storable(tuple(named.values())))
    raw.load(database.raw, rows, raw_symbols.SYMBOLS)
    return [f"ADDED{number}" for number in range(len(rows))]


def _tokens(database: Database, symbols: list[str]) -> dict[str, Repeated]:
    engine, sql = database.raw, database.raw.statement(raw_symbols.FIND_TOKEN)
    return {
        "raw": _each(lambda each: engine.one(sql, (BROKER, each, "NSE")), symbols),
        "ours": _each(lambda each: get_symbol_token(each, "NSE", BROKER), symbols),
        "orm": _each(lambda each: orm.read_token(database.orm, each, "NSE", BROKER), symbols),
    }


def _tokens_joined(database: Database, symbols: list[str]) -> dict[str, Repeated]:
    turn, sql = cycle(symbols), database.raw.statement(raw_symbols.FIND_TOKEN)

    def ours(times: int) -> None:
        with get_read_session() as tx:
            for _ in range(times):
                get_symbol_token(next(turn), "NSE", BROKER, tx=tx)

    def by_orm(times: int) -> None:
        with orm.get_db_session(database.orm) as session:
            for _ in range(times):
                orm.find_token(session, next(turn), "NSE", BROKER)

    execute = database.raw.connection.execute
    by_raw = _each(lambda each: execute(sql, (BROKER, each, "NSE")).fetchone(), symbols)
    return {"raw": by_raw, "ours": ours, "orm": by_orm}
