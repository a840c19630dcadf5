"""What a load did and which API keys there are, as text; progress where somebody watches."""

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from ..records.symbols import SymbolLoad
from .tables import printable

T = TypeVar("T")

_ROWS_SHOWN = 5


@contextmanager
def progress_of(
    rows: Iterable[T], expected: int | None, doing: str = "loading"
) -> Iterator[Iterable[T]]:
    """The rows, behind a progress bar if standard error is a terminal.

    `expected` is how many there may be, as the load before this one tells.
    """
    if not sys.stderr.isatty():
        yield rows
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn(doing), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        yield progress.track(rows, total=expected or None)


def load_report(load: SymbolLoad) -> str:
    """The counts of a load, the rows it rejected or renamed, and how long it took."""
    seconds = load.read_seconds + load.validate_seconds + load.write_seconds
    lines = [
        f"{load.broker}: {load.total:,} rows in {seconds:.2f} s "
        f"(reading {load.read_seconds:.2f}, checking {load.validate_seconds:.2f}, "
        f"comparing and writing {load.write_seconds:.2f})"
    ]
    for name in ("inserted", "updated", "deleted", "unchanged", "rejected"):
        lines.append(f"  {name:<10}{getattr(load, name):>9,}")
    if load.kept:
        lines.append(f"  {'kept':<10}{load.kept:>9,}")
    for reason, count in sorted(load.rejected_by_reason.items(), key=lambda each: -each[1]):
        lines.append(f"    {count:>17,}  {reason}")
    lines += _rejected_rows(load)
    lines += _renamed(load)
    return "\n".join(lines)


def _rejected_rows(load: SymbolLoad) -> Iterator[str]:
    if load.rejected_rows:
        some = f", the first {_ROWS_SHOWN}" if load.rejected > _ROWS_SHOWN else ""
        yield f"  rejected rows{some}:"
    for row in load.rejected_rows[:_ROWS_SHOWN]:
        yield printable(f"    line {row.line:<8}{row.reason}: {row.raw}")


def _renamed(load: SymbolLoad) -> Iterator[str]:
    if load.renamed:
        yield f"  renamed {len(load.renamed):,}: shares of one name, and tokens that go to another"
    for each in load.renamed[:_ROWS_SHOWN]:
        yield f"    {each.symbol} on {each.exchange} -> {each.renamed}"


def shell_warning(path: Path, names: list[str]) -> str:
    """That a program which gets its variables from a shell may miss some of them."""
    some = f" and {len(names) - _ROWS_SHOWN} more" if len(names) > _ROWS_SHOWN else ""
    return (
        f"a shell that reads {path} takes {', '.join(names[:_ROWS_SHOWN])}{some} otherwise: write "
        "NAME='value', in quotes, without blanks around = and with Unix line ends, or use "
        "read_env_file in the program"
    )
