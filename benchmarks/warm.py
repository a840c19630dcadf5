"""Filling the symbol cache with a whole master, each way in a process of its own."""

from .measure import Figure
from .memory import usages
from .setting import Setting


def run(setting: Setting) -> list[Figure]:
    """Ours holds whole records found by three keys; the others hold tokens found by one."""
    figures = []
    for database in setting.databases:
        database.hold(setting.today)
        raw, ours, orm = usages("warm", database, setting, before_each=database.use)
        engine = database.name
        figures += [
            Figure("fill the cache", engine, "s", raw.seconds, ours.seconds, orm.seconds),
            Figure("memory it keeps", engine, "MiB", raw.end - raw.imports,
                   ours.end - ours.imports, orm.end - orm.imports),
            Figure("memory at the peak", engine, "MiB", raw.peak - raw.imports,
                   ours.peak - ours.imports, orm.peak - orm.imports),
        ]  # fmt: skip
    return figures
