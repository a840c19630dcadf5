"""One piece of work in a process of its own, for its memory.

python -m benchmarks.child TASK URL FILE prints memory in MiB and seconds as JSON.
"""

import gc
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from . import BROKER

Work = Callable[[], object]


class Usage(NamedTuple):
    """Memory in MiB: after the imports, at the peak, at the end; and seconds."""

    imports: float
    peak: float
    end: float
    seconds: float


def usage_of(task: str, url: str, file: Path) -> Usage:
    """What a task uses in a new process."""
    command = [sys.executable, "-m", "benchmarks.child", task, url, str(file)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return Usage(*json.loads(done.stdout))


# Each task imports what it needs itself, so that none pays for the others.


def load_raw(url: str, file: Path) -> Work:
    """Stream a file into the table; nothing is held."""
    from . import raw, raw_symbols

    database = raw.connect(url)
    rows = raw_symbols.read_file(database, file, BROKER)
    return lambda: raw.load(database, rows, raw_symbols.SYMBOLS)


def load_ours(url: str, file: Path) -> Work:
    """Read, check, compare and store a file."""
    from openalgo_store import Settings, Store, read_instruments, replace_symbols, use_store

    use_store(Store(Settings(database_url=url)))
    return lambda: replace_symbols(read_instruments(BROKER, file), BROKER)


def load_orm(url: str, file: Path) -> Work:
    """Read a file into dicts and insert them."""
    from . import orm

    engine = orm.get_engine(url)
    return lambda: orm.bulk_insert_symbols(engine, orm.read_file(file, BROKER))


def warm_raw(url: str, file: Path) -> Work:
    """Every token in one dict."""
    from . import raw, raw_symbols

    database = raw.connect(url)
    return lambda: raw_symbols.read_tokens(database, BROKER)


def warm_ours(url: str, file: Path) -> Work:
    """Every record in the snapshot, found three ways."""
    from openalgo_store import Settings, Store, use_store, warm_symbol_cache

    use_store(Store(Settings(database_url=url)))
    return lambda: warm_symbol_cache(BROKER)


def warm_orm(url: str, file: Path) -> Work:
    """Every token in the TTLCache."""
    from . import orm

    engine = orm.get_engine(url)
    return lambda: orm.warm_symbol_cache(engine)


def index_ours(url: str, file: Path) -> Work:
    """The index of a search, beside the master that is in memory already."""
    from openalgo_store import Settings, Store, search_symbols, use_store, warm_symbol_cache

    use_store(Store(Settings(database_url=url)))
    warm_symbol_cache(BROKER)
    gc.collect()
    return lambda: search_symbols("nothing", BROKER)


def copy_ours(url: str, file: Path) -> Work:
    """Copy main into the database that the file names."""
    from openalgo_store import Settings, Store
    from openalgo_store.operations.copying import copy_database

    origin = Store(Settings(database_url=url))
    goal = Store(Settings(database_url=file.read_text()))
    return lambda: copy_database("main", origin, goal, tell=print)


_TASKS = load_raw, load_ours, load_orm, warm_raw, warm_ours, warm_orm, index_ours, copy_ours
TASKS = {each.__name__: each for each in _TASKS}


def main() -> None:
    """Do the task and print what it used."""
    task, url, file = sys.argv[1:]
    work = TASKS[task](url, Path(file))
    imports = _memory("VmRSS")
    began = time.perf_counter()
    kept = work()
    seconds = time.perf_counter() - began
    peak = _memory("VmHWM")
    gc.collect()
    print(json.dumps(Usage(imports, peak, _memory("VmRSS"), seconds)))
    del kept


def _memory(field: str) -> float:
    """VmHWM (the peak) or VmRSS (now), in MiB; the peak for both where there is no /proc.

    On Linux ru_maxrss begins with the peak of the process that started this one.
    """
    status = Path("/proc/self/status")
    if not status.exists():
        unit = 2**20 if sys.platform == "darwin" else 2**10
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
    lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
    return int(lines[field].split()[0]) / 2**10


if __name__ == "__main__":
    main()
