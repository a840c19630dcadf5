"""First load of a broker's symbols into an empty table."""

import time

from openalgo_store import Instrument, RejectedRow, replace_symbols

from . import BROKER, orm, raw, raw_symbols
from .measure import Figure, Measured, Way, in_turns, seconds
from .setting import Database, Day, Setting


def run(setting: Setting) -> list[Figure]:
    """Checked records: everything but reading and validation, the commit included."""
    figures = []
    for database in setting.databases:
        ways = first_loads(database, setting.today)
        figures += figures_of("first load", database, in_turns(ways, setting.scale.repeat))
    return figures


def first_loads(database: Database, day: Day) -> dict[str, Way]:
    """Loads into the empty table; ours tells its time without reading and validation too."""
    engine = database.raw
    rows = list(map(engine.storable, day.rows))
    instruments, mappings = day.instruments, day.mappings

    def by_raw() -> tuple[float, ...]:
        engine.empty()
        return (seconds(lambda: raw.load(engine, rows, raw_symbols.SYMBOLS)),)

    def ours() -> tuple[float, ...]:
        database.use()
        engine.empty()
        return timed_replace(instruments)

    def by_orm() -> tuple[float, ...]:
        engine.empty()
        return (seconds(lambda: orm.bulk_insert_symbols(database.orm, mappings)),)

    return {"raw": by_raw, "ours": ours, "orm": by_orm}


def timed_replace(instruments: list[Instrument | RejectedRow]) -> tuple[float, float]:
    """replace_symbols without its reading and validation, and as a whole."""
    began = time.perf_counter()
    load = replace_symbols(instruments, BROKER)
    whole = time.perf_counter() - began
    return whole - load.read_seconds - load.validate_seconds, whole


def figures_of(work: str, database: Database, found: Measured) -> list[Figure]:
    """A load of checked records, and the same with what comes before it."""
    whole = found | {"ours": [(with_validation,) for _, with_validation in found["ours"]]}
    return [
        Figure.of(f"{work}, checked records", database.name, "s", found),
        Figure.of(f"{work} with validation", database.name, "s", whole),
    ]
