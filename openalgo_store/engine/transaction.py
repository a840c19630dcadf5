"""Transaction: the one way to the database, with a few verbs and strict rules."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import wraps
from typing import Any, TypeVar

from sqlalchemy import Connection, CursorResult, Table

from ..errors import SessionMisuse, StoreError, TransactionFailed
from ..records import Row
from .queries import Query
from .transaction_state import FAILED, TransactionState

F = TypeVar("F", bound=Callable[..., Any])
R = TypeVar("R")

_STREAM = 1000
"""Rows fetched at a time by `stream`: 5000 leave the processor's cache and take a third longer."""


def _by_one_thread(verb: F) -> F:
    """The verb, refused while another thread is inside one of the same transaction."""

    @wraps(verb)
    def guarded(self: "Transaction", *args: Any, **params: Any) -> Any:
        self._state.enter_verb()
        try:
            return verb(self, *args, **params)
        finally:
            self._state.leave_verb()

    return guarded  # type: ignore[return-value]


class Transaction:
    """A transaction of one database: commits when its block ends, rolls back on an exception.

    BEGIN goes out with the first statement. After a database error it can only be rolled back,
    to an enclosing savepoint or whole: any verb, and a normal end, raise TransactionFailed.
    It may move from thread to thread, and serves one at a time. `on_replica` says that what it
    reads may be old.
    """

    def __init__(self, state: TransactionState, origin: object, *, on_replica: bool) -> None:
        self.database = state.database
        self.readonly = state.readonly
        self.origin = origin
        self.on_replica = on_replica
        self._state = state
        self._engine = state.dialect.name

    @_by_one_thread
    def one(self, query: Query[R], **params: Any) -> R | None:
        """The record, or None; more than one row is an error."""
        rows = self._execute(query, params).fetchmany(2)
        if len(rows) > 1:
            raise StoreError(f"{query.name} found more than one row where there can be one")
        return next(query.records(rows), None)

    @_by_one_thread
    def value(self, query: Query[R], **params: Any) -> R | None:
        """The single value, or None."""
        found: R | None = self._execute(query, params).scalar()
        return found

    @_by_one_thread
    def all(self, query: Query[R], **params: Any) -> list[R]:
        """Every record."""
        return list(query.records(self._execute(query, params)))

    @_by_one_thread
    def stream(self, query: Query[R], **params: Any) -> Iterator[R]:
        """Every record, a thousand in memory at a time; it ends with the session."""
        self._refuse_if_single()
        query.check(params)
        query.refuse_bad_values(params)
        result = self._execute(query, params, yield_per=_STREAM)
        self._state.streams.append(result)
        return self._streamed(result, query)

    @_by_one_thread
    def run(self, query: Query[None], **params: Any) -> int:
        """The number of rows affected."""
        return self._execute(query, params).rowcount

    @_by_one_thread
    def many(self, query: Query[None], rows: Sequence[Mapping[str, Any]]) -> int:
        """Execute once for each row; the number of rows affected."""
        if not rows:
            return 0
        query.check(rows[0])
        connection, statement = self.connection, query.on(self._engine)
        found = self._state.observed(query.name, lambda: connection.execute(statement, list(rows)))
        return found.rowcount

    @_by_one_thread
    def copy(self, table: Table, columns: Sequence[str], rows: Iterable[Row]) -> int:
        """Insert many rows by the driver's fastest way; the number of rows.

        The rows are tuples in the order of `columns` and are trusted: column types convert
        them but do not check them.
        """
        connection, dialect = self.connection, self._state.dialect
        if self.readonly:
            raise SessionMisuse("a read session cannot write: use get_write_session")

        def insert() -> int:
            try:
                return dialect.insert_rows(connection, table, columns, rows)
            except dialect.driver_error as error:
                driver: Any = connection.connection.dbapi_connection
                if connection.dialect.is_disconnect(error, driver, None):  # type: ignore[arg-type]
                    connection.invalidate(error)
                failure = dialect.translate(error, None)
                self.fail(failure)
                raise failure from error
            except BaseException:
                self.fail(StoreError("the rows to copy ended in an error"))
                raise

        return self._state.observed(f"copy into {table.name}", insert)

    @_by_one_thread
    def lock(self, name: str) -> None:
        """Wait for a named lock and hold it until the transaction ends."""
        connection = self.connection
        self._state.observed("lock", lambda: self._state.dialect.lock(connection, name))

    def after_commit(self, callback: Callable[[], object]) -> None:
        """Call this once the transaction, and the savepoint it is in, has been committed.

        An error of it is logged: by then the transaction stands.
        """
        self._state.refuse_if_unusable()
        self._state.callbacks.append(callback)

    @contextmanager
    def savepoint(self) -> Iterator["Transaction"]:
        """A part that can fail alone: an exception undoes what was done since."""
        state, connection = self._state, self.connection
        callbacks = len(state.callbacks)
        nested = connection.begin_nested()
        try:
            yield self
            if state.failure is not None:
                raise TransactionFailed(FAILED) from state.failure
            nested.commit()
        except BaseException:
            del state.callbacks[callbacks:]
            try:
                nested.rollback()
                if not connection.invalidated:  # lost, and with it the whole transaction
                    state.failure = None
            except StoreError as error:
                self.fail(error)
            raise

    @property
    def connection(self) -> Connection:
        """The Core Connection, in its transaction."""
        self._refuse_if_single()
        return self._state.connected()

    @property
    def driver_connection(self) -> Any:
        """The driver's own connection, for what no verb does.

        Errors raised through it are the driver's. Let them end the session: only PostgreSQL
        tells the transaction of one that is caught.
        """
        return self.connection.connection.driver_connection

    def fail(self, error: StoreError) -> None:
        """From now on only a rollback is possible."""
        self._state.fail(error)

    def _refuse_if_single(self) -> None:
        if self._state.single:
            raise SessionMisuse("this session is for one statement alone: get one of your own")

    def _execute(
        self, query: Query[Any], params: Mapping[str, Any], **options: Any
    ) -> CursorResult[Any]:
        query.check(params)
        state = self._state
        if state.connection is not None:
            self._refuse_if_single()
        connection, statement = state.connected(), query.on(self._engine)
        return state.observed(
            query.name, lambda: connection.execute(statement, params, execution_options=options)
        )

    def _streamed(self, result: CursorResult[Any], query: Query[R]) -> Iterator[R]:
        """The records of a result, which is closed when nobody reads on, or with the session."""
        try:
            self._state.refuse_if_unusable()
            for record in query.records(result):
                yield record
                self._state.refuse_if_unusable()
        finally:
            result.close()
            with suppress(ValueError):  # its session has ended first
                self._state.streams.remove(result)
