"""How this process and its databases are. Looking changes nothing and creates no file."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from threading import TIMEOUT_MAX
from time import monotonic, perf_counter
from typing import Any

from sqlalchemy.engine import make_url

from ..background.shutdown import writer_stats
from ..caching.statistics import CacheStats
from ..engine.dialect import Dialect, PoolUse, Size
from ..engine.questions import Question
from ..engine.replica import ReplicaStatus
from ..errors import SessionMisuse, StoreError, Unavailable
from ..records.telemetry import WriterStats
from ..repositories.accounts.sentinels import check_secrets
from ..schema import migrate
from ..settings import DATABASES, variable_of
from ..settings.urls import hide_password
from ..startup import READ_ONLY
from ..store import CLOSED, Store, cache_stats, current_store
from ..values.numbers import check_finite

PATIENCE = 5.0
"""Seconds in which a database must answer by default."""

_REPLICA = "replica"


@dataclass
class DatabaseHealth:
    """One database: what it answered, and the connections that this process has to it.

    `reachable` says that it answered, even if all it said is why it refuses; `problem` says what
    is wrong. `round_trip_ms` is what one statement took. What is not known is None. `rows`, by
    table, are counted by `openalgo-store status` alone.
    """

    name: str
    url: str
    engine: str
    pool: PoolUse
    reachable: bool = False
    round_trip_ms: float | None = None
    server_version: str | None = None
    schema_version: str | None = None
    pending: list[str] = field(default_factory=list)
    size: Size | None = None
    read_only: bool | None = None
    replica: ReplicaStatus | None = None
    problem: str | None = None
    rows: dict[str, int] = field(default_factory=dict)

    @property
    def state(self) -> str:
        """In a word: ok, pending (migrations), refused (it answers, but is not used as it is)."""
        if not self.reachable:
            return "not reachable"
        if self.problem is None:
            return "ok"
        return "pending" if self.pending else "refused"


@dataclass
class Health:
    """What `check_health` found.

    `epochs_age` are the seconds since this process looked last what others have changed, None if
    it never did, as one that answers nothing from memory; `epochs_problem` says why it cannot.
    """

    databases: list[DatabaseHealth]
    epochs_age: float | None
    epochs_problem: str | None
    caches: dict[str, CacheStats]
    writers: dict[str, WriterStats]

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems

    @property
    def problems(self) -> list[str]:
        """What is wrong now."""
        found = [f"{each.name}: {each.problem}" for each in self.databases if each.problem]
        if self.epochs_problem:
            found.append(f"nobody is let in from memory: {self.epochs_problem}")
        found += [
            f"{each.queued:,} rows of {name} wait: {each.error}"
            for name, each in self.writers.items()
            if each.error
        ]
        return found

    @property
    def warnings(self) -> list[str]:
        """What may go wrong soon."""
        return [line for each in self.databases for line in _warnings_of(each)]


def check_health(timeout: float = PATIENCE) -> Health:
    """How the current store is: its databases, pools, caches, epochs and writers.

    All databases are asked at once, each on a connection of its own; one that has not answered
    within `timeout` seconds has a problem, and is not asked again before it has. No error is
    raised for what is wrong with a database. It counts no rows, and may be called every few
    seconds. Raises ConfigurationError where no store is open, SessionMisuse where it is closed.
    """
    deadline = monotonic() + min(check_finite(timeout), TIMEOUT_MAX)
    store = current_store()
    if store.closed:
        raise SessionMisuse(CLOSED)
    names = [*DATABASES, _REPLICA] if store.settings.read_database_url else DATABASES
    unknown = [_unknown(store, name) for name in names]
    asked = [store.questions.ask(name, partial(_ask, store, name)) for name in names]
    databases = [
        _answer(question, deadline, database)
        for question, database in zip(asked, unknown, strict=True)
    ]
    failure = store.epochs.failure
    return Health(
        databases,
        store.epochs.age(),
        None if failure is None else _one_line(failure),
        cache_stats(),
        writer_stats(),
    )


def _answer(
    question: Question[DatabaseHealth], deadline: float, unknown: DatabaseHealth
) -> DatabaseHealth:
    """What is found, or that it is not; the pool as it was before anybody asked."""
    found = question.wait(deadline - monotonic())
    if found is not None:
        return replace(found, pool=unknown.pool, rows={})
    waited = monotonic() - question.asked_at
    problem = f"no answer for {waited:.0f} s: look at its server, or who has its file"
    return replace(unknown, problem=problem)


def _ask(store: Store, name: str) -> DatabaseHealth:
    """Everything about one database; what goes wrong is its problem."""
    found = _unknown(store, name)
    try:
        _look(store, found)
    except StoreError as error:
        dialect = _dialect(store, name)
        answered = not isinstance(error, Unavailable) or dialect.has_answered(error.__cause__)
        found.reachable |= answered
        found.problem = _one_line(error)
    except Exception as error:  # nobody else would hear of it; its text may hold anything
        found.problem = f"the look at it failed: {type(error).__name__}"
    return found


def _look(store: Store, found: DatabaseHealth) -> None:
    url, dialect = _url(store, found.name), _dialect(store, found.name)
    database = "main" if found.name == _REPLICA else found.name
    if _is_missing(url):
        mend = f"{variable_of(database)} does not exist: run `openalgo-store init`"
        if found.name == _REPLICA:
            mend = "READ_DATABASE_URL does not exist: name a copy of main, or none"
        found.problem = f"the file of {mend}"
        return
    with dialect.own_connection(), migrate.looking(url, database) as driver:
        found.pending = migrate.pending_on(driver, url, database)
        began = perf_counter()
        found.schema_version = migrate.version_on(driver, database)
        found.round_trip_ms = round((perf_counter() - began) * 1000, 3)
        found.server_version = dialect.server_version(driver)
        found.size = dialect.size(driver)
        found.read_only = dialect.is_read_only(driver)
    found.reachable = True
    if found.name == _REPLICA and store.replica is not None:
        found.replica = store.replica.status()
        found.problem = found.replica.problem
    if found.pending:
        found.problem = f"{', '.join(found.pending)} pending: run `openalgo-store migrate`"
    elif found.name == "main":
        _look_at_main(store)


def _look_at_main(store: Store) -> None:
    """The secrets; and the epochs, if they could not be read: it may be that nobody else asks."""
    if store.epochs.failure is not None:
        with suppress(StoreError):
            store.epochs.renew()
    if not _is_exhausted(store.databases["main"].pool_use()):
        check_secrets(store, may_be_missing=True)


def _unknown(store: Store, name: str) -> DatabaseHealth:
    """What is known of a database without asking it."""
    dialect = _dialect(store, name)
    return DatabaseHealth(name, hide_password(_url(store, name)), dialect.name, dialect.pool_use())


def _url(store: Store, name: str) -> str:
    settings = store.settings
    return settings.read_database_url if name == _REPLICA else settings.url(name)


def _dialect(store: Store, name: str) -> Dialect:
    if name == _REPLICA:
        return store.replica.dialect if store.replica else store.databases["main"]
    return store.databases[name]


def _is_missing(url: str) -> bool:
    path = Path(make_url(url).database or "")
    return path.is_absolute() and not path.exists()


def _is_exhausted(pool: PoolUse) -> bool:
    return pool.at_most is not None and pool.in_use >= pool.at_most


def _warnings_of(database: DatabaseHealth) -> Iterator[str]:
    if _is_exhausted(database.pool):
        yield (
            f"{database.name}: all of its {database.pool.in_use} connections are in use: end "
            "sessions sooner, or raise DB_POOL_SIZE and DB_MAX_OVERFLOW"
        )
    if database.read_only and database.name != _REPLICA:
        yield f"{database.name}: it {READ_ONLY}"
    size = database.size
    if size is not None and size.free_bytes is not None and size.free_bytes < size.data_bytes:
        yield f"{database.name}: its disk has less room than it takes itself: make room there"


def _one_line(error: Any) -> str:
    return " ".join(str(error).split())
