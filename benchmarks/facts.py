"""What a run was measured on: versions, machine, server. No names of hosts, users or folders."""

import os
import platform
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from .scale import QUICK, Scale
from .setting import GIVEN, Setting
from .targets import POSTGRESQL

_SERVER = ("fsync", "synchronous_commit", "shared_buffers")


def facts_of(setting: Setting) -> list[str]:
    """One sentence each."""
    return [
        f"{_kind(setting.scale)} of {datetime.now(UTC):%d %B %Y}: {_counts(setting.scale)}.",
        f"Python {platform.python_version()}, SQLAlchemy {version('sqlalchemy')}, "
        f"psycopg {version('psycopg')}, SQLite {sqlite3.sqlite_version}.",
        _machine(),
        *_server(setting),
    ]


def _kind(scale: Scale) -> str:
    return "A quick look, which is no measurement," if scale == QUICK else "A run"


def _counts(scale: Scale) -> str:
    return (
        f"{scale.symbols:,} symbols, {scale.orders:,} orders; medians of {scale.rounds} rounds of "
        f"{scale.batch} operations, or of {scale.repeat} where one takes seconds"
    )


def _machine() -> str:
    load = (
        f", load average {os.getloadavg()[0]:.1f} as it ended" if hasattr(os, "getloadavg") else ""
    )
    return f"{platform.system()}, {os.cpu_count()} cores ({_processor()}){load}."


def _processor() -> str:
    about = Path("/proc/cpuinfo")
    if about.exists():
        for line in about.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.machine()


def _server(setting: Setting) -> Iterator[str]:
    """The server's version, and what of its settings decides how long a commit takes."""
    for database in setting.databases:
        if database.name == POSTGRESQL:
            execute = database.raw.connection.execute
            shown = {name: execute(f"SHOW {name}").fetchone()[0] for name in _SERVER}
            number = execute("SHOW server_version").fetchone()[0].split()[0]
            settings = ", ".join(f"{name} {value}" for name, value in shown.items())
            given = setting.server is not None and setting.server.way == GIVEN
            kind = "a server that was given" if given else "a throw-away server on this machine"
            yield f"PostgreSQL {number}, {kind}: {settings}."
