"""TransactionState: what a transaction holds, and how it gives that back whatever happens.

Every step of the end may be cut short by a signal handler that raises, and is then done again: by
the Session as it dies, or by the next writer, who finds the lost one.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from time import perf_counter
from typing import Any, TypeVar
from weakref import ref

from sqlalchemy import Connection, PoolProxiedConnection
from sqlalchemy.exc import TimeoutError as PoolTimeout

from ..errors import SessionMisuse, StoreError, TransactionFailed, Unavailable
from ..threads import get_ident
from . import forks
from .compiled import Compiled
from .dialect import TRANSACTION, Dialect, Sent
from .queries import Query, compiled_query

R = TypeVar("R")
T = TypeVar("T")

_NOT_ENTERED, _OPEN, _ENDED, _CLOSED = "not entered", "open", "ended", "closed with its store"
FAILED = "a statement failed before: nothing of this transaction can be kept; let its error end it"
ROLLED_BACK, _UNKNOWN, _COMMITTED = "rolled back", "unknown", "committed"

Callback = tuple[Callable[[], object], Callable[[], object] | None]
"""What is called when the transaction is committed, and when nobody knows whether it is."""

_log = logging.getLogger("openalgo_store")
_statements = logging.getLogger("openalgo_store.statements")


class TransactionState:
    """Connection, writer lock, failure and callbacks of one transaction."""

    driver: Any = None
    savepoints = 0
    failure: StoreError | None = None
    _held: PoolProxiedConnection | None = None
    _core: Connection | None = None
    _session: "ref[Any] | None" = None
    _progress = _NOT_ENTERED
    is_given_back = False
    on_replica = False
    outcome = ROLLED_BACK

    def __init__(self, dialect: Dialect, database: str, *, readonly: bool, single: bool) -> None:
        self.dialect = dialect
        self.database = database
        self.readonly = readonly
        self.single = single  # for one statement: see one_statement
        self.commits_itself = single and not dialect.single_needs_begin
        self.callbacks: list[Callback] = []
        self.last_steps: dict[str, Callable[[], object]] = {}
        self.streams: list[Any] = []  # cursors, which end with the transaction
        self._process = forks.process
        self._inside: dict[str, int] = {}  # the thread that is inside a verb

    # The block

    def enter(self, session: "ref[Any]") -> None:
        """Its block begins; that of a state is gone when the session is."""
        if self._progress != _NOT_ENTERED:
            raise SessionMisuse(
                f"this session is {self._progress}: get a new one for each with block"
            )
        self._session = session
        self._progress = _OPEN

    def is_open(self) -> bool:
        """Whether its block has begun and not ended, in this process."""
        return self._progress == _OPEN and self._process == forks.process

    def is_lost(self) -> bool:
        """Whether its block is gone and did not end it."""
        return self._session is not None and self._session() is None and not self.is_given_back

    def commit(self) -> None:
        """Keep what was written; what waits for that is called when all is given back."""
        if self.commits_itself or (self.driver is None and not self.last_steps):
            self.refuse_if_unusable()
            self.outcome = _COMMITTED
            return
        for _, step in sorted(self.last_steps.items()):
            self.refuse_if_unusable()
            step()
        self.enter_verb()
        try:
            self._commit(self.connected())
        finally:
            self.leave_verb()

    def _commit(self, driver: Any) -> None:
        if not self.dialect.in_transaction(driver):
            lost = self.is_connection_lost()
            why = "a statement failed on the driver's own connection"
            self.fail(Unavailable("the connection was lost") if lost else StoreError(why))
            self.refuse_if_unusable()
        self.outcome = _UNKNOWN  # should a signal handler raise from here on
        try:
            self.perform("COMMIT", (self._core or driver).commit)
        except StoreError as error:
            is_unknown = isinstance(error, Unavailable) and self.is_connection_lost()
            if isinstance(error, Unavailable):
                error.outcome_unknown = is_unknown
            self.outcome = _UNKNOWN if is_unknown else ROLLED_BACK
            raise
        self.outcome = _COMMITTED

    def close(self) -> None:
        """Roll back what is not committed and give everything back; again does no harm."""
        if self.is_given_back or self._progress == _NOT_ENTERED:
            return
        if self._process != forks.process:
            forks.abandon(self._held)
            self.is_given_back = True
            return
        if self._progress == _OPEN:
            self._progress = _ENDED
        self.release()
        while self.callbacks:
            try:
                self._call_back(self.callbacks[0])
            finally:
                del self.callbacks[0]
        self.is_given_back = True

    def close_with_store(self) -> None:
        """End it from outside; a verb that is under way does so when it is done."""
        if self._process != forks.process:  # a child leaves its parent's alone
            return
        self._progress = _CLOSED
        if self._inside.setdefault("thread", get_ident()) == get_ident():
            try:
                self.release()
            finally:
                self._inside.clear()

    def release(self) -> None:
        """Roll back and give connection and writer lock back."""
        for cursor in self.streams.copy():  # who reads it may be closing it, too
            with suppress(Exception):  # of a connection that is lost
                cursor.close()
        self.streams.clear()
        held = self._held
        if held is not None:
            try:
                if self.outcome != _COMMITTED:
                    self.driver.rollback()
                if self._core is not None:
                    self._core.close()
            except Exception:  # it is lost, or was given back in part when this was cut short
                with suppress(Exception):
                    if held.is_valid:
                        held.invalidate()
            self.dialect.give_back(held)
            self._held = self._core = self.driver = None
        self.dialect.transactions.discard(self)
        if not self.readonly:
            self.dialect.release_writer_lock(self)

    def _call_back(self, callback: Callback) -> None:
        committed, unknown = callback
        call = {_COMMITTED: committed, _UNKNOWN: unknown}.get(self.outcome)
        if call is not None:
            try:
                call()
            except Exception:
                _log.exception("the transaction is %s, but a callback failed", self.outcome)

    # Inside

    def connected(self) -> Any:
        """The driver's connection; the first call begins the transaction."""
        self.refuse_if_unusable()
        return self.begin() if self.driver is None else self.driver

    def core(self) -> Connection:
        """The same connection as Core has it."""
        self.connected()
        if self._core is None and self._held is not None:
            self.dialect.show(self._held)
            core = Connection(self.dialect.engine, self._held)
            core.execution_options(**{TRANSACTION: self})
            core.begin()
            self._core = core
        return self._core  # type: ignore[return-value]

    def fail(self, error: StoreError) -> None:
        """From now on only a rollback is possible."""
        self.failure = self.failure or error

    def is_connection_lost(self) -> bool:
        """Whether there is none, or none any more."""
        return self.driver is None or self.dialect.is_lost(self.driver)

    def refuse_if_unusable(self) -> None:
        """SessionMisuse outside the block, TransactionFailed after an error."""
        if self._process != forks.process:
            raise SessionMisuse(
                "this session was opened before a fork: open a new one in the child process"
            )
        if self._progress != _OPEN:
            raise SessionMisuse(f"this session is {self._progress}: use it inside its with block")
        if self._core is not None and self._core.invalidated:
            self.fail(Unavailable("the connection was lost"))
        if self.failure is not None:
            raise TransactionFailed(FAILED) from self.failure

    def execute(self, query: Query[R], params: Mapping[str, Any], take: Callable[..., T]) -> T:
        """Execute a statement and take its result as one of the functions of `executor` does."""
        self.refuse_if_unusable()
        if self.driver is not None:
            self.refuse_if_single()
        compiled = compiled_query(query, self.dialect.engine.dialect, params)
        values = compiled.values(params)
        driver = self.driver
        if driver is None:
            driver = self.begin()
        try:
            return self.send(query, take, driver, compiled, values)
        except Unavailable:
            is_read_alone = self.commits_itself and self.readonly
            if self._held is None or not (is_read_alone and self._was_dead(driver)):
                raise
        self._held.invalidate()  # and ask another, once: a read changes nothing
        self.failure = None
        return self.send(query, take, self.begin(), compiled, values)

    def send(
        self,
        query: Query[Any],
        take: Callable[..., T],
        target: Any,
        compiled: Compiled[Any],
        bound: Mapping[str, Any] | Sequence[Mapping[str, Any]],
    ) -> T:
        """Let a connection or cursor of the driver execute it with what is bound, once or often."""
        rows = (bound,) if isinstance(bound, Mapping) else bound
        return self.perform(query.name, take, target, compiled, bound, sql=compiled.sql, rows=rows)

    def perform(
        self,
        statement: str,
        call: Callable[..., T],
        *arguments: Any,
        sql: str = "",
        rows: Sequence[Mapping[str, Any]] = (),
        may_take_long: bool = False,
    ) -> T:
        """Call; an error, and a line in the log if it takes long, name the statement."""
        began = perf_counter()
        try:
            return call(*arguments)
        except self.dialect.driver_error as error:
            sent = Sent(self.driver, sql, rows, self.readonly)
            raise self._failed(error, statement, sent) from error
        except StoreError as error:
            error.statement = error.statement or statement
            self.fail(error)
            raise
        except BaseException as error:  # nobody knows how far it came
            self.fail(StoreError(f"{statement} was interrupted by {type(error).__name__}"))
            raise
        finally:
            seconds = perf_counter() - began
            if 0 < self.dialect.slow_statement <= seconds and not may_take_long:
                _log.warning("%s took %.3f s in %s", statement, seconds, self.database)
            elif _statements.isEnabledFor(logging.DEBUG):
                _statements.debug("%s took %.6f s in %s", statement, seconds, self.database)

    def refuse_if_single(self) -> None:
        """SessionMisuse in a session for one statement, which has had it or takes no other verb."""
        if self.single:
            raise SessionMisuse("this session is for one statement alone: get one of your own")

    def enter_verb(self) -> None:
        """SessionMisuse while another thread is inside a verb."""
        thread = get_ident()
        if self._inside.setdefault("thread", thread) != thread:
            self.refuse_if_unusable()
            raise SessionMisuse(
                "two threads use this session at once: give each a session of its own"
            )

    def leave_verb(self) -> None:
        """The verb is done."""
        self._inside.clear()
        if self._progress == _CLOSED:  # by another thread, meanwhile
            self.release()

    def begin(self) -> Any:
        """Get a connection, and let it begin: with the first statement."""
        dialect = self.dialect
        dialect.transactions.add(self)  # before the look: a closing store looks the other way round
        try:
            if not self.readonly:
                dialect.acquire_writer_lock(self)
            self.refuse_if_unusable()  # it may have waited
            if dialect.closed:
                raise SessionMisuse("this store is closed: call init_databases() to open one")
            driver = self._check_out()
        except PoolTimeout as error:
            self.release()
            raise Unavailable(
                f"every connection to {dialect.identity} is in use: end sessions sooner, "
                "or raise DB_POOL_SIZE and DB_MAX_OVERFLOW"
            ) from error
        except dialect.driver_error as error:
            failure = self._failed(error, "BEGIN", None)
            self.release()
            raise failure from error
        except BaseException:
            self.release()
            raise
        return driver

    def _check_out(self) -> Any:
        """A connection that has begun; idle ones that the server has just ended are passed over."""
        dialect = self.dialect
        begin = dialect.prepare_single if self.commits_itself else dialect.begin
        while True:
            self._held = held = dialect.check_out()
            self.driver = driver = held.driver_connection
            try:
                begin(driver, readonly=self.readonly)
                return driver
            except dialect.driver_error:
                if not self._was_dead(driver):
                    raise
                held.invalidate()

    def _was_dead(self, driver: Any) -> bool:
        """Whether the connection is lost, and may have been before it was taken."""
        return self.dialect.is_lost(driver) and self.dialect.was_idle(driver)

    def _failed(self, error: Exception, statement: str, sent: Sent | None) -> StoreError:
        """The error of a driver as the store's; only a rollback is possible now."""
        failure = self.dialect.translate(error, sent)
        failure.statement = statement
        if isinstance(failure, Unavailable) and self.commits_itself and not self.readonly:
            failure.outcome_unknown = sent is not None and self.is_connection_lost()
            self.outcome = _UNKNOWN if failure.outcome_unknown else ROLLED_BACK
        self.fail(failure)
        return failure
