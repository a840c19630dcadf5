"""Looking tokens up in the cache while the master is loaded again by the same process."""

import random
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from openalgo_store import get_symbol_token, replace_symbols, warm_symbol_cache

from . import BROKER, raw, raw_symbols
from .crowd import percentile
from .measure import Figure, no_garbage
from .setting import Database, Setting

READERS = 4
BETWEEN = 0.001
"""Seconds between two lookups of a reader, as when prices stream in."""


def run(setting: Setting) -> list[Figure]:
    """A load of the next day, then one of the day, and so on; readers look up what both have."""
    figures, repeat = [], setting.scale.repeat
    common = set(_names(setting.today.rows)) & set(_names(setting.tomorrow.rows))
    pairs = random.Random(3).sample(sorted(common), k=1_000)
    for database in setting.databases:
        database.hold(setting.today)
        # A master that no load made has no version.
        replace_symbols(setting.today.instruments, BROKER)
        warm_symbol_cache(BROKER)
        with no_garbage():
            p99, slowest, loads = zip(
                *(_beside_two_loads(setting, pairs) for _ in range(repeat)), strict=True
            )
        figures += [
            _figure("cached token beside a reload, p99", database, "µs", p99),
            _figure("cached token beside a reload, slowest", database, "µs", [max(slowest)]),
            _figure("that reload", database, "s", loads),
        ]
    return figures


def _figure(case: str, database: Database, unit: str, rounds: Sequence[float]) -> Figure:
    return Figure(case, database.name, unit, {"ours": list(rounds)})


def _names(rows: Sequence[raw.Row]) -> list[tuple[str, str]]:
    return list(map(raw_symbols.name_of, rows))


def _beside_two_loads(setting: Setting, pairs: list[tuple[str, str]]) -> tuple[float, float, float]:
    """µs of the slowest hundredth of the lookups and of the slowest; seconds of a load."""
    done = threading.Event()
    with ThreadPoolExecutor(READERS) as pool:
        readers = [pool.submit(read_until, done, pairs) for _ in range(READERS)]
        began = time.perf_counter()
        for day in (setting.tomorrow, setting.today):
            replace_symbols(day.instruments, BROKER)
        elapsed = time.perf_counter() - began
        done.set()
        found = [each * 1e6 for reader in readers for each in reader.result()]
    return percentile(found, 99), max(found), elapsed / 2


def read_until(done: threading.Event, pairs: list[tuple[str, str]]) -> list[float]:
    """Look tokens up until this is set: the seconds of each lookup."""
    dice, times = random.Random(5), []
    while not done.is_set():
        symbol, exchange = dice.choice(pairs)
        began = time.perf_counter()
        token = get_symbol_token(symbol, exchange, BROKER)
        times.append(time.perf_counter() - began)
        if token is None:
            raise RuntimeError(f"{symbol} was not found beside a reload")
        time.sleep(BETWEEN)
    return times
