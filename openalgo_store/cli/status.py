"""How this process and its databases are, for people and for programs."""

from collections.abc import Iterator
from textwrap import wrap

from ..engine.dialect import PoolUse, Size
from ..operations.health import DatabaseHealth, Health
from ..operations.status import Status
from ..records.symbols import SymbolLoad
from ..values.clock import IST
from .tables import as_json, in_bytes, plain

_WIDTH = 100
_INDENT = " " * 10


def to_json(status: Status) -> str:
    """For programs; of each load only its counts."""
    loads = [plain(each) for each in status.symbol_loads]
    for load in loads:
        del load["rejected_rows"], load["renamed"]
    health = status.health
    values = {
        "ok": not status.problems,
        "problems": status.problems,
        "warnings": status.warnings,
        **plain(health),
        "databases": [{**plain(each), "state": each.state} for each in health.databases],
        "caches": {
            name: {**plain(stats), "hit_rate": stats.hit_rate}
            for name, stats in health.caches.items()
        },
        "symbol_loads": loads,
    }
    return as_json(values)


def status_report(status: Status) -> str:
    """For people."""
    lines: list[str] = []
    for database in status.health.databases:
        lines += [*_database_lines(database), ""]
    lines += ["this process", *_process_lines(status.health), ""]
    if status.symbol_loads:
        lines += ["last symbol loads", *map(_load_line, status.symbol_loads), ""]
    for kind, found in (("warning", status.warnings), ("problem", status.problems)):
        for each in found:
            lines += _wrapped(f"{kind}: {each}", "", "  ")
    if not status.problems:
        lines.append("everything is in order")
    return "\n".join(lines)


def _database_lines(database: DatabaseHealth) -> Iterator[str]:
    yield f"{database.name:<10}{database.url}"
    if database.state != "ok":
        yield from _wrapped(f"{database.state.upper()} {', '.join(database.pending)}")
    if database.server_version is not None:
        yield (
            f"{_INDENT}{database.engine} {database.server_version}, "
            f"{database.schema_version or 'no schema'}, answered in {database.round_trip_ms} ms"
        )
    room = _size_text(database.size) if database.size else []
    yield f"{_INDENT}{', '.join([*room, _pool_text(database.pool)])}"
    if database.replica is not None and database.replica.lag is not None:
        yield f"{_INDENT}{database.replica.lag:.1f} s behind"
    if database.rows:
        yield from _wrapped(", ".join(f"{name} {n:,}" for name, n in database.rows.items()))


def _process_lines(health: Health) -> Iterator[str]:
    """What the caches and writers of the process that asks have to tell."""
    age = "never" if health.epochs_age is None else f"{health.epochs_age:.2f} s ago"
    yield f"{_INDENT}looked for changes of others {age}"
    for name, stats in health.caches.items():
        rate = "never asked" if stats.hit_rate is None else f"{stats.hit_rate:.1%} hits"
        yield f"{_INDENT}{name}: size {stats.size:,}, {rate}"
    for name, writer in health.writers.items():
        yield (
            f"{_INDENT}{name}: {writer.queued:,} rows wait, {writer.written:,} written, "
            f"{writer.dropped:,} dropped, {writer.failed:,} failed"
        )


def _size_text(size: Size) -> list[str]:
    named = (("", size.data_bytes), ("log ", size.log_bytes), ("free ", size.free_bytes))
    return [f"{name}{in_bytes(count)}" for name, count in named if count is not None]


def _pool_text(pool: PoolUse) -> str:
    at_most = "" if pool.at_most is None else f" of at most {pool.at_most:,}"
    return f"connections {pool.in_use} in use, {pool.idle} idle{at_most}"


def _load_line(load: SymbolLoad) -> str:
    when = load.started_at.astimezone(IST).strftime("%Y-%m-%d %H:%M IST")
    counts = (
        f"{load.total:,} rows, {load.inserted:,} inserted, {load.updated:,} updated, "
        f"{load.deleted:,} deleted, {load.rejected:,} rejected"
    )
    return f"{load.broker:<10}{when}  {counts if load.loaded else 'REFUSED'}"


def _wrapped(text: str, first: str = _INDENT, then: str = _INDENT) -> list[str]:
    """Lines of a width that a terminal shows; what has no blank, as a URL, stays whole."""
    return wrap(
        text,
        _WIDTH,
        initial_indent=first,
        subsequent_indent=then,
        break_long_words=False,
        break_on_hyphens=False,
    )
