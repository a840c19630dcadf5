"""Finding the token of a symbol in the cache, and many of them in one query."""

import random
from collections.abc import Callable, Sequence
from functools import partial

from openalgo_store import get_read_session, get_symbol_token, get_symbol_tokens, warm_symbol_cache

from . import BROKER, orm, raw_symbols
from .measure import Figure, in_turns, seconds
from .setting import Database, Setting

MANY = 500

Pairs = Sequence[tuple[str, str]]
Find = Callable[[Pairs], object]


def run(setting: Setting) -> list[Figure]:
    """µs for each symbol. The raw driver's cache is one dict, the ORM's a TTLCache with a lock."""
    rows = setting.today.rows
    drawn = random.Random(1).choices(rows, k=setting.scale.cached)
    pairs = list(map(raw_symbols.name_of, drawn))
    figures = []
    for database in setting.databases:
        database.hold(setting.today)
        many = list(dict.fromkeys(pairs))[:MANY]
        figures += [
            _figure("token, cached", database, setting, pairs, _cached(database)),
            _figure("500 tokens in one query", database, setting, many, _many(database)),
        ]
    return figures


def _figure(
    case: str, database: Database, setting: Setting, pairs: Pairs, ways: dict[str, Find]
) -> Figure:
    def timed(find: Find) -> tuple[float, ...]:
        return (seconds(lambda: find(pairs)) / len(pairs),)

    found = in_turns(
        {way: partial(timed, find) for way, find in ways.items()}, setting.scale.rounds
    )
    return Figure.of(case, database.name, "µs", found, 1e6)


def _cached(database: Database) -> dict[str, Find]:
    tokens = raw_symbols.read_tokens(database.raw, BROKER)
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


def _many(database: Database) -> dict[str, Find]:
    """The ORM, whose specification knows no such function, asks for one after the other."""

    def ours(pairs: Pairs) -> int:
        with get_read_session() as tx:
            return len(get_symbol_tokens(pairs, BROKER, tx=tx))

    def by_raw(pairs: Pairs) -> int:
        return len(raw_symbols.find_tokens(database.raw, pairs, BROKER))

    def by_orm(pairs: Pairs) -> int:
        with orm.get_db_session(database.orm) as session:
            for symbol, exchange in pairs:
                orm.find_token(session, symbol, exchange, BROKER)
        return len(pairs)

    return {"raw": by_raw, "ours": ours, "orm": by_orm}
