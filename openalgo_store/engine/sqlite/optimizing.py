"""Keeping a file in shape: statistics for the planner, pages that nothing fills, the log."""

import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from ...errors import StoreError
from ..dialect import Sent, Step

_ROWS = 1_000
"""Of each index, that the statistics are estimated from: writers wait for milliseconds only."""
_SHARE = 0.2
"""Of the pages, that must be free for a file to be written anew."""
_FEW_BYTES = 2**20
"""Which nobody would miss."""

Translate = Callable[[Exception, Sent | None], StoreError]


def optimize(
    driver: sqlite3.Connection, tables: Sequence[str], translate: Translate
) -> Iterator[Step]:
    """Each step waits for other writers as any transaction does.

    The log is emptied last, since what is compacted goes through it.
    """
    steps: dict[str, Callable[[], Step]] = {
        "statistics": partial(_analyze, driver, tables),
        "compaction": partial(_compact, driver),
        "log": partial(_empty_log, driver),
    }
    for what, do in steps.items():
        try:
            yield do()._replace(what=what)
        except sqlite3.Error as error:
            yield Step(what, "failed", str(translate(error, None)))


def _analyze(driver: sqlite3.Connection, tables: Sequence[str]) -> Step:
    driver.execute(f"PRAGMA analysis_limit = {_ROWS}")
    for name in tables:
        driver.execute(f"ANALYZE {name}")
    return Step("", "done")


def _compact(driver: sqlite3.Connection) -> Step:
    """Unless little is free; what is in use is written twice on the way, aside and to the log."""
    page, pages, free = (
        driver.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("page_size", "page_count", "freelist_count")
    )
    if free < _SHARE * pages or free * page < _FEW_BYTES:
        return Step("", "not needed", f"{free / max(pages, 1):.0%} of it is free")
    needed = 2 * (pages - free) * page
    there = shutil.disk_usage(_folder(driver)).free
    if there < needed:
        why = f"it takes {needed / 1e6:,.0f} MB of its disk, which has {there / 1e6:,.0f}"
        return Step("", "failed", f"{why}: make room there")
    driver.execute("VACUUM")
    return Step("", "done")


def _empty_log(driver: sqlite3.Connection) -> Step:
    """As far as nobody reads what stands in it."""
    is_busy = driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    if is_busy:
        return Step("", "failed", "others read or wrote all the time: try again")
    return Step("", "done")


def _folder(driver: sqlite3.Connection) -> Path:
    return Path(driver.execute("PRAGMA database_list").fetchone()[2]).parent
