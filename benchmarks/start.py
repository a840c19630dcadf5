"""Starting: how long an import takes, and the command that tells the state of the databases."""

import os
import subprocess
import sys
from collections.abc import Mapping

from openalgo_store.settings import DATABASES, variable_of

from .books import trader_of
from .measure import Figure, Way, in_turns, seconds
from .setting import Setting
from .targets import NO_ENGINE

_TIMED_IMPORT = """
import time
began = time.perf_counter()
import {}
print(time.perf_counter() - began)
"""
_COMMAND = "from openalgo_store.cli import main; main()"


def run(setting: Setting) -> list[Figure]:
    """Each in new processes; of imports the fastest counts, which nothing else has slowed."""
    modules = {"raw": "sqlalchemy", "ours": "openalgo_store", "orm": "sqlalchemy.orm"}
    ways = {way: _importing(module) for way, module in modules.items()}
    found = in_turns(ways, setting.scale.imports)
    fastest = {way: [min(rounds)] for way, rounds in found.items()}
    figures = [Figure.of("import openalgo_store", NO_ENGINE, "ms", fastest, 1e3)]
    for database in setting.books:
        trader_of(database, setting.scale.orders)
        environment = {variable_of(name): database.url for name in DATABASES}
        _command("init", environment)
        status = in_turns({"ours": _status(environment)}, setting.scale.repeat)
        figures.append(Figure.of("openalgo-store status", database.name, "ms", status, 1e3))
    return figures


def _importing(module: str) -> Way:
    """Seconds of the import alone, as the new process tells them.

    The first one may write the compiled modules, as an installation has done for all ways.
    """
    command = [sys.executable, "-c", _TIMED_IMPORT.format(module)]
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}

    def measured() -> tuple[float, ...]:
        run = subprocess.run(command, env=environment, capture_output=True, check=True)
        return (float(run.stdout),)

    return measured


def _status(environment: Mapping[str, str]) -> Way:
    return lambda: (seconds(lambda: _command("status", environment)),)


def _command(name: str, environment: Mapping[str, str]) -> None:
    """A command of ours, all five databases in one."""
    command = [sys.executable, "-c", _COMMAND, name]
    subprocess.run(command, env={**os.environ, **environment}, capture_output=True, check=True)
