"""The with block of a session: who may use it, how long, and what ends with it."""

import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from contextvars import copy_context
from dataclasses import replace
from functools import partial
from typing import Any

import psycopg
import pytest
from sqlalchemy import select, text

from openalgo_store import (
    SessionMisuse,
    Settings,
    Store,
    StoreError,
    Transaction,
    Unavailable,
    WrongDatabase,
    count_symbols,
    get_engine,
    get_read_session,
    get_write_session,
    replace_symbols,
    use_store,
)
from openalgo_store.engine import executor
from openalgo_store.engine.queries import Query
from openalgo_store.engine.sqlite.connections import GATE
from openalgo_store.tables.symbols import symbols
from tests.support.rows import ALL_NAMES, add_user, names, shares
from tests.support.waiting import DEADLINE, wait_for_a_lock, wait_until

ALL_SYMBOLS = Query.of(select(symbols.c.symbol), str)


def test_a_session_of_another_database_or_store_is_refused(
    store: Store, migrated_settings: Settings
) -> None:
    with get_read_session("logs") as tx:
        with pytest.raises(WrongDatabase, match="get_write_session\\('main'\\)"):
            count_symbols(tx=tx)
    with Store(migrated_settings) as other, get_read_session() as tx:
        use_store(other)
        with pytest.raises(WrongDatabase, match="another Store"):
            count_symbols(tx=tx)


def test_a_session_works_only_inside_its_block(store: Store) -> None:
    session = get_write_session()
    with session as tx:
        pass
    with pytest.raises(SessionMisuse, match="ended"):
        tx.all(ALL_NAMES)
    with pytest.raises(SessionMisuse, match="get a new one"), session:
        pass
    with pytest.raises(SessionMisuse, match="not entered"):
        get_read_session().all(ALL_NAMES)  # type: ignore[attr-defined]


def test_a_closed_store_says_so(store: Store) -> None:
    before = get_read_session()
    store.close()
    with pytest.raises(SessionMisuse, match="this store is closed"):
        get_read_session()
    with pytest.raises(SessionMisuse, match="this store is closed"), before as tx:
        tx.all(ALL_NAMES)


def test_a_session_used_by_two_threads_at_once_is_refused(
    store: Store, other_thread: ThreadPoolExecutor
) -> None:
    with get_write_session() as tx:
        add_user(tx, "asha")

        def rows_that_ask_meanwhile() -> Iterator[tuple[object, ...]]:
            with pytest.raises(SessionMisuse, match="two threads"):
                other_thread.submit(tx.all, ALL_NAMES).result(DEADLINE)
            yield from ()

        tx.copy(symbols, ["broker"], rows_that_ask_meanwhile())
        assert other_thread.submit(tx.all, ALL_NAMES).result(DEADLINE) == ["asha"]


def test_a_stream_is_read_by_one_thread_at_a_time_and_not_beside_a_verb(
    store: Store, other_thread: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace_symbols(shares(3), "zerodha")
    with get_read_session() as tx:
        stream = tx.stream(ALL_SYMBOLS)
        read = executor.next_records

        def read_while_another_does(*given: Any) -> Any:
            steps = partial(next, stream), partial(next, stream.batches())
            for step in (*steps, partial(tx.all, ALL_SYMBOLS)):
                with pytest.raises(SessionMisuse, match="two threads"):
                    other_thread.submit(step).result(DEADLINE)
            return read(*given)

        monkeypatch.setattr(executor, "next_records", read_while_another_does)
        first = next(stream)
        monkeypatch.undo()
        found = [first, other_thread.submit(next, stream).result(DEADLINE), *stream]
        assert sorted(found) == ["SHARE0", "SHARE1", "SHARE2"]  # it may move from one to another

        def rows_that_read_meanwhile() -> Iterator[tuple[object, ...]]:
            with pytest.raises(SessionMisuse, match="two threads"):
                other_thread.submit(next, stream).result(DEADLINE)
            yield from ()

    with get_write_session() as tx:
        stream = tx.stream(ALL_SYMBOLS)
        tx.copy(symbols, ["symbol"], rows_that_read_meanwhile())


def test_a_session_may_move_from_thread_to_thread(store: Store) -> None:
    """As where a server enters, uses and leaves it in other threads of a pool and contexts."""
    stack = ExitStack()
    tx = copy_context().run(stack.enter_context, get_write_session())
    with ThreadPoolExecutor(1) as user, ThreadPoolExecutor(1) as closer:
        user.submit(copy_context().run, add_user, tx, "asha").result(DEADLINE)
        closer.submit(copy_context().run, stack.close).result(DEADLINE)
    assert names() == ["asha"]
    with get_write_session() as again:  # this thread is free
        add_user(again, "binod")


def test_a_second_writer_is_refused_in_what_was_called_from_the_block_too(store: Store) -> None:
    with ExitStack() as stack:
        stack.enter_context(get_write_session())
        with pytest.raises(SessionMisuse, match="pass that session on as tx=tx"):
            stack.enter_context(get_write_session())


@pytest.mark.only("sqlite")
def test_a_second_writer_is_refused_although_another_database_was_written_since(
    store: Store, engine_name: str
) -> None:
    with get_write_session() as tx:
        add_user(tx, "asha")
        with get_write_session("sandbox"):
            pass
        with pytest.raises(SessionMisuse, match="pass that session on as tx=tx"):
            with get_write_session():
                pass


def test_a_stream_ends_with_its_session(store: Store) -> None:
    replace_symbols(shares(10), "zerodha")
    with get_read_session() as tx:
        stream = tx.stream(ALL_SYMBOLS)
        assert next(stream).startswith("SHARE")
    for step in (stream, stream.batches()):
        with pytest.raises(SessionMisuse, match="ended"):
            next(step)


def test_a_stream_that_broke_off_does_not_end_there(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace_symbols(shares(10), "zerodha")

    def broken(*_: object) -> None:
        raise StoreError("a row that cannot be read")

    with get_write_session() as tx:
        stream = tx.stream(ALL_SYMBOLS)
        with monkeypatch.context() as patch:
            patch.setattr(executor, "next_records", broken)
            with pytest.raises(StoreError, match="a row"), tx.savepoint():
                next(stream)
        for step in (stream, stream.batches()):
            with pytest.raises(StoreError, match="begin anew"):
                next(step)
        assert len(list(tx.stream(ALL_SYMBOLS))) == 10


def test_a_stream_that_nobody_reads_is_closed_with_its_session(store: Store) -> None:
    with get_read_session() as tx:
        unread = tx.stream(ALL_SYMBOLS)
        (cursor,) = tx._state.streams
    with pytest.raises((sqlite3.ProgrammingError, psycopg.InterfaceError), match="closed"):
        cursor.fetchone()
    with pytest.raises(SessionMisuse):
        next(unread)


def test_a_session_whose_block_was_never_ended_is_rolled_back_when_it_is_gone(
    store: Store, engine_name: str
) -> None:
    session = get_write_session()
    tx = session.__enter__()
    add_user(tx, "asha")
    del session
    with pytest.raises(SessionMisuse, match="ended"):
        tx.all(ALL_NAMES)
    with get_write_session() as again:
        add_user(again, "binod")
    assert names() == ["binod"]


def test_a_closing_store_ends_the_sessions_of_every_thread(
    store: Store, engine_name: str, other_thread: ThreadPoolExecutor
) -> None:
    written, closed = threading.Event(), threading.Event()

    def write() -> None:
        with get_write_session() as tx:
            add_user(tx, "asha")
            written.set()
            closed.wait(DEADLINE)

    other = other_thread.submit(write)
    assert written.wait(DEADLINE)
    pool = get_engine().pool
    with pytest.raises(SessionMisuse, match="closed with its store"), get_read_session() as tx:
        tx.all(ALL_NAMES)
        store.close()
        assert not GATE.in_use()
        assert engine_name == "sqlite" or pool.checkedout() == 0  # type: ignore[attr-defined]
        tx.all(ALL_NAMES)
    closed.set()
    with pytest.raises(SessionMisuse, match="closed with its store"):
        other.result(DEADLINE)
    with Store(store.settings) as again, use_store(again):
        assert names() == []


def test_a_store_is_used_within_a_block_and_the_one_before_after_it(store: Store) -> None:
    with Store(store.settings) as other:
        with use_store(other), get_read_session() as tx:
            assert tx.origin is other
        with get_read_session() as tx:
            assert tx.origin is store


def _lose(tx: Transaction, engine_name: str) -> None:
    """Let the connection break under the transaction."""
    if engine_name == "postgresql":
        pid = tx.connection.exec_driver_sql("SELECT pg_backend_pid()").scalar()
        with get_read_session("logs") as other:
            other.connection.exec_driver_sql(f"SELECT pg_terminate_backend({pid}, 5000)")


@pytest.mark.only("postgresql")
@pytest.mark.filterwarnings("error")
def test_only_a_commit_without_an_answer_may_have_been_done(store: Store, engine_name: str) -> None:
    with pytest.raises(Unavailable) as raised, get_write_session() as tx:
        add_user(tx, "asha")
        _lose(tx, engine_name)
    assert raised.value.outcome_unknown
    with pytest.raises(Unavailable) as raised, get_write_session() as tx:
        _lose(tx, engine_name)
        add_user(tx, "asha")
    assert not raised.value.outcome_unknown


@pytest.mark.only("postgresql")
@pytest.mark.parametrize(
    ("setting", "message"),
    [("db_lock_timeout", "DB_LOCK_TIMEOUT"), ("db_statement_timeout", "DB_STATEMENT_TIMEOUT")],
)
def test_who_waits_for_a_row_too_long_is_told(
    store: Store, other_thread: ThreadPoolExecutor, setting: str, message: str
) -> None:
    with get_write_session() as tx:
        add_user(tx, "asha")
    rename: Query[None] = Query.of(text("UPDATE users SET email = :email"))
    impatient = replace(store.settings, **{setting: 1.0})  # type: ignore[arg-type]

    def wait() -> None:
        with Store(impatient) as other, other.transaction("main", readonly=False) as second:
            second.run(rename, email="second@example.org")

    with get_write_session() as tx:
        tx.run(rename, email="first@example.org")
        waiting = other_thread.submit(wait)
        wait_for_a_lock()
        with pytest.raises(Unavailable, match=message):
            waiting.result(DEADLINE)


@pytest.mark.only("postgresql")
def test_a_session_that_does_nothing_inside_its_transaction_is_ended_one_day(store: Store) -> None:
    with get_read_session() as tx:
        shown = tx.connection.exec_driver_sql("SHOW idle_in_transaction_session_timeout").scalar()
    assert shown == "10min"


@pytest.mark.only("postgresql")
def test_a_session_that_the_server_ended_for_idling_is_unavailable(store: Store) -> None:
    def is_gone() -> bool:
        with get_read_session("logs") as other:
            gone = "SELECT count(*) = 0 FROM pg_stat_activity WHERE pid = %s"
            return bool(other.connection.exec_driver_sql(gone, (pid,)).scalar())

    told = "idle inside its transaction: make sessions shorter"
    with pytest.raises(Unavailable, match=told), get_write_session() as tx:
        # Not before the answer to this is read: what came with it would be taken for a notice.
        tx.connection.exec_driver_sql("SET idle_in_transaction_session_timeout = 300")
        pid = tx.driver_connection.info.backend_pid
        wait_until(is_gone)
        tx.all(ALL_NAMES)


def test_an_exhausted_pool_says_what_to_do(store: Store, engine_name: str) -> None:
    """SQLite has no pool: there nothing is exhausted."""
    with Store(_tiny_pool(store.settings)) as small:
        use_store(small)
        with get_read_session() as tx:
            tx.all(ALL_NAMES)
            if engine_name == "sqlite":
                assert names() == []
            else:
                with pytest.raises(Unavailable, match="DB_POOL_SIZE"):
                    names()


def _tiny_pool(settings: Settings) -> Settings:
    values = {name: getattr(settings, name) for name in Settings.__dataclass_fields__}
    small = {"db_pool_size": 1, "db_max_overflow": 0, "db_pool_timeout": 0.05}
    return Settings(**(values | small))


def test_no_connection_is_left_open(store: Store, engine_name: str) -> None:
    for _ in range(3):
        names()
        with pytest.raises(ZeroDivisionError), get_write_session() as tx:
            add_user(tx, "asha")
            _ = 1 / 0
    if engine_name == "sqlite":
        assert not GATE.in_use()
    else:
        assert get_engine().pool.checkedout() == 0  # type: ignore[attr-defined]
