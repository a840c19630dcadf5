"""A day's file in Zerodha's format and the next day's: for demonstrations, tests, benchmarks."""

import csv
import gzip
import io
from collections.abc import Iterable
from contextlib import ExitStack
from datetime import date
from os import PathLike
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from ...errors import InvalidInput
from .listed import Listed
from .market import market
from .zerodha import EXCHANGE, EXPIRY, HEADER, LOT, NAME, TRADINGSYMBOL, cells

SEED = 20260817
DAY = date(2026, 8, 17)


class Difference(NamedTuple):
    """How the next day's file differs from the day's: numbers of rows."""

    changed: int
    new: int
    gone: int
    bad: int


def write_zerodha_file(
    path: str | PathLike[str], count: int = 100_000, *, seed: int = SEED, day: date = DAY
) -> None:
    """Write the file of a day with `count` rows (500 or more), gzip when the name ends in .gz.

    The same arguments give the same bytes.
    """
    universe, arriving, _, _ = _universe(count, seed, day)
    _write(path, (cells(each) for at, each in enumerate(universe) if at not in arriving))


def write_next_day(
    path: str | PathLike[str],
    count: int = 100_000,
    *,
    seed: int = SEED,
    day: date = DAY,
    bad_rows: int = 5,
) -> Difference:
    """Write the file that follows `write_zerodha_file` of the same count, seed and day.

    Of its rows 3% have another lot or tick size, 1% are new, 1% are gone; `bad_rows` more, each
    with another defect, cannot be loaded.
    """
    universe, arriving, leaving, changing = _universe(count, seed, day)
    for at in changing:
        each = universe[at]
        universe[at] = (
            each._replace(tick=each.tick * 2) if at % 4 == 0 else each._replace(lot=each.lot * 2)
        )
    rows = [cells(each) for at, each in enumerate(universe) if at not in leaving]
    random = Random(seed)
    option = cells(universe[min(changing)])
    for number in range(bad_rows):
        rows.insert(random.randrange(len(rows)), _bad_row(number, option))
    _write(path, rows)
    return Difference(len(changing), len(arriving), len(leaving), bad_rows)


def _universe(
    count: int, seed: int, day: date
) -> tuple[list[Listed], set[int], set[int], set[int]]:
    """What is listed on either day; the places of what arrives, leaves and changes."""
    if count < 500:
        raise InvalidInput(f"a file of {count} rows cannot hold the mix: ask for 500 or more")
    random = Random(seed)
    hundredth = count // 100
    listed = with_tokens(random, market(random, count + hundredth, day))
    options = [at for at, each in enumerate(listed) if each.is_option]
    moved = random.sample(options, 5 * hundredth)
    return (
        listed,
        set(moved[:hundredth]),
        set(moved[hundredth : 2 * hundredth]),
        set(moved[2 * hundredth :]),
    )


def with_tokens(random: Random, listed: Iterable[Listed]) -> list[Listed]:
    """The same under tokens that rise."""
    token, numbered = 1000, []
    for each in listed:
        token += random.randrange(1, 9)
        numbered.append(each._replace(token=token))
    return numbered


def _bad_row(number: int, option: list[Any]) -> list[Any]:
    """A row that no load may accept, made from an option; five defects take turns."""
    row = list(option)
    row[:2] = (900_000 + number) * 256, 900_000 + number
    row[NAME] = f"DIRT{number}"
    row[TRADINGSYMBOL] = row[NAME] + option[TRADINGSYMBOL].removeprefix(option[NAME])
    defects = (
        {NAME: "NaN", TRADINGSYMBOL: row[NAME]},
        {0: ""},
        {LOT: -row[LOT]},
        {EXCHANGE: "NOWHERE"},
        {EXPIRY: "01-JAN-70"},
    )
    for column, value in defects[number % len(defects)].items():
        row[column] = value
    return row


def _write(path: str | PathLike[str], rows: Iterable[list[Any]]) -> None:
    path = Path(path)
    with ExitStack() as stack:
        file: Any = stack.enter_context(path.open("wb"))
        if path.suffix == ".gz":
            # without a name and a time in it the same rows are the same bytes
            file = stack.enter_context(gzip.GzipFile("", "wb", 6, file, mtime=0))
        text = stack.enter_context(io.TextIOWrapper(file, "utf-8", newline=""))
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(HEADER)
        writer.writerows(rows)
