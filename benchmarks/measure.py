"""Measuring: ways take turns, medians count, each figure stands beside its promise."""

import gc
import time
from collections.abc import Callable, Mapping
from statistics import median
from typing import NamedTuple

Way = Callable[[], tuple[float, ...]]
"""One way to do a piece of work, from a clean start: what it measured, in seconds."""


class Figure(NamedTuple):
    """One line of a table, in seconds, µs or MiB: less is better.

    Promised is how many times the ORM's figure is ours (`ratio`), or what ours stays below
    (`below`).
    """

    work: str
    engine: str
    unit: str
    raw: float | None
    ours: float
    orm: float | None
    ratio: float | None = None
    below: float | None = None

    @property
    def verdict(self) -> str:
        """The promise and whether it was met."""
        if self.ratio is not None and self.orm is not None:
            met = self.orm >= self.ratio * self.ours
            promise = f"{self.ratio:g} times less than the ORM"
            if self.ratio == 1:
                promise = "not slower than the ORM"
        elif self.below is not None:
            met = self.ours < self.below
            promise = f"below {self.below:g} {self.unit}".rstrip()
        else:
            return ""
        return f"{promise}: {'met' if met else 'NOT met'}"


def seconds(work: Callable[[], object]) -> float:
    """How long a piece of work takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def typical(times: int, *works: Callable[[], object]) -> tuple[float, ...]:
    """How long each piece of work typically takes, of so many times; they take turns."""
    found = [[seconds(work) for work in works] for _ in range(times)]
    return tuple(map(median, zip(*found, strict=True)))


def medians(ways: Mapping[str, Way], repeat: int) -> dict[str, tuple[float, ...]]:
    """The median of what each way measured; each round begins with another way."""
    measured: dict[str, list[tuple[float, ...]]] = {name: [] for name in ways}
    names = list(ways)
    gc.collect()
    gc.freeze()  # the rows that all ways share are no garbage to look through
    try:
        for _ in range(repeat):
            for name in names:
                gc.collect()
                measured[name].append(ways[name]())
            names.append(names.pop(0))
    finally:
        gc.unfreeze()
    return {name: tuple(map(median, zip(*runs, strict=True))) for name, runs in measured.items()}


def three(
    found: Mapping[str, tuple[float, ...]], scale: float, at: int = 0
) -> tuple[float, float, float]:
    """What raw driver, we and the ORM measured at a place of their tuples, in another unit."""
    raw, ours, orm = (found[name][at] * scale for name in ("raw", "ours", "orm"))
    return raw, ours, orm


def table(figures: list[Figure]) -> str:
    """The figures as a Markdown table."""
    head = ["work", "engine", "raw driver", "ours", "ORM", "ours / raw", "ORM / ours", "promise"]
    lines = [head, *map(_cells, figures)]
    widths = [max(len(line[at]) for line in lines) for at in range(len(head))]
    lines.insert(1, ["-" * width for width in widths])
    return "\n".join(
        f"| {' | '.join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))} |"
        for line in lines
    )


def _cells(figure: Figure) -> list[str]:
    return [
        figure.work,
        figure.engine,
        _shown(figure.raw, figure.unit),
        _shown(figure.ours, figure.unit),
        _shown(figure.orm, figure.unit),
        "" if figure.raw is None else f"{figure.ours / figure.raw:.2f}",
        "" if figure.orm is None else f"{figure.orm / figure.ours:.1f}",
        figure.verdict,
    ]


def _shown(value: float | None, unit: str) -> str:
    if value is None:
        return ""
    return f"{value:.{0 if value >= 100 else 2}f} {unit}".rstrip()
