"""What both engines share: how an Engine is made, and the events that hold the store's rules."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol

from sqlalchemy import Connection, Engine, PoolProxiedConnection, Table, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.engine.interfaces import ExceptionContext

from ..errors import StoreError
from ..records import Row
from ..values.json import to_json
from .living import Living

TRANSACTION = "openalgo_store_transaction"
"""The execution option under which a Core Connection carries the state of its transaction."""


class Holder(Protocol):
    """What holds a writer lock: a transaction."""

    def is_lost(self) -> bool:
        """Whether its block is gone and did not end it."""

    def close(self) -> None:
        """Roll back and give everything back; again where that was cut short."""

    def close_with_store(self) -> None:
        """The same from outside its block."""


class Sent(NamedTuple):
    """What a driver refused: its connection, the statement, and each row of what was bound."""

    driver: Any
    sql: str
    rows: Sequence[Mapping[str, Any]]
    readonly: bool
    """Whether it was sent in a read session."""


class Replication(NamedTuple):
    """What a database tells of its log and of where that comes from; nothing, where it cannot."""

    origin: str | None = None
    """Which database it is: a standby, promoted or not, is the same one as its primary."""
    is_standby: bool = False
    """Whether it replays the log of another server."""
    position: int | None = None
    """How far its log was written, that of a standby replayed."""
    age: float | None = None
    """Of a standby: the seconds since what it replayed last was committed."""
    server: str | None = None
    """Which server told this, where several may answer to one URL."""


class PoolUse(NamedTuple):
    """The connections of this process to one database; at_most is None where nothing limits them.

    Databases that share a URL share them.
    """

    in_use: int
    idle: int
    at_most: int | None


class Size(NamedTuple):
    """What a database takes, its write-ahead log, and what its disk has left.

    The last two are None where they are a server's own.
    """

    data_bytes: int
    log_bytes: int | None
    free_bytes: int | None


class Step(NamedTuple):
    """One thing that keeps a database in shape; `why` it failed, or was not needed."""

    what: str
    state: Literal["done", "not needed", "failed"]
    why: str | None = None


class Dialect(Protocol):
    """One database of one engine: the few operations in which the engines differ.

    `driver` is the connection of the driver itself; `held` is what has it for the time of a
    transaction: closed it gives it back, invalidated it ends it.
    """

    name: str
    identity: str
    """The file, or host and database, that this is: two names of it are the same database."""
    engine: Engine
    closed: bool
    single_needs_begin: bool
    """Whether a single statement, too, goes behind a BEGIN, which brings what it must obey."""
    slow_statement: float
    """Seconds from which a statement is worth a line in the log, 0 for never."""
    lease: float
    """Seconds for which answers from memory need no look at the database, by default."""
    transactions: Living[Holder]
    """Those that have a connection, or wait for one."""

    @property
    def driver_error(self) -> type[Exception]:
        """The root of the driver's errors."""

    def acquire_writer_lock(self, holder: Holder) -> None:
        """Wait for the right to write, where writers of a process must queue.

        Unavailable if it does not come in time.
        """

    def release_writer_lock(self, holder: Holder) -> None:
        """Let the next writer in; no effect for who neither holds the lock nor waits for it."""

    def check_out(self) -> PoolProxiedConnection:
        """A connection for the time of a transaction.

        Raises the driver's error, or the pool's where each is in use; SessionMisuse for a file that
        a fork has made useless.
        """

    def show(self, held: PoolProxiedConnection) -> None:
        """Its connection is shown to a caller, who may change its settings."""

    def give_back(self, held: PoolProxiedConnection) -> None:
        """The end of `check_out`, whatever was done; again does no harm."""

    def begin(self, driver: Any, *, readonly: bool) -> None:
        """Send BEGIN: one read-only snapshot, or a writing transaction; the driver's error."""

    def prepare_single(self, driver: Any, *, readonly: bool) -> None:
        """Make ready for one statement that is a transaction of its own, without BEGIN."""

    def in_transaction(self, driver: Any) -> bool:
        """Whether BEGIN was sent, and COMMIT would keep what was written since."""

    def is_lost(self, driver: Any) -> bool:
        """Whether the connection is closed or broken."""

    def was_idle(self, driver: Any) -> bool:
        """Whether somebody had the connection before: it may have been lost since."""

    def open_stream(self, driver: Any) -> Any:
        """A cursor that does not hold its whole result in memory."""

    def translate(self, error: Exception, sent: Sent | None) -> StoreError:
        """The store's error for one of the driver's."""

    def insert_rows(
        self, driver: Any, table: Table, columns: Sequence[str], rows: Iterable[Row]
    ) -> int:
        """Insert checked rows by the fastest way of the driver; how many, or the driver's error."""

    def odd_values(self, driver: Any, table: Table) -> Iterable[tuple[str, str]]:
        """What it may hold although no column is of that kind.

        Told are a reason and the condition, for this connection, that is true of such a row.
        """

    def storage_faults(self, driver: Any) -> Iterable[str]:
        """What is damaged below the rows: pages and indexes, as far as the engine tells."""

    def save_to(self, path: Path) -> bool:
        """Write the database as it is now into a new file; False where it is no file itself."""

    def optimize(self, tables: Sequence[str]) -> list[Step]:
        """Keep these tables, and the file they are in, in shape while others read and write.

        Nothing is raised for what cannot be done now, as because others hold a lock.
        """

    def last_number(self, driver: Any, table: Table) -> int:
        """The highest id that a row of the table had, for as long as that is known."""

    def continue_after(self, driver: Any, table: Table, number: int) -> None:
        """Give no new row of the table an id up to this one."""

    def lock(self, driver: Any, name: str) -> None:
        """Hold a named lock until the end of the transaction; the driver's error."""

    def own_connection(self) -> AbstractContextManager[None]:
        """For who opens one for himself: within the block no fork comes in between."""

    def server_version(self, driver: Any) -> str:
        """The version of the engine."""

    def connection_limit(self, connection: Connection) -> int | None:
        """How many connections the server allows, None for no limit."""

    def pool_use(self) -> PoolUse:
        """How many connections there are; asks nobody."""

    def size(self, driver: Any) -> Size:
        """How much room the database takes, and how much its disk has left."""

    def is_that_of(self, other: Any) -> bool:
        """Whether another Dialect is one of the same database, by whatever name."""

    def has_answered(self, error: BaseException | None) -> bool:
        """Whether an error of the driver shows that the database is there, and has refused."""

    def is_read_only(self, driver: Any) -> bool:
        """Whether every write would fail now."""

    def replication(self) -> Replication:
        """Where it stands as a replica, or as the primary of one; Unavailable if it is away."""

    def server_of(self, driver: Any) -> str | None:
        """Which server it is connected to, as `replication` tells it."""

    def before_fork(self) -> None:
        """Leave nothing that a fork would break."""

    def after_fork_in_child(self) -> None:
        """Start anew, without touching what belongs to the parent."""

    def close(self) -> None:
        """End every session and close every idle connection, for good."""


@contextmanager
def translating(dialect: Dialect) -> Iterator[None]:
    """What the driver raises in the block becomes the store's error."""
    try:
        yield
    except dialect.driver_error as error:
        raise dialect.translate(error, None) from error


def build_engine(url: str | URL, dialect: Dialect, **options: Any) -> Engine:
    """An Engine whose transactions begin, and whose errors are translated, as the dialect says.

    The store's own statements pass it by: it serves get_engine() and Transaction.connection.
    """
    engine = create_engine(url, hide_parameters=True, json_serializer=to_json, **options)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        driver = connection.connection.driver_connection
        if dialect.in_transaction(driver):  # the Transaction has begun it
            return
        transaction = connection.get_execution_options().get(TRANSACTION)
        try:
            dialect.begin(driver, readonly=transaction is not None and transaction.readonly)
        except dialect.driver_error as error:
            raise dialect.translate(error, None) from error

    @event.listens_for(engine, "handle_error", retval=True)
    def translate(context: ExceptionContext) -> BaseException | None:
        error = context.original_exception
        if isinstance(error, StoreError):  # a column type refused the value: nothing was sent
            return type(error)(*error.args)
        if not isinstance(error, dialect.driver_error) or context.is_pre_ping:
            return None  # the pool understands a failed ping in the driver's own words
        translated = dialect.translate(error, _sent(context))
        if context.connection is not None:
            transaction = context.connection.get_execution_options().get(TRANSACTION)
            if transaction is not None:
                transaction.fail(translated)
        return translated

    return engine


def _sent(context: ExceptionContext) -> Sent | None:
    """What Core has sent."""
    if context.connection is None or context.connection.invalidated:
        return None
    driver = context.connection.connection.driver_connection
    executed: Any = context.execution_context
    rows = executed.compiled_parameters if executed is not None and executed.compiled else ()
    transaction = context.connection.get_execution_options().get(TRANSACTION)
    readonly = transaction is not None and transaction.readonly
    return Sent(driver, context.statement or "", rows, readonly)
