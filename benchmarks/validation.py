"""Reading a broker's file, and checking what was read: no database in it."""

from collections import deque

from openalgo_store import read_instruments
from openalgo_store.repositories.symbols.incoming_master import IncomingMaster

from . import BROKER, orm
from .measure import Figure, medians, seconds
from .setting import Setting

PROMISED_SECONDS = 1.2


def run(setting: Setting) -> list[Figure]:
    """The ORM's way reads dicts and checks nothing."""
    day = setting.today
    instruments = day.instruments

    def reading() -> tuple[float, ...]:
        return (seconds(lambda: deque(read_instruments(BROKER, day.file), maxlen=0)),)

    def validating() -> tuple[float, ...]:
        return (seconds(lambda: IncomingMaster().read(instruments)),)

    def by_orm() -> tuple[float, ...]:
        return (seconds(lambda: orm.read_file(day.file, BROKER)),)

    found = medians({"read": reading, "validate": validating, "orm": by_orm}, setting.repeat)
    (read,), (validate,), (dicts,) = found["read"], found["validate"], found["orm"]
    return [
        Figure("read a file", "none", "s", None, read, dicts),
        Figure("validate what was read", "none", "s", None, validate, None,
               below=PROMISED_SECONDS),
    ]  # fmt: skip
