"""Measuring: ways take turns in small rounds, and medians count."""

import gc
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from statistics import median
from typing import NamedTuple

Way = Callable[[], tuple[float, ...]]
"""One way to do a piece of work, from a clean start: what it measured, in seconds."""

Measured = dict[str, list[tuple[float, ...]]]
"""What each way measured, round by round."""

WAYS = {
    "raw": "raw driver",
    "ours": "ours",
    "core": "Core",
    "orm": "ORM",
    "alone": "ORM alone",
}
"""The contenders, as the tables call them."""


class Figure(NamedTuple):
    """What was measured of one piece of work, in its unit: less is better.

    `rounds` holds by the name of a way (of WAYS) its figure in each round.
    """

    case: str
    engine: str
    unit: str
    rounds: dict[str, list[float]]

    @classmethod
    def of(
        cls,
        case: str,
        engine: str,
        unit: str,
        measured: Measured,
        scale: float = 1.0,
        at: int = 0,
    ) -> "Figure":
        """The figure at one place of what the ways measured; scale is that of the unit."""
        rounds = {way: [each[at] * scale for each in found] for way, found in measured.items()}
        return cls(case, engine, unit, rounds)

    def median(self, way: str) -> float | None:
        """The figure of a way; None when it did not take part."""
        return median(self.rounds[way]) if way in self.rounds else None

    def ratio(self, way: str, to: str) -> float | None:
        """The median of the rounds' ratios: what slows a whole round falls out of it.

        None for a figure without a unit, which is a count or a ratio already.
        """
        if not self.unit or not {way, to} <= self.rounds.keys():
            return None
        pairs = zip(self.rounds[way], self.rounds[to], strict=True)
        return median(one / other for one, other in pairs)


def seconds(work: Callable[[], object]) -> float:
    """How long a piece of work takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def batch(times: int, work: Callable[[], object]) -> Way:
    """Seconds of one call, of so many in a row."""

    def measured() -> tuple[float, ...]:
        calls = range(times)
        began = time.perf_counter()
        for _ in calls:
            work()
        return ((time.perf_counter() - began) / times,)

    return measured


def in_turns(ways: Mapping[str, Way], rounds: int) -> Measured:
    """What each way measured in so many rounds; each round begins with another way."""
    measured: Measured = {name: [] for name in ways}
    names = list(ways)
    with no_garbage():
        for _ in range(rounds):
            for name in names:
                gc.collect()
                measured[name].append(ways[name]())
            names.append(names.pop(0))
    return measured


@contextmanager
def no_garbage() -> Iterator[None]:
    """What is there, as the rows that all ways share, is no garbage to look through."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
