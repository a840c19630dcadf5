"""Finding the token of a symbol: in the cache, in the database, and many of them at once."""

import random
from collections.abc import Callable
from functools import partial

from openalgo_store import get_read_session, get_symbol_token, get_symbol_tokens, warm_symbol_cache

from . import BROKER, orm, raw
from .measure import Figure, medians, seconds
from .setting import Database, Setting

CACHED, UNCACHED = 100_000, 500
PROMISED = 2.0

Pairs = list[tuple[str, str]]
Find = Callable[[Pairs], object]


def run(setting: Setting) -> list[Figure]:
    """µs for each symbol. The raw driver's cache is one dict; its lookups share a connection."""
    rows = setting.today.rows
    drawn = random.Random(1).choices(rows, k=CACHED)
    pairs = [(row[raw.SYMBOL], row[raw.EXCHANGE]) for row in drawn]
    figures = []
    for database in setting.databases:
        database.hold(setting.today)
        few = pairs[:UNCACHED]
        figures += [
            _figure("token, cached", database, pairs, setting.repeat, _cached(database), PROMISED),
            _figure("token, a session each", database, few, setting.repeat, _uncached(database)),
            _figure("token, in one session", database, few, setting.repeat, _joined(database)),
            _figure("500 tokens in one query", database, few, setting.repeat, _many(database)),
        ]
    return figures


def _figure(
    work: str,
    database: Database,
    pairs: Pairs,
    repeat: int,
    ways: dict[str, Find],
    promised: float | None = None,
) -> Figure:
    found = medians({name: partial(_timed, find, pairs) for name, find in ways.items()}, repeat)
    each = {name: median * 1e6 / len(pairs) for name, (median,) in found.items()}
    return Figure(work, database.name, "µs", each["raw"], each["ours"], each["orm"], ratio=promised)


def _timed(find: Find, pairs: Pairs) -> tuple[float, ...]:
    return (seconds(lambda: find(pairs)),)


def _cached(database: Database) -> dict[str, Find]:
    tokens = raw.read_tokens(database.raw, BROKER)
    warm_symbol_cache(BROKER)
    orm.warm_symbol_cache(database.orm)

    def by_dict(pairs: Pairs) -> None:
        for symbol, exchange in pairs:
            tokens[exchange, symbol]

    def ours(pairs: Pairs) -> None:
        for symbol, exchange in pairs:
            get_symbol_token(symbol, exchange, BROKER)

    def by_orm(pairs: Pairs) -> None:
        for symbol, exchange in pairs:
            orm.get_symbol_token(database.orm, symbol, exchange, BROKER)

    return {"raw": by_dict, "ours": ours, "orm": by_orm}


def _uncached(database: Database) -> dict[str, Find]:
    def ours(pairs: Pairs) -> None:
        for symbol, exchange in pairs:
            with get_read_session() as tx:
                get_symbol_token(symbol, exchange, BROKER, tx=tx)

    def by_orm(pairs: Pairs) -> None:
        for symbol, exchange in pairs:
            with orm.get_db_session(database.orm) as session:
                orm.find_token(session, symbol, exchange, BROKER)

    return {"raw": _by_driver(database), "ours": ours, "orm": by_orm}


def _joined(database: Database) -> dict[str, Find]:
    def ours(pairs: Pairs) -> None:
        with get_read_session() as tx:
            for symbol, exchange in pairs:
                get_symbol_token(symbol, exchange, BROKER, tx=tx)

    def by_orm(pairs: Pairs) -> None:
        with orm.get_db_session(database.orm) as session:
            for symbol, exchange in pairs:
                orm.find_token(session, symbol, exchange, BROKER)

    return {"raw": _by_driver(database), "ours": ours, "orm": by_orm}


def _many(database: Database) -> dict[str, Find]:
    def ours(pairs: Pairs) -> None:
        with get_read_session() as tx:
            get_symbol_tokens(pairs, BROKER, tx=tx)

    return {"raw": _by_driver(database), "ours": ours, "orm": _joined(database)["orm"]}


def _by_driver(database: Database) -> Find:
    def find(pairs: Pairs) -> None:
        for symbol, exchange in pairs:
            raw.find_token(database.raw, symbol, exchange, BROKER)

    return find
