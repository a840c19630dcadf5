"""Reading a broker's file, and checking what was read: no database in it."""

from collections import deque
from functools import partial

from openalgo_store import read_instruments
from openalgo_store.repositories.symbols.incoming_master import IncomingMaster

from . import BROKER, orm
from .measure import Figure, in_turns, seconds
from .setting import Setting
from .targets import NO_ENGINE


def run(setting: Setting) -> list[Figure]:
    """The ORM's way reads dicts and checks nothing."""
    day = setting.today
    instruments = day.instruments

    def ours() -> tuple[float, ...]:
        reading = seconds(lambda: deque(read_instruments(BROKER, day.file), maxlen=0))
        return reading, seconds(lambda: IncomingMaster().read(instruments))

    def by_orm() -> tuple[float, ...]:
        return (seconds(partial(orm.read_file, day.file, BROKER)),)

    found = in_turns({"ours": ours, "orm": by_orm}, setting.scale.repeat)
    validating = {"ours": found["ours"]}
    return [
        Figure.of("read a file", NO_ENGINE, "s", found),
        Figure.of("validate what was read", NO_ENGINE, "s", validating, at=1),
    ]
