"""What both engines share: how an Engine is made, and the events that hold the store's rules."""

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from sqlalchemy import Connection, Engine, Table, create_engine, event
from sqlalchemy.engine.interfaces import ExceptionContext

from ..errors import StoreError
from ..records import Row
from ..values.json import to_json
from .living import Living

TRANSACTION = "openalgo_store_transaction"
"""The execution option under which a Connection carries the state of its transaction."""


class Holder(Protocol):
    """What holds a writer lock: a transaction."""

    def is_lost(self) -> bool:
        """Whether its block is gone and did not end it."""

    def close(self) -> None:
        """Roll back and give everything back; again where that was cut short."""

    def close_with_store(self) -> None:
        """The same from outside its block."""


class Dialect(Protocol):
    """One database of one engine: the few operations in which the engines differ."""

    name: str
    identity: str
    """The file, or host and database, that this is: two names of it are the same database."""
    engine: Engine
    closed: bool
    slow_statement: float
    """Seconds from which a statement is worth a line in the log, 0 for never."""
    transactions: Living[Holder]
    """Those that have a connection, or wait for one."""

    @property
    def driver_error(self) -> type[Exception]:
        """The root of the driver's errors."""

    def acquire_writer_lock(self, holder: Holder) -> None:
        """Wait for the right to write, where writers of a process must queue."""

    def release_writer_lock(self, holder: Holder) -> None:
        """Let the next writer in; no effect for who neither holds the lock nor waits for it."""

    def begin(self, connection: Connection, *, readonly: bool, single: bool) -> None:
        """Send BEGIN: one read-only snapshot, or a writing transaction.

        Not needed for a single statement where the engine commits one by itself.
        """

    def end_connection(self, driver: Any) -> None:
        """The pool has it back, unless that was cut short: see that it is so."""

    def is_failed(self, connection: Connection) -> bool:
        """Whether COMMIT would roll back, as the driver knows it."""

    def translate(self, error: Exception, context: ExceptionContext | None) -> StoreError:
        """The store's error for one of the driver's."""

    def insert_rows(
        self, connection: Connection, table: Table, columns: Sequence[str], rows: Iterable[Row]
    ) -> int:
        """Insert checked rows by the fastest way of the driver; how many."""

    def lock(self, connection: Connection, name: str) -> None:
        """Hold a named lock until the end of the transaction."""

    def server_version(self, connection: Connection) -> str:
        """The version of the engine."""

    def connection_limit(self, connection: Connection) -> int | None:
        """How many connections the server allows, None for no limit."""

    def before_fork(self) -> None:
        """Leave nothing that a fork would break."""

    def after_fork_in_child(self) -> None:
        """Start anew, without touching what belongs to the parent."""

    def close(self) -> None:
        """Close every idle connection, for good."""


def build_engine(url: str, dialect: Dialect, **options: Any) -> Engine:
    """An Engine whose transactions begin, and whose errors are translated, as the dialect says."""
    engine = create_engine(url, hide_parameters=True, json_serializer=to_json, **options)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        transaction = connection.get_execution_options().get(TRANSACTION)
        readonly = transaction is not None and transaction.readonly
        single = transaction is not None and transaction.single
        dialect.begin(connection, readonly=readonly, single=single)

    @event.listens_for(engine, "handle_error", retval=True)
    def translate(context: ExceptionContext) -> BaseException | None:
        error = context.original_exception
        if isinstance(error, StoreError):  # a column type refused the value: nothing was sent
            return type(error)(*error.args)
        if not isinstance(error, dialect.driver_error) or context.is_pre_ping:
            return None  # the pool understands a failed ping in the driver's own words
        translated = dialect.translate(error, context)
        if context.connection is not None:
            transaction = context.connection.get_execution_options().get(TRANSACTION)
            if transaction is not None:
                transaction.fail(translated)
        return translated

    return engine
