"""The daily reload: 3% of the symbols changed, 1% are new, 1% are gone."""

from . import BROKER, orm, raw
from .measure import Figure, medians, seconds
from .setting import Database, Setting
from .symbols_first import timed_replace

PROMISED = {"SQLite": 3.0, "PostgreSQL": 5.0}


def run(setting: Setting) -> list[Figure]:
    """Checked records: everything but reading and validation, the commit included."""
    figures = []
    for database in setting.databases:
        found = _measure(database, setting)
        (limit,), (whole, checked), (by_orm,) = found["raw"], found["ours"], found["orm"]
        engine = database.name
        figures += [
            Figure("daily reload, checked records", engine, "s", limit, checked, by_orm,
                   ratio=PROMISED[engine]),
            Figure("daily reload with validation", engine, "s", limit, whole, by_orm),
        ]  # fmt: skip
    return figures


def _measure(database: Database, setting: Setting) -> dict[str, tuple[float, ...]]:
    engine = database.raw
    database.hold(setting.today)  # its rows are made now, not while others are timed
    instruments, mappings = setting.tomorrow.instruments, setting.tomorrow.mappings

    def by_raw() -> tuple[float, ...]:
        database.hold(setting.today)
        rows = setting.tomorrow.by_symbol(engine)
        return (seconds(lambda: raw.reload(engine, rows, BROKER)),)

    def ours() -> tuple[float, ...]:
        database.hold(setting.today)
        return timed_replace(instruments)

    def by_orm() -> tuple[float, ...]:
        database.hold(setting.today)
        return (seconds(lambda: orm.reload_symbols(database.orm, mappings, BROKER)),)

    return medians({"raw": by_raw, "ours": ours, "orm": by_orm}, setting.repeat)
