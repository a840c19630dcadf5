"""The daily reload: 3% of the symbols changed, 1% are new, 1% are gone."""

from . import BROKER, orm, raw_symbols
from .measure import Figure, Way, in_turns, seconds
from .setting import Database, Setting
from .symbols_first import figures_of, timed_replace


def run(setting: Setting) -> list[Figure]:
    """Checked records: everything but reading and validation, the commit included."""
    figures = []
    for database in setting.databases:
        ways = _reloads(database, setting)
        figures += figures_of("daily reload", database, in_turns(ways, setting.scale.repeat))
    return figures


def _reloads(database: Database, setting: Setting) -> dict[str, Way]:
    engine = database.raw
    instruments, mappings = setting.tomorrow.instruments, setting.tomorrow.mappings

    def by_raw() -> tuple[float, ...]:
        database.hold(setting.today)
        rows = setting.tomorrow.by_symbol(engine)
        return (seconds(lambda: raw_symbols.reload(engine, rows, BROKER)),)

    def ours() -> tuple[float, ...]:
        database.hold(setting.today)
        return timed_replace(instruments)

    def by_orm() -> tuple[float, ...]:
        database.hold(setting.today)
        return (seconds(lambda: orm.reload_symbols(database.orm, mappings, BROKER)),)

    database.hold(setting.today)  # its rows are made now, not while others are timed
    return {"raw": by_raw, "ours": ours, "orm": by_orm}
