"""Peak memory from a file to the stored master, each way in a process of its own."""

from collections.abc import Callable
from functools import partial

from .child import usage_of
from .measure import Figure, Measured, in_turns
from .setting import Database, Setting

PEAK, ABOVE_IMPORTS, KEPT, SECONDS = range(4)
"""Places in what `usages` measures."""


def run(setting: Setting) -> list[Figure]:
    """The raw driver streams and holds nothing; ours compares, so it holds the master once."""
    figures = []
    for database in setting.databases:
        found = usages("load", database, setting, before_each=database.raw.empty)
        engine = database.name
        figures += [
            Figure.of("file to table, peak", engine, "MiB", found, at=PEAK),
            Figure.of("file to table, above imports", engine, "MiB", found, at=ABOVE_IMPORTS),
            Figure.of("file to table, time", engine, "s", found, at=SECONDS),
        ]
    return figures


def usages(
    task: str, database: Database, setting: Setting, before_each: Callable[[], object]
) -> Measured:
    """What the raw driver, ours and the ORM use for a task, each in new processes.

    It hardly varies: twice is enough.
    """

    def way(name: str) -> tuple[float, ...]:
        before_each()
        used = usage_of(f"{task}_{name}", database.url, setting.today.file)
        return used.peak, used.peak - used.imports, used.end - used.imports, used.seconds

    ways = {name: partial(way, name) for name in ("raw", "ours", "orm")}
    return in_turns(ways, min(2, setting.scale.repeat))
