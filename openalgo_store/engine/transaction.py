"""Transaction: the one way to the database, with a few verbs and strict rules."""

import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Any, TypeVar

from sqlalchemy import Connection, CursorResult, Table
from sqlalchemy.exc import TimeoutError as PoolTimeout

from ..errors import SessionMisuse, StoreError, TransactionFailed, Unavailable
from ..records import Row
from .dialect import TRANSACTION, Dialect
from .forks import abandon
from .queries import Query

R = TypeVar("R")

_STREAM = 1000
"""Rows fetched at a time by `stream`: 5000 leave the processor's cache and take a third longer."""


class _WritingHere(threading.local):
    """The databases that this thread is writing now, known anew in a forked process."""

    def __init__(self) -> None:
        self.process = os.getpid()
        self.names: dict[str, str] = {}  # identity -> the name under which it is written

    def now(self) -> dict[str, str]:
        if self.process != os.getpid():
            self.__init__()  # type: ignore[misc]
        return self.names


_writing_here = _WritingHere()


class Transaction:
    """A transaction of one database: commits when its block ends, rolls back on an exception.

    BEGIN goes out with the first statement. After a database error it can only be rolled back,
    to an enclosing savepoint or whole: any verb, and a normal end, raise TransactionFailed.
    """

    def __init__(
        self,
        dialect: Dialect,
        database: str,
        origin: object,
        *,
        readonly: bool,
        single: bool = False,
        on_replica: bool = False,
    ) -> None:
        self.database = database
        self.readonly = readonly
        self.on_replica = on_replica  # what it reads may be old: no ground for what secures
        self.single = single  # for one statement, which may commit itself: see one_statement
        self.origin = origin
        self._dialect = dialect
        self._process = os.getpid()
        self._connection: Connection | None = None
        self._failure: StoreError | None = None
        self._callbacks: list[Callable[[], object]] = []
        self._writing: dict[str, str] | None = None
        self._state = "not entered"

    # The block

    def __enter__(self) -> "Transaction":
        if self._state != "not entered":
            raise SessionMisuse(f"this session is {self._state}: get a new one for each with block")
        if not self.readonly:
            writing = _writing_here.now()
            if (name := writing.get(self._dialect.identity)) is not None:
                raise SessionMisuse(_second_writer(self._dialect.identity, name, self.database))
            writing[self._dialect.identity] = self.database
            self._writing = writing
        self._state = "open"
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._state = "ended"
        if self._process != os.getpid():
            abandon(self._connection)
            if error is None:
                raise SessionMisuse(_FORKED)
            return
        try:
            if error is None:
                self._commit()
            else:
                self._roll_back()
        finally:
            if self._writing is not None:
                del self._writing[self._dialect.identity]
        if error is None:
            self._call_back()

    def _commit(self) -> None:
        try:
            self._refuse_if_failed()
            if self._connection is None:
                return
            if not self.single and self._dialect.is_failed(self._connection):
                self.fail(StoreError("a statement failed on the driver's own connection"))
                self._refuse_if_failed()
            self._connection.commit()
        except BaseException:
            self._roll_back()
            raise
        self._release()

    def _roll_back(self) -> None:
        """Undo everything; an error on the way (a lost connection) has undone it already."""
        if self._connection is None:
            return
        try:
            self._connection.rollback()
        except StoreError:
            self._connection.invalidate()
        finally:
            self._release()

    def _release(self) -> None:
        if self._connection is not None:
            connection, self._connection = self._connection, None
            try:
                connection.close()
            finally:
                if not self.readonly:
                    self._dialect.release_writer_lock()

    def _call_back(self) -> None:
        """Run every after_commit callback; the first error is raised when all have run."""
        errors = []
        for callback in self._callbacks:
            try:
                callback()
            except Exception as error:
                errors.append(error)
        if errors:
            raise errors[0]

    # The verbs

    def one(self, query: Query[R], **params: Any) -> R | None:
        """The record, or None; more than one row is an error."""
        rows = self._execute(query, params).fetchmany(2)
        if len(rows) > 1:
            raise StoreError(f"{query.name} found more than one row where there can be one")
        return next(query.records(rows), None)

    def value(self, query: Query[R], **params: Any) -> R | None:
        """The single value, or None."""
        found: R | None = self._execute(query, params).scalar()
        return found

    def all(self, query: Query[R], **params: Any) -> list[R]:
        """Every record."""
        return list(query.records(self._execute(query, params)))

    def stream(self, query: Query[R], **params: Any) -> Iterator[R]:
        """Every record, a thousand in memory at a time."""
        self._refuse_if_single()
        return _closing(self._execute(query, params, yield_per=_STREAM), query)

    def run(self, query: Query[None], **params: Any) -> int:
        """The number of rows affected."""
        return self._execute(query, params).rowcount

    def many(self, query: Query[None], rows: Sequence[Mapping[str, Any]]) -> int:
        """Execute once for each row; the number of rows affected."""
        if not rows:
            return 0
        query.check(rows[0])
        return self.connection.execute(query.on(self._dialect.name), list(rows)).rowcount

    def copy(self, table: Table, columns: Sequence[str], rows: Iterable[Row]) -> int:
        """Insert many rows by the driver's fastest way; the number of rows.

        The rows are tuples in the order of `columns` and are trusted: column types convert
        them but do not check them.
        """
        connection = self.connection
        if self.readonly:
            raise SessionMisuse("a read session cannot write: use get_write_session")
        try:
            return self._dialect.insert_rows(connection, table, columns, rows)
        except self._dialect.driver_error as error:
            driver: Any = connection.connection.dbapi_connection
            if connection.dialect.is_disconnect(error, driver, None):  # type: ignore[arg-type]
                connection.invalidate(error)
            failure = self._dialect.translate(error, None)
            self.fail(failure)
            raise failure from error
        except BaseException:
            self.fail(StoreError("the rows to copy ended in an error"))
            raise

    def lock(self, name: str) -> None:
        """Wait for a named lock and hold it until the transaction ends."""
        self._dialect.lock(self.connection, name)

    def after_commit(self, callback: Callable[[], object]) -> None:
        """Call this once the transaction, and the savepoint it is in, has been committed."""
        self._refuse_if_unusable()
        self._callbacks.append(callback)

    @contextmanager
    def savepoint(self) -> Iterator["Transaction"]:
        """A part that can fail alone: an exception undoes what was done since."""
        connection = self.connection
        callbacks = len(self._callbacks)
        nested = connection.begin_nested()
        try:
            yield self
            if self._failure is not None:
                raise TransactionFailed(_FAILED) from self._failure
            nested.commit()
        except BaseException:
            del self._callbacks[callbacks:]
            try:
                nested.rollback()
                if not connection.invalidated:  # lost, and with it the whole transaction
                    self._failure = None
            except StoreError as error:
                self.fail(error)
            raise

    @property
    def connection(self) -> Connection:
        """The Core Connection, in its transaction."""
        self._refuse_if_single()
        return self._connected()

    @property
    def driver_connection(self) -> Any:
        """The driver's own connection, for what no verb does.

        Errors raised through it are the driver's. Let them end the session: only PostgreSQL
        tells the transaction of one that is caught.
        """
        return self.connection.connection.driver_connection

    def fail(self, error: StoreError) -> None:
        """From now on only a rollback is possible."""
        self._failure = self._failure or error

    # Inside

    def _connected(self) -> Connection:
        self._refuse_if_unusable()
        return self._begin() if self._connection is None else self._connection

    def _refuse_if_single(self) -> None:
        if self.single:
            raise SessionMisuse("this session is for one statement alone: get one of your own")

    def _refuse_if_unusable(self) -> None:
        if self._state != "open":
            raise SessionMisuse(f"this session is {self._state}: use it inside its with block")
        if self._process != os.getpid():
            raise SessionMisuse(_FORKED)
        self._refuse_if_failed()

    def _refuse_if_failed(self) -> None:
        if self._failure is None and self._connection is not None and self._connection.invalidated:
            self.fail(Unavailable("the connection was lost"))
        if self._failure is not None:
            raise TransactionFailed(_FAILED) from self._failure

    def _begin(self) -> Connection:
        if self._dialect.closed:
            raise SessionMisuse("this store is closed: call init_databases() to open one")
        if not self.readonly:
            self._dialect.acquire_writer_lock()
        try:
            connection = self._dialect.engine.connect()
            try:
                connection = connection.execution_options(**{TRANSACTION: self})
                connection.begin()
            except BaseException:
                connection.close()
                raise
        except PoolTimeout as error:
            self._release_writer_lock()
            raise Unavailable(
                f"every connection to {self._dialect.identity} is in use: end sessions sooner, "
                "or raise DB_POOL_SIZE and DB_MAX_OVERFLOW"
            ) from error
        except BaseException:
            self._release_writer_lock()
            raise
        self._connection = connection
        return connection

    def _release_writer_lock(self) -> None:
        if not self.readonly:
            self._dialect.release_writer_lock()

    def _execute(
        self, query: Query[Any], params: Mapping[str, Any], **options: Any
    ) -> CursorResult[Any]:
        query.check(params)
        if self._connection is not None:
            self._refuse_if_single()
        return self._connected().execute(
            query.on(self._dialect.name), params, execution_options=options
        )


def _closing(result: CursorResult[Any], query: Query[R]) -> Iterator[R]:
    """The records of a result that is closed even if nobody reads it to its end."""
    try:
        yield from query.records(result)
    finally:
        result.close()


def _second_writer(identity: str, name: str, database: str) -> str:
    if name == database:
        return (
            f"this thread is already writing to {identity}: pass that session on as tx=tx "
            "(a second one would wait for the first for ever)"
        )
    return (
        f"{name} and {database} are one database, {identity}, which this thread is already "
        f"writing: end the session of {name} first, or give each a database of its own"
    )


_FAILED = "a statement failed before: nothing of this transaction can be kept; let its error end it"
_FORKED = "this session was opened before a fork: open a new one in the child process"
