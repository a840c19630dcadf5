"""The runs of letters and digits in symbols, and where each stands."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import groupby
from string import ascii_lowercase, digits
from typing import TypeVar

from ..values.memo import Memo

K = TypeVar("K")

runs_of = re.compile("[a-z]+|[0-9]+|[^a-z0-9]+").findall
"""The runs of a casefolded text: of letters, of digits, of all else. Where it holds a word, each
run of that lies in one of its own."""

Lists = dict[str, list[int]]
"""By a text the places of the rows that have it, rising."""


class SymbolRuns:
    """The rows that have a run in their symbol, or in their broker symbol alone.

    Contracts are alike: most symbols begin as the one before, and 200,000 have some ten thousand
    different last halves. Each dict is filled in the order of the rows, so that its lists rise.
    """

    def __init__(self) -> None:
        self.by_head: Lists = defaultdict(list)
        """By the first run of the symbol."""
        self.by_first: Lists = defaultdict(list)
        """By each other one of its first half."""
        self.by_last: Lists = defaultdict(list)
        """By those of its last half."""
        self.by_broker_run: Lists = defaultdict(list)
        """By those of the broker symbol that the symbol does not hold."""
        self._of_last = Memo(partial(_of_last, self.by_last))

    def add(self, at: list[int], symbols: Sequence[str], broker_symbols: Sequence[str]) -> None:
        """The next rows, by their places and casefolded texts."""
        self._add_symbols(at, symbols)
        self._add_others(at, symbols, broker_symbols)

    def _add_symbols(self, at: list[int], symbols: Sequence[str]) -> None:
        of_last = self._of_last
        for first, alike in in_groups(map(_first_half, symbols)):
            same = at[alike]
            head, *others = runs_of(first)
            self.by_head[head] += same
            for run in dict.fromkeys(others):  # one that it has twice is of one row
                self.by_first[run] += same
            begin = len(first)
            for place, symbol in zip(same, symbols[alike], strict=True):
                for places in of_last[symbol[begin:]]:
                    places.append(place)

    def _add_others(self, at: list[int], symbols: Sequence[str], others: Sequence[str]) -> None:
        by_run = self.by_broker_run
        known, runs = "", []
        for place, symbol, other in zip(at, symbols, others, strict=True):
            if other in symbol:
                continue
            first = _first_half(other)
            if first != known:
                known, runs = first, runs_of(first)
            for run in runs:
                if run not in symbol:
                    by_run[run].append(place)
            last = other[len(first) :]
            if last not in symbol:
                for run in runs_of(last):
                    if run not in symbol:
                        by_run[run].append(place)


def in_groups(keys: Iterable[K]) -> Iterator[tuple[K, slice]]:
    """Each key, with the part in which it stands again and again."""
    begin = 0
    for key, alike in groupby(keys):
        end = begin + len(list(alike))
        yield key, slice(begin, end)
        begin = end


def _first_half(text: str) -> str:
    """Of nifty25aug2624500ce it is nifty25aug: without its last letters and the digits before
    them; no run lies in both halves. A text of one half is all of it."""
    return text.rstrip(ascii_lowercase).rstrip(digits) or text


def _of_last(by_run: Lists, text: str) -> list[list[int]]:
    return [by_run[run] for run in dict.fromkeys(runs_of(text))]
