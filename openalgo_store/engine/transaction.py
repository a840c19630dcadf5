"""Transaction: the one way to the database, with a few verbs and strict rules."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import wraps
from typing import Any, TypeVar

from sqlalchemy import Connection, Table

from ..errors import InvalidInput, SessionMisuse, StoreError, TransactionFailed
from ..records import Row
from ..values.arguments import iterated, one_of
from . import executor
from .compiled import Compiled
from .queries import Query, compiled_query
from .transaction_state import FAILED, ROLLED_BACK, TransactionState

F = TypeVar("F", bound=Callable[..., Any])
R = TypeVar("R")


def _by_one_thread(verb: F) -> F:
    """The verb, refused while another thread is inside one of the same transaction."""

    @wraps(verb)
    def guarded(self: "Transaction | Stream[Any]", *args: Any, **params: Any) -> Any:
        self._state.enter_verb()
        try:
            return verb(self, *args, **params)
        finally:
            self._state.leave_verb()

    return guarded  # type: ignore[return-value]


class Stream(Iterator[R]):
    """Records that are read one by one, or in the lists in which they come.

    Each step is a verb of its own: by one thread at a time, and as long as the session is open.
    """

    def __init__(self, state: TransactionState, batches: Iterator[list[R]]) -> None:
        self._state = state
        self._batches = batches
        self._records: Iterator[R] = iter(())
        self._is_broken = False

    @_by_one_thread
    def __next__(self) -> R:
        self._state.refuse_if_unusable()
        for record in self._records:
            return record
        self._records = iter(self._next_batch())
        return next(self._records)

    def batches(self) -> Iterator[list[R]]:
        """What was not read yet, up to 1,000 records at a time: faster, for who takes them all."""
        while batch := self._rest_of_batch():
            yield batch

    @_by_one_thread
    def _rest_of_batch(self) -> list[R]:
        self._state.refuse_if_unusable()
        return list(self._records) or self._next_batch()

    def _next_batch(self) -> list[R]:
        """Empty at the end, but not where it broke off, though a savepoint was rolled back."""
        if self._is_broken:
            raise StoreError("to read on failed before: what was read is not all, begin anew")
        self._is_broken = True
        batch = next(self._batches, [])
        self._is_broken = False
        return batch


def _check_columns(table: Table, columns: Sequence[str]) -> list[str]:
    """The names of columns, if the table has them; InvalidInput for others, and for no Table."""
    if not isinstance(table, Table):
        raise InvalidInput(f"a Table is needed, not {type(table).__name__}")
    return [one_of("a column", name, table.c.keys()) for name in iterated("columns", columns)]


class Transaction:
    """A transaction of one database: commits when its block ends, rolls back on an exception.

    BEGIN goes out with the first statement. After a database error it can only be rolled back,
    to an enclosing savepoint or whole: any verb, and a normal end, raise TransactionFailed.
    It may move from thread to thread, and serves one at a time.

    Each verb raises SessionMisuse outside the block and beside another thread, InvalidInput for a
    value that is refused before it is sent, and for what the database refuses Conflict,
    InvalidInput or Unavailable; TypeError for a parameter too many or too few.
    """

    def __init__(self, state: TransactionState, origin: object) -> None:
        self.database = state.database
        self.readonly = state.readonly
        self.origin = origin
        self._state = state

    @_by_one_thread
    def one(self, query: Query[R], **params: Any) -> R | None:
        """The record, or None; more than one row is a StoreError."""
        found = self._state.execute(query, params, executor.fetch_two)
        if len(found) > 1:
            raise StoreError(f"{query.name} found more than one row where there can be one")
        return found[0] if found else None

    @_by_one_thread
    def value(self, query: Query[R], **params: Any) -> R | None:
        """The first value of the first row, or None."""
        found: R | None = self._state.execute(query, params, executor.fetch_value)
        return found

    @_by_one_thread
    def all(self, query: Query[R], **params: Any) -> list[R]:
        """Every record."""
        return self._state.execute(query, params, executor.fetch_all)

    @_by_one_thread
    def run(self, query: Query[None], **params: Any) -> int:
        """The number of rows affected."""
        return self._state.execute(query, params, executor.count_affected)

    @_by_one_thread
    def many(self, query: Query[None], rows: Sequence[Mapping[str, Any]]) -> int:
        """Execute once for each of these mappings; the number of rows affected."""
        rows = list(iterated("rows", rows))
        if not all(issubclass(kind, Mapping) for kind in set(map(type, rows))):
            raise InvalidInput("each row must be a mapping, as {'name': value}")
        if not rows:
            return 0
        state = self._state
        driver = self._connected()
        compiled = compiled_query(query, state.dialect.engine.dialect, rows[0])
        given = list(map(compiled.values, rows))
        return state.send(query, executor.count_affected_by_all, driver, compiled, given)

    @_by_one_thread
    def stream(self, query: Query[R], **params: Any) -> Stream[R]:
        """Every record, a thousand in memory at a time; it ends with the session.

        To read on is a verb of its own: it raises what they do.
        """
        state = self._state
        driver = self._connected()
        compiled = compiled_query(query, state.dialect.engine.dialect, params)
        values = compiled.values(params)
        cursor = state.perform(query.name, state.dialect.open_stream, driver)
        state.streams.append(cursor)
        state.send(query, executor.open_stream, cursor, compiled, values)
        return Stream(state, self._batches(query.name, compiled, cursor))

    @_by_one_thread
    def copy(self, table: Table, columns: Sequence[str], rows: Iterable[Row]) -> int:
        """Insert many rows by the driver's fastest way; the number of rows.

        The rows are tuples in the order of `columns` and are trusted: column types convert
        them but do not check them. SessionMisuse in a session that reads.
        """
        given = _check_columns(table, columns), iterated("rows", rows)
        driver, insert_rows = self._connected(), self._state.dialect.insert_rows
        if self.readonly:
            raise SessionMisuse("a read session cannot write: use get_write_session")
        name, call = f"copy into {table.name}", (insert_rows, driver, table, *given)
        return self._state.perform(name, *call, may_take_long=True)  # as its rows are many

    @_by_one_thread
    def lock(self, name: str) -> None:
        """Wait for a named lock and hold it until the transaction ends.

        Unavailable after DB_LOCK_TIMEOUT; nothing to wait for where writers are let in one by one.
        """
        driver = self._connected()
        self._state.perform("lock", self._state.dialect.lock, driver, name)

    @_by_one_thread
    def begin(self) -> None:
        """Begin now, for which a writer may have to wait, and not with the first statement."""
        self._connected()

    def after_commit(
        self, callback: Callable[[], object], *, unknown: Callable[[], object] | None = None
    ) -> None:
        """Call this once the transaction, and the savepoint it is in, has been committed.

        `unknown` is called instead where the answer to COMMIT was lost, so that nobody knows. An
        error of either is logged: by then the transaction is over.
        """
        self._state.refuse_if_unusable()
        self._state.callbacks.append((callback, unknown))

    def before_commit(self, name: str, callback: Callable[[], object]) -> None:
        """Call this as the last step of the transaction; of those of one name the first one.

        It may be the only step: its first statement begins the transaction then.
        They are called in the order of their names, so that two transactions which lock the same
        rows there do so in one order. An error of one rolls the transaction back.
        """
        self._state.refuse_if_unusable()
        self._state.refuse_if_single()
        self._state.last_steps.setdefault(name, callback)

    def is_committing(self) -> bool:
        """Whether it is being committed, is or may be, and what waits for that is to be called."""
        return self._state.outcome != ROLLED_BACK and not self._state.is_given_back

    @contextmanager
    def savepoint(self) -> Iterator["Transaction"]:
        """A part that can fail alone: an exception undoes what was done since.

        After a database error that was caught in it, its normal end is TransactionFailed.
        """
        state = self._state
        callbacks, depth = len(state.callbacks), state.savepoints + 1
        self._mark(f"SAVEPOINT part{depth}")
        state.savepoints = depth
        try:
            yield self
            if state.failure is not None:
                raise TransactionFailed(FAILED) from state.failure
            self._mark(f"RELEASE SAVEPOINT part{depth}")
        except BaseException:
            del state.callbacks[callbacks:]
            failure, state.failure = state.failure, None
            try:
                self._mark(f"ROLLBACK TO SAVEPOINT part{depth}")
            except StoreError:  # the connection is lost, and with it all
                state.failure = failure or state.failure
            raise
        finally:
            state.savepoints = depth - 1

    @property
    def on_replica(self) -> bool:
        """Whether what it reads may be old: it reads READ_DATABASE_URL."""
        return self._state.on_replica

    @property
    def connection(self) -> Connection:
        """The Core Connection, in its transaction."""
        self._state.refuse_if_single()
        return self._state.core()

    @property
    def driver_connection(self) -> Any:
        """The driver's own connection, for what no verb does.

        Errors raised through it are the driver's. Let them end the session: only PostgreSQL
        tells the transaction of one that is caught.
        """
        return self.connection.connection.driver_connection

    def fail(self, error: StoreError) -> None:
        """From now on only a rollback is possible: whatever comes is TransactionFailed by this."""
        self._state.fail(error)

    @_by_one_thread
    def _mark(self, statement: str) -> None:
        """Execute what begins or ends a savepoint."""
        driver = self._connected()
        self._state.perform(statement.partition(" ")[0], driver.execute, statement)

    def _connected(self) -> Any:
        """The driver's connection, in a transaction of several statements."""
        self._state.refuse_if_single()
        return self._state.connected()

    def _batches(self, name: str, compiled: Compiled[R], cursor: Any) -> Iterator[list[R]]:
        """The records of a cursor, closed when nobody reads on, or with the session."""
        state = self._state
        try:
            while records := state.perform(name, executor.next_records, cursor, compiled):
                yield records
        finally:
            if state.is_open():  # else it has ended first, or is that of a parent process
                with suppress(Exception):  # of a connection that is lost
                    state.streams.remove(cursor)
                    cursor.close()
