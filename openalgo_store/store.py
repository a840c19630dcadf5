"""Store: engines, caches and sessions of the five databases; the current one serves the callers."""

import logging
from dataclasses import replace
from datetime import datetime
from functools import partial
from types import TracebackType
from typing import Any

from sqlalchemy import Engine

from .background.buffered_writer import BufferedWriter, Write, open_writers
from .caching.background_tasks import BackgroundTasks
from .caching.epochs import ACCOUNTS, SYMBOLS, TOKENS, Epochs, read_epochs
from .caching.keyed_values import KeyedCache
from .caching.searches import Searches
from .caching.statistics import CacheStats
from .caching.symbol_snapshots import SymbolCache
from .engine import open_dialect
from .engine.dialect import Dialect
from .engine.forks import register_fork_hooks
from .engine.questions import Questions
from .engine.replica import Replica
from .engine.replica_state import ReplicaState
from .engine.session import Session
from .engine.transaction import Transaction
from .engine.transaction_state import TransactionState
from .errors import ConfigurationError, InvalidInput, SessionMisuse
from .records.accounts import CachedKey, SealedToken
from .security.secrets import Secrets
from .settings import DATABASES, Settings, check_settings, variable_of
from .threads import refuse_late_patch
from .values import clock
from .values.days import check_moment

log = logging.getLogger("openalgo_store")

CLOSED = "this store is closed: call init_databases() to open one"


class Store:
    """Everything that is open: pools, caches. A context manager that closes itself.

    Databases whose URLs are the same share one engine. Nothing connects before it is used.
    """

    def __init__(self, settings: Settings) -> None:
        refuse_late_patch()
        self.settings = check_settings(settings)
        self.closed = False
        urls = {settings.url(name) for name in DATABASES}
        opened = {url: open_dialect(url, settings) for url in urls}
        self.databases: dict[str, Dialect] = {
            name: opened[settings.url(name)] for name in DATABASES
        }
        alone = replace(settings, db_pool_size=1, db_max_overflow=0)  # no other read keeps it busy
        self._looked_at = open_dialect(settings.database_url, alone)
        self.replica = self._open_replica(settings)
        self.secrets = Secrets(settings)
        self.writers: dict[str, BufferedWriter] = {}
        self._last_writers: list[BufferedWriter] | None = None  # while it closes
        self._make_caches()
        register_fork_hooks(self)

    def _open_replica(self, settings: Settings) -> Replica | None:
        """The replica of main, None if there is none or its URL is that of main itself."""
        url = settings.read_database_url
        if url in ("", settings.database_url):
            return None
        return Replica(
            open_dialect(url, settings),
            self._looked_at,
            pin=settings.read_replica_pin,
            max_lag=settings.read_replica_max_lag,
        )

    def _make_caches(self) -> None:
        self.questions: Questions[Any] = Questions()
        self._tasks = BackgroundTasks()
        given, looked_at = self.settings.cache_lease, self._looked_at
        lease = looked_at.lease if given is None else given
        read = partial(read_epochs, looked_at)
        self.epochs = Epochs(read, lease, self._tasks, self._forget_topic)
        self.symbols = SymbolCache(
            self._session_end, self._has_free_connection, self.epochs, self._tasks
        )
        self.searches = Searches(self._tasks)
        self.api_keys: KeyedCache[CachedKey] = KeyedCache(1_000)
        self.invalid_keys: KeyedCache[bool] = KeyedCache(10_000)
        self.tokens: KeyedCache[SealedToken] = KeyedCache(500)

    def _forget_topic(self, topic: str) -> None:
        """Another process has changed what this is about."""
        if topic == ACCOUNTS:
            self.api_keys.forget_all()
            self.invalid_keys.forget_all()
        elif topic == TOKENS:
            self.tokens.forget_all()
        elif topic.startswith(SYMBOLS):
            self.symbols.outdate(topic.removeprefix(SYMBOLS))

    def _has_free_connection(self) -> bool:
        """Whether a session of main could begin without waiting for another to end."""
        in_use, _, at_most = self.databases["main"].pool_use()
        return at_most is None or in_use < at_most

    def _session_end(self) -> float:
        end = clock.next_session_end(clock.now(), self.settings.session_expiry_time)
        return end.timestamp()

    def transaction(
        self, database: str, *, readonly: bool, primary: bool = False, single: bool = False
    ) -> Session:
        """A session, to be entered. Reads of main may go to the replica, unless `primary`.

        A write with `primary` is one that nobody reads from the replica: it pins no reads.
        """
        if self.closed:
            raise SessionMisuse(CLOSED)
        try:
            dialect = self.databases[database]
        except (KeyError, TypeError):
            variable_of(database)  # says which there are
            raise
        replica = None if primary or database != "main" else self.replica
        if readonly and replica is not None and replica.serves():
            return self._session(ReplicaState(replica, dialect, single=single))
        state = TransactionState(dialect, database, readonly=readonly, single=single)
        if not readonly and replica is not None:
            state.callbacks.append((replica.note_write, replica.note_write))
        return self._session(state)

    def replica_session(self) -> Session:
        """A session that reads the replica, or fails: to see what state it is in."""
        if self.replica is None:
            raise ConfigurationError("there is no replica: set READ_DATABASE_URL")
        dialect = self.replica.dialect
        return self._session(TransactionState(dialect, "main", readonly=True, single=False))

    def _session(self, state: TransactionState) -> Session:
        return Session(state, Transaction(state, self))

    def open_writer(self, name: str, write: Write, batch_size: int = 20_000) -> BufferedWriter:
        """The writer of this name, new if there is none in `writers`; it ends with the store."""
        if self._last_writers is not None:
            raise SessionMisuse(CLOSED)
        return self.writers.setdefault(name, BufferedWriter(name, write, batch_size=batch_size))

    @property
    def dialects(self) -> list[Dialect]:
        """Each open database once."""
        replicas = [self.replica.dialect] if self.replica else []
        return list({id(each): each for each in (*self.databases.values(), *replicas)}.values())

    def _with_connections(self) -> list[Dialect]:
        """The same, and that of the looks at the epochs and at the log of main."""
        return [*self.dialects, self._looked_at]

    def close(self) -> None:
        """Write what is buffered, end open sessions (a verb is done first), close connections."""
        self._last_writers = [*(self._last_writers or ()), *self.writers.values()]
        self.writers = {}  # nothing is recorded any more
        for writer in self._last_writers:
            writer.close()
        if self is _current:
            for writer in open_writers():  # of log handlers, which write to the current store
                writer.flush()
        self._tasks.close()
        self.closed = True
        for dialect in self._with_connections():
            dialect.close()

    def __enter__(self) -> "Store":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def before_fork(self) -> None:
        """Close what a fork would break; running transactions of SQLite have ended by now."""
        for dialect in self._with_connections():
            dialect.before_fork()

    def after_fork_in_parent(self) -> None:
        """Nothing to do."""

    def after_fork_in_child(self) -> None:
        """Fresh locks, pools and caches."""
        for dialect in self._with_connections():
            dialect.after_fork_in_child()
        self._make_caches()
        if self.replica:
            self.replica.after_fork_in_child()


_current: Store | None = None


class use_store:  # noqa: N801
    """Make this store the one that every repository function of this process uses.

    As a context manager only within its block: then the one before is used again.
    """

    def __init__(self, store: Store | None) -> None:
        global _current
        if not isinstance(store, Store | None):
            raise InvalidInput(f"give a Store or None, not {type(store).__name__}")
        self._before, _current = _current, store

    def __enter__(self) -> Store | None:
        return _current

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        use_store(self._before)


def current_store() -> Store:
    """The store in use."""
    if _current is None:
        raise ConfigurationError("no store is open: call init_databases() first")
    return _current


def open_store() -> Store | None:
    """The store in use, or None when there is none or it is closed."""
    return None if _current is None or _current.closed else _current


def close_databases() -> None:
    """Close the current store; calling it twice does no harm."""
    global _current
    if _current is not None:
        _current.close()
        _current = None


def get_engine(database: str = "main") -> Engine:
    """The Core Engine of a database of the current store."""
    variable_of(database)
    return current_store().databases[database].engine


def get_ttl_to_session_end(now: datetime | None = None) -> float:
    """Seconds until the next session boundary: SESSION_EXPIRY_TIME, 03:00 IST by default.

    `now` is an aware datetime, by default the current moment.
    """
    store = open_store()
    at = store.settings.session_expiry_time if store else clock.SESSION_END
    moment = clock.now() if now is None else check_moment(now)
    try:
        return (clock.next_session_end(moment, at) - moment).total_seconds()
    except OverflowError:
        raise InvalidInput("the moment is not one of this market: check its year") from None


def cache_stats() -> dict[str, CacheStats]:
    """Size, hits, misses and expiry of each cache of the current store, by its name.

    api_key_cache, invalid_key_cache and token_cache, and symbol_cache for the masters together.
    """
    store = current_store()
    return {
        "api_key_cache": store.api_keys.stats(),
        "invalid_key_cache": store.invalid_keys.stats(),
        "symbol_cache": store.symbols.stats(),
        "token_cache": store.tokens.stats(),
    }
