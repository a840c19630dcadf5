"""Many writers of one book at once: eight threads, and eight processes of four threads."""

from functools import partial

from .books import trader_of, user_of
from .crowd import Outcome, processes_together, write_together, writers
from .measure import Figure, Measured, in_turns
from .setting import Database, Setting
from .targets import SQLITE

THREADS = 8
RAW = {SQLITE: ("locked", "waiting"), "PostgreSQL": ("pooled",)}
"""The raw driver's ways to let writers queue."""
EACH, P99, ERRORS = range(3)


def run(setting: Setting) -> list[Figure]:
    """Orders, each with its commit. Of the raw driver's two ways the faster one counts."""
    figures = []
    for database in setting.books:
        trader_of(database, setting.scale.orders)
        engine = database.name
        threads = _threads(database, setting)
        processes = _processes(database, setting)
        figures += [
            Figure.of("commit of 8 threads", engine, "µs", threads, 1e6, at=EACH),
            Figure.of("commit of 8 threads, p99", engine, "ms", threads, 1e3, at=P99),
            Figure("commit of 8 threads, errors", engine, "", _errors(threads)),
            Figure.of("commit of 8 processes of 4 threads", engine, "µs", processes, 1e6, at=EACH),
            Figure.of("8 processes of 4 threads, p99", engine, "ms", processes, 1e3, at=P99),
            Figure("8 processes of 4 threads, errors", engine, "", _errors(processes)),
        ]
    return figures


def _threads(database: Database, setting: Setting) -> Measured:
    user = user_of(database, "crowd")

    def measured(way: str) -> tuple[float, ...]:
        with writers(way, database.url, user, THREADS) as writes:
            return _told(write_together(writes, setting.scale.seconds))

    ways = {way: partial(measured, way) for way in (*RAW[database.name], "ours", "orm")}
    return _with_the_faster(in_turns(ways, setting.scale.repeat), RAW[database.name])


def _processes(database: Database, setting: Setting) -> Measured:
    """Of the raw driver's, threads of SQLite queue on a lock, processes on the file's."""
    user, queue = user_of(database, "crowd"), RAW[database.name][:1]

    def measured(way: str) -> tuple[float, ...]:
        return _told(processes_together(way, database.url, user, setting.scale.seconds))

    ways = {way: partial(measured, way) for way in (*queue, "ours")}
    return _with_the_faster(in_turns(ways, setting.scale.repeat), queue)


def _told(outcome: Outcome) -> tuple[float, ...]:
    return outcome.each, outcome.p99, outcome.errors


def _errors(found: Measured) -> dict[str, list[float]]:
    """Those of all rounds together: a median would hide the one that failed."""
    return {way: [sum(each[ERRORS] for each in rounds)] for way, rounds in found.items()}


def _with_the_faster(found: Measured, ways: tuple[str, ...]) -> Measured:
    """The raw driver as the one of its ways that took less for a commit over all rounds."""
    faster = min(ways, key=lambda way: sum(each[EACH] for each in found[way]))
    others = {way: rounds for way, rounds in found.items() if way not in ways}
    return {"raw": found[faster], **others}
