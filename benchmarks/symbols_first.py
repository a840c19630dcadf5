"""First load of a broker's symbols into an empty table."""

import time

from openalgo_store import Instrument, RejectedRow, replace_symbols

from . import BROKER, orm, raw
from .measure import Figure, medians, seconds
from .setting import Database, Day, Setting

PROMISED = {"SQLite": 2.0, "PostgreSQL": 3.0}


def run(setting: Setting) -> list[Figure]:
    """Checked records: everything but reading and validation, the commit included."""
    figures = []
    for database in setting.databases:
        found = _measure(database, setting.today, setting.repeat)
        (limit,), (whole, checked), (by_orm,) = found["raw"], found["ours"], found["orm"]
        engine = database.name
        figures += [
            Figure("first load, checked records", engine, "s", limit, checked, by_orm,
                   ratio=PROMISED[engine]),
            Figure("first load with validation", engine, "s", limit, whole, by_orm),
        ]  # fmt: skip
    return figures


def _measure(database: Database, day: Day, repeat: int) -> dict[str, tuple[float, ...]]:
    database.use()
    engine = database.raw
    rows = list(map(engine.storable, day.rows))
    instruments, mappings = day.instruments, day.mappings

    def by_raw() -> tuple[float, ...]:
        engine.empty()
        return (seconds(lambda: raw.load(engine, rows)),)

    def ours() -> tuple[float, ...]:
        engine.empty()
        return timed_replace(instruments)

    def by_orm() -> tuple[float, ...]:
        engine.empty()
        return (seconds(lambda: orm.bulk_insert_symbols(database.orm, mappings)),)

    return medians({"raw": by_raw, "ours": ours, "orm": by_orm}, repeat)


def timed_replace(instruments: list[Instrument | RejectedRow]) -> tuple[float, float]:
    """replace_symbols as a whole, and without its reading and validation."""
    began = time.perf_counter()
    load = replace_symbols(instruments, BROKER)
    whole = time.perf_counter() - began
    return whole, whole - load.read_seconds - load.validate_seconds
