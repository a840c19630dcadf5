"""Peak memory from a file to the stored master, each way in a process of its own."""

from collections.abc import Callable
from functools import partial

from .child import Usage, measure
from .measure import Figure, medians
from .setting import Database, Setting

PROMISED = 3.0


def run(setting: Setting) -> list[Figure]:
    """The raw driver streams and holds nothing; ours compares, so it holds the master once."""
    figures = []
    for database in setting.databases:
        raw, ours, orm = usages("load", database, setting, before_each=database.raw.empty)
        engine = database.name
        figures += [
            Figure("file to table, peak", engine, "MiB", raw.peak, ours.peak, orm.peak,
                   ratio=PROMISED),
            Figure("the same, above imports", engine, "MiB", raw.peak - raw.imports,
                   ours.peak - ours.imports, orm.peak - orm.imports, ratio=PROMISED),
            Figure("file to table, time", engine, "s", raw.seconds, ours.seconds, orm.seconds),
        ]  # fmt: skip
    return figures


def usages(
    task: str, database: Database, setting: Setting, before_each: Callable[[], object]
) -> tuple[Usage, Usage, Usage]:
    """What the raw driver, ours and the ORM use for a task, each in new processes."""

    def way(name: str) -> Usage:
        before_each()
        return measure(f"{task}_{name}", database.url, setting.today.file)

    found = medians({name: partial(way, name) for name in ("raw", "ours", "orm")}, setting.repeat)
    return Usage(*found["raw"]), Usage(*found["ours"]), Usage(*found["orm"])
