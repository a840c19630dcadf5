"""Filling the symbol cache with a whole master, each way in a process of its own."""

from .measure import Figure
from .memory import ABOVE_IMPORTS, KEPT, PEAK, SECONDS, usages
from .setting import Setting


def run(setting: Setting) -> list[Figure]:
    """Ours holds whole records found by three keys; the others hold tokens found by one."""
    figures = []
    for database in setting.databases:
        database.hold(setting.today)
        found = usages("warm", database, setting, before_each=database.use)
        engine = database.name
        figures += [
            Figure.of("fill the cache", engine, "s", found, at=SECONDS),
            Figure.of("memory it keeps", engine, "MiB", found, at=KEPT),
            Figure.of("memory at the peak of that", engine, "MiB", found, at=ABOVE_IMPORTS),
            Figure.of("the warm process, imports included", engine, "MiB", found, at=PEAK),
        ]
    return figures
