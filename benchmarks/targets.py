"""What each figure must reach, on each engine: the one place where targets stand."""

from collections.abc import Iterator
from typing import NamedTuple

from .measure import Figure

SQLITE, POSTGRESQL, NO_ENGINE = "SQLite", "PostgreSQL", "Python"


class Target(NamedTuple):
    """What is promised for a figure."""

    raw: float | None = None
    """Ours is at most so many times that of the raw driver."""
    orm: float | None = None
    """That of the ORM is at least so many times ours, with the file kept open."""
    alone: float | None = None
    """The same for the ORM alone on its file, as its program is."""
    most: float | None = None
    """Ours is at most this, in the figure's unit."""


class Verdict(NamedTuple):
    """One promise beside what was measured."""

    promise: str
    measured: float
    met: bool


def both(target: Target) -> dict[str, Target]:
    """The same target on both engines."""
    return {SQLITE: target, POSTGRESQL: target}


TARGETS: dict[str, dict[str, Target]] = {
    # One row
    "order, with commit": {SQLITE: Target(1.8, 4), POSTGRESQL: Target(1.3, 2.5)},
    "fill, with commit": {SQLITE: Target(2.5, 6), POSTGRESQL: Target(1.5, 2.5)},
    "order, no session given": {SQLITE: Target(3, 15), POSTGRESQL: Target(1.5, 3)},
    "token, no session given": {SQLITE: Target(3, 15), POSTGRESQL: Target(1.5, 3)},
    "order, in a given session": {SQLITE: Target(2.5, 8), POSTGRESQL: Target(1.3, 4)},
    "token, in a given session": {SQLITE: Target(2.5, 8), POSTGRESQL: Target(1.3, 4)},
    "API key, uncached, of 100": {SQLITE: Target(4, 5_000), POSTGRESQL: Target(1.5, 5_000)},
    "API key, cached": both(Target(1.6)),
    "token, cached": both(Target(1.5, 3)),
    # Many rows
    "page of 50 by keyset": {SQLITE: Target(2.5, 4), POSTGRESQL: Target(1.7, 2.5)},
    "last page in first pages": both(Target(most=1.3)),
    "far page by its number": both(Target(orm=1)),
    "500 tokens in one query": both(Target(1.3, 15)),
    "50,000 orders as records": both(Target(1.4, 3)),
    "1,000 positions reported": {SQLITE: Target(3, 1), POSTGRESQL: Target(1.3, 1)},
    "P&L of a day": both(Target(orm=50)),
    "FIFO of a year in five": both(Target(most=1.5)),
    # Symbols
    "first load, checked records": {SQLITE: Target(1.1, 2.2), POSTGRESQL: Target(1.1, 4.5)},
    "daily reload, checked records": {SQLITE: Target(1.1, 3.5), POSTGRESQL: Target(1.1, 8)},
    "validate what was read": {NO_ENGINE: Target(most=0.5)},
    "file to table, peak": both(Target(orm=3)),
    "file to table, above imports": both(Target(orm=3)),
    "search, first time, median": both(Target(orm=20)),
    "search, first time, p95": both(Target(most=10)),
    "search again, p95": both(Target(most=2)),
    "build the index": both(Target(most=1)),
    "memory of the index": both(Target(most=80)),
    "token beside such a build, p99": both(Target(most=5)),
    "option chain of 200 strikes": both(Target(most=3)),
    # Many at once; 60% of the raw driver's throughput is 1 / 0.6 of its time
    "commit of 8 threads": {SQLITE: Target(1 / 0.6, 3)},
    "commit of 8 threads, p99": {SQLITE: Target(most=50)},
    "8 processes of 4 threads, errors": both(Target(most=0)),
    "8 processes of 4 threads, p99": both(Target(most=500)),
    "cached token beside a reload, p99": both(Target(most=1_000)),
    "cached token beside a reload, slowest": both(Target(most=20_000)),
    "commit beside a purge, p99": {SQLITE: Target(most=250), POSTGRESQL: Target(most=100)},
    "latencies, to the last": {
        SQLITE: Target(1 / 0.7, alone=100),
        POSTGRESQL: Target(1 / 0.4, alone=100),
    },
    "caller's CPU for a latency": both(Target(most=2)),
    # Copies: at least half the speed
    "copy to the other engine, a row": both(Target(2)),
    "copy to the other engine, peak": both(Target(most=150)),
    # Growth
    "order, 66 tables in 16": both(Target(most=1.05)),
    "load, ten times the rows, a row": both(Target(most=1.2)),
    # Start
    "import openalgo_store": {NO_ENGINE: Target(1.4)},
}


def verdicts(figure: Figure) -> Iterator[Verdict]:
    """The promises of a figure, each judged by what was measured."""
    target = TARGETS.get(figure.case, {}).get(figure.engine, Target())
    slower, faster = figure.ratio("ours", to="raw"), figure.ratio("orm", to="ours")
    alone, ours = figure.ratio("alone", to="ours"), figure.median("ours")
    if target.raw is not None and slower is not None:
        yield Verdict(f"at most {target.raw:.3g} × raw", slower, slower <= target.raw)
    if target.orm is not None and faster is not None:
        yield Verdict(f"ORM at least {target.orm:,g} ×", faster, faster >= target.orm)
    if target.alone is not None and alone is not None:
        yield Verdict(f"ORM alone at least {target.alone:,g} ×", alone, alone >= target.alone)
    if target.most is not None and ours is not None:
        promise = f"at most {target.most:,g} {figure.unit}".rstrip()
        yield Verdict(promise, ours, ours <= target.most)
