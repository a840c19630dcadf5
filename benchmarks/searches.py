"""Searching symbols by words, beside LIKE '%…%'; the index of it, and an option chain."""

import random
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from functools import partial
from statistics import median

from openalgo_store import get_option_chain, search_symbols, warm_symbol_cache
from openalgo_store.caching.search_index import SearchIndex
from openalgo_store.repositories.symbols.symbols import whole_master

from . import BROKER, orm, raw, raw_symbols
from .child import usage_of
from .crowd import percentile
from .measure import Figure, batch, in_turns
from .readers import READERS, read_until
from .setting import Database, Setting

QUERIES, LIMIT, STRIKES = 200, 50, 200
EVERY = 10
"""The raw driver and the ORM answer every tenth query, since each takes them so long."""

Find = Callable[[str], Sequence[object]]


def run(setting: Setting) -> list[Figure]:
    """Ours ranks what it finds; the others give the first 50 rows that have all words."""
    figures = []
    queries = mixed_queries(setting.today.rows)
    for database in setting.databases:
        database.hold(setting.today)
        warm_symbol_cache(BROKER)
        search_symbols("nifty", BROKER)
        figures += [
            *_searches(database, setting, queries),
            *_index(database, setting),
            _chain(database, setting),
        ]
    return figures


def mixed_queries(rows: Sequence[raw.Row]) -> list[str]:
    """From one letter to four words, as a trader comes to what he means; some find nothing."""
    dice = random.Random(7)
    named = [dict(zip(raw_symbols.COLUMNS, row, strict=True)) for row in rows]
    options = [each for each in named if each["option_type"]]
    shares = [each for each in named if each["expiry"] is None]
    queries = []
    for number in range(QUERIES):
        option, share = dice.choice(options), dice.choice(shares)
        name, kind, strike = option["name"], option["option_type"], f"{option['strike']:g}"
        month = f"{option['expiry']:%b}".upper()
        kinds = (
            name[:1], name[:2], name[:3], name[:5], name.lower(), f"{name} {strike}",
            f"{name} {strike} {kind}", f"{name} {month} {strike} {kind}", f"{strike} {kind}",
            share["symbol"], f"{(share['name'] or 'x')[:5]} limited", option["symbol"],
            option["broker_symbol"], option["token"].rpartition(":")[2], f"{name[:4]}zq",
        )  # fmt: skip
        queries.append(kinds[number % len(kinds)])
    return queries


def _searches(database: Database, setting: Setting, queries: list[str]) -> list[Figure]:
    def ours(query: str) -> Sequence[object]:
        return search_symbols(query, BROKER, include_expired=True, limit=LIMIT)

    def first() -> tuple[float, ...]:
        database.store.symbols.invalidate(BROKER)
        warm_symbol_cache(BROKER)  # a new index, which remembers nothing
        return _timed(ours, queries)

    some = queries[::EVERY]
    asked: dict[str, Callable[[], tuple[float, ...]]] = {
        "raw": lambda: _timed(lambda each: raw_symbols.search(database.raw, each, BROKER), some),
        "ours": first,
        "orm": lambda: _timed(lambda each: orm.search_symbols(database.orm, each, BROKER), some),
    }
    found = in_turns(asked, setting.scale.repeat)
    ours_alone = {"ours": found["ours"]}
    again = in_turns({"ours": partial(_timed, ours, queries)}, setting.scale.repeat)
    engine = database.name
    return [
        Figure.of("search, first time, median", engine, "ms", found, 1e3),
        Figure.of("search, first time, p95", engine, "ms", ours_alone, 1e3, at=1),
        Figure.of("search again, p95", engine, "ms", again, 1e3, at=1),
    ]


def _timed(find: Find, queries: Sequence[str]) -> tuple[float, ...]:
    """Seconds: the median of the searches, and what 95% of them stay below."""
    times = []
    for query in queries:
        began = time.perf_counter()
        find(query)
        times.append(time.perf_counter() - began)
    return median(times), percentile(times, 95)


def _index(database: Database, setting: Setting) -> list[Figure]:
    """What it takes and keeps, in a process of its own; lookups of other threads beside a build."""
    repeat, engine = setting.scale.repeat, database.name
    used = [usage_of("index_ours", database.url, setting.today.file) for _ in range(min(2, repeat))]
    beside = [_beside_a_build(setting) for _ in range(repeat)]
    return [
        Figure("build the index", engine, "s", {"ours": [each.seconds for each in used]}),
        Figure("memory of the index", engine, "MiB", {"ours": [u.end - u.imports for u in used]}),
        Figure("token beside such a build, p99", engine, "ms", {"ours": beside}),
    ]


def _beside_a_build(setting: Setting) -> float:
    """ms that the slowest hundredth of the lookups took."""
    done = threading.Event()
    pairs = random.Random(3).choices(list(map(raw_symbols.name_of, setting.today.rows)), k=1_000)
    with ThreadPoolExecutor(READERS) as pool:
        readers = [pool.submit(read_until, done, pairs) for _ in range(READERS)]
        SearchIndex(whole_master(BROKER))
        done.set()
        found = [each * 1e3 for reader in readers for each in reader.result()]
    return percentile(found, 99)


def _chain(database: Database, setting: Setting) -> Figure:
    """The 200 strikes of the longest chain that are nearest to its middle one."""
    name, exchange, expiry, middle = _longest_chain(setting.today.rows)
    asked = (name, exchange, expiry, BROKER)
    half = STRIKES // 2
    ways = {
        "raw": batch(5, partial(raw_symbols.option_chain, database.raw, *asked)),
        "ours": batch(5, partial(get_option_chain, *asked, middle, half)),
        "orm": batch(5, partial(orm.option_chain, database.orm, *asked)),
    }
    found = in_turns(ways, setting.scale.rounds)
    return Figure.of("option chain of 200 strikes", database.name, "ms", found, 1e3)


def _longest_chain(rows: Sequence[raw.Row]) -> tuple[str, str, date, float]:
    """The chain whose number of strikes is nearest to 200, and its middle strike."""
    chains: dict[tuple[str, str, date], set[float]] = {}
    for row in rows:
        each = dict(zip(raw_symbols.COLUMNS, row, strict=True))
        if each["option_type"]:
            key = each["name"], each["exchange"], each["expiry"]
            chains.setdefault(key, set()).add(each["strike"])
    longest = min(chains, key=lambda key: abs(len(chains[key]) - STRIKES))
    return *longest, sorted(chains[longest])[len(chains[longest]) // 2]
