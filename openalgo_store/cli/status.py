"""The state of the databases, for people and for programs."""

import json
from collections.abc import Iterator
from dataclasses import asdict

from ..operations.health import DatabaseStatus, Status
from ..records.symbols import SymbolLoad
from ..values.clock import IST


def to_json(status: Status) -> str:
    """For programs; of each load only its counts."""
    loads = [
        {
            name: value
            for name, value in load._asdict().items()
            if name not in ("rejected_rows", "renamed")
        }
        for load in status.symbol_loads
    ]
    values = {
        "ok": not status.problems,
        "problems": status.problems,
        "warnings": status.warnings,
        "databases": [asdict(each) for each in status.databases],
        "symbol_loads": loads,
    }
    return json.dumps(values, indent=2, default=str)


def status_report(status: Status) -> str:
    """For people."""
    lines: list[str] = []
    for database in status.databases:
        lines += _database_lines(database)
    if status.symbol_loads:
        lines += ["last symbol loads", *map(_load_line, status.symbol_loads), ""]
    lines += [f"warning: {each}" for each in status.warnings]
    lines += [f"problem: {each}" for each in status.problems] or ["everything is in order"]
    return "\n".join(lines)


def _database_lines(database: DatabaseStatus) -> Iterator[str]:
    yield f"{database.name:<10}{database.url}"
    if database.reachable:
        version = database.schema_version or "no schema"
        yield f"{'':<10}{database.engine} {database.server_version}, {version}"
    else:
        yield f"{'':<10}NOT REACHABLE"
    if database.pending:
        yield f"{'':<10}PENDING {', '.join(database.pending)}"
    if database.rows:
        yield f"{'':<10}" + ", ".join(f"{name} {n:,}" for name, n in database.rows.items())
    yield ""


def _load_line(load: SymbolLoad) -> str:
    when = load.started_at.astimezone(IST).strftime("%Y-%m-%d %H:%M IST")
    counts = (
        f"{load.total:,} rows, {load.inserted:,} inserted, {load.updated:,} updated, "
        f"{load.deleted:,} deleted, {load.rejected:,} rejected"
    )
    return f"{load.broker:<10}{when}  {counts if load.loaded else 'REFUSED'}"
