"""A store that is closed while others use it: they are told the truth, and nothing stays open."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy.engine import make_url

from openalgo_store import (
    SessionMisuse,
    Settings,
    Store,
    StoreError,
    get_read_session,
    get_write_session,
    use_store,
)
from openalgo_store.engine.sqlite.connections import GATE
from openalgo_store.engine.sqlite.dialect import SQLite
from openalgo_store.engine.transaction_state import TransactionState
from openalgo_store.sessions import one_statement
from tests.support.postgres_server import KEEPER
from tests.support.rows import ALL_NAMES, add_user, names
from tests.support.waiting import DEADLINE, wait_until
from tests.support.watching import watching

_OTHERS = """
SELECT pid FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name <> %s
"""


@pytest.fixture
def closing(migrated_settings: Settings) -> Iterator[Store]:
    """A store that a test closes; afterwards nobody has one of its connections."""
    settings = replace(migrated_settings, db_sqlite_busy_timeout=5, db_sqlite_idle=4)
    store = Store(settings)
    with use_store(store):
        yield store
    assert store.closed
    assert not GATE.in_use()
    wait_until_nothing_is_open(store)


def open_connections(settings: Settings) -> Sequence[object]:
    """The descriptors of the file that this process has, or the server's sessions."""
    url = make_url(settings.database_url)
    if url.get_backend_name() == "sqlite":
        descriptors = Path("/proc/self/fd").iterdir()
        paths = [str(each.readlink()) for each in descriptors if each.is_symlink()]
        return [path for path in paths if path.startswith(str(url.database))]
    target = url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(target) as connection:
        return connection.execute(_OTHERS, (KEEPER,)).fetchall()


def wait_until_nothing_is_open(store: Store) -> None:
    """At once, but for a server, which takes a moment to notice."""
    if isinstance(store.databases["main"], SQLite):
        assert not open_connections(store.settings)
    wait_until(lambda: not open_connections(store.settings))


def stored(settings: Settings) -> list[str]:
    """The names that a new store finds."""
    with Store(settings) as again, use_store(again):
        return names()


def once(call: Callable[[], object]) -> Callable[..., None]:
    """A function that calls this at its first call alone."""
    left = [call]

    def call_once(*arguments: object) -> None:
        if left:
            left.pop()()

    return call_once


def test_a_commit_beside_which_the_store_is_closed_is_kept_or_told_to_have_failed(
    closing: Store, other_thread: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is closed between the look at the transaction and its COMMIT."""
    dialect: Any = closing.databases["main"]
    in_transaction = dialect.in_transaction
    close = once(lambda: other_thread.submit(closing.close).result(DEADLINE))

    def look_and_close(driver: object) -> bool:
        found = bool(in_transaction(driver))
        close()
        return found

    seen: list[str] = []
    with get_write_session() as tx:
        add_user(tx, "asha")
        tx.after_commit(lambda: seen.append("committed"))
        monkeypatch.setattr(dialect, "in_transaction", look_and_close)
    assert seen == ["committed"]
    assert stored(closing.settings) == ["asha"]


def test_a_savepoint_beside_which_the_store_is_closed_ends_with_its_session(
    closing: Store, other_thread: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    perform = TransactionState.perform
    close = once(lambda: other_thread.submit(closing.close).result(DEADLINE))

    def close_and_perform(state: Any, statement: str, *arguments: Any, **options: Any) -> Any:
        if statement == "RELEASE":
            close()
        return perform(state, statement, *arguments, **options)

    monkeypatch.setattr(TransactionState, "perform", close_and_perform)
    with pytest.raises(SessionMisuse, match="closed with its store"), get_write_session() as tx:
        with tx.savepoint():
            add_user(tx, "asha")
    assert stored(closing.settings) == []


@pytest.mark.parametrize("session", [get_write_session, lambda: one_statement(readonly=False)])
def test_a_verb_beside_which_the_store_is_closed_gives_everything_back_when_it_is_done(
    closing: Store, other_thread: ThreadPoolExecutor, session: Callable[[], Any]
) -> None:
    def close(*sent: object) -> None:
        other_thread.submit(closing.close).result(DEADLINE)

    kept = session()
    tx = kept.__enter__()
    with watching(closing, after=close):
        add_user(tx, "asha")
    assert tx._state.driver is None
    wait_until_nothing_is_open(closing)
    with pytest.raises(SessionMisuse, match="closed with its store"):
        tx.all(ALL_NAMES)
    assert stored(closing.settings) == ([] if session is get_write_session else ["asha"])


def test_who_has_looked_whether_the_store_is_closed_leaves_no_connection_open(
    closing: Store, other_thread: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is closed between that look and the connection, and is told only by what comes next."""
    dialect: Any = closing.databases["main"]
    check_out = dialect.check_out
    close = once(lambda: other_thread.submit(closing.close).result(DEADLINE))

    def close_and_check_out() -> Any:
        close()
        return check_out()

    monkeypatch.setattr(dialect, "check_out", close_and_check_out)
    with pytest.raises(SessionMisuse, match="closed"), get_write_session() as tx:
        add_user(tx, "asha")
        wait_until_nothing_is_open(closing)
        tx.all(ALL_NAMES)
    assert stored(closing.settings) == []


def test_who_was_not_yet_known_when_the_store_was_closed_is_refused(
    closing: Store, other_thread: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The session was given before, and the store is closed as its first statement begins."""
    dialect: Any = closing.databases["main"]
    close = once(lambda: other_thread.submit(closing.close).result(DEADLINE))
    add = dialect.transactions.add

    def close_and_add(state: object) -> None:
        close()
        add(state)

    monkeypatch.setattr(dialect.transactions, "add", close_and_add)
    with pytest.raises(SessionMisuse, match="this store is closed"), get_write_session() as tx:
        add_user(tx, "asha")
    assert stored(closing.settings) == []


@pytest.mark.only("sqlite")
def test_who_waits_for_the_writer_lock_when_the_store_is_closed_writes_nothing(
    closing: Store, engine_name: str
) -> None:
    outcome: list[object] = []

    def write() -> None:
        try:
            with get_write_session() as tx:
                add_user(tx, "binod")
            outcome.append("committed")
        except StoreError as error:
            outcome.append(error)

    waiting = threading.Thread(target=write)
    with pytest.raises(SessionMisuse, match="closed with its store"), get_write_session() as tx:
        add_user(tx, "asha")
        waiting.start()
        lock: Any = closing.databases["main"]._writer_lock  # type: ignore[attr-defined]
        wait_until(lambda: len(lock._waiting) == 1)
        closing.close()
        waiting.join(DEADLINE)
        wait_until_nothing_is_open(closing)
    (error,) = outcome
    assert isinstance(error, SessionMisuse)
    assert "closed" in str(error)
    assert stored(closing.settings) == []


def test_a_closed_store_has_closed_what_is_idle_and_what_was_in_use(closing: Store) -> None:
    assert names() == []
    assert open_connections(closing.settings)
    kept = get_read_session()
    kept.__enter__().all(ALL_NAMES)
    closing.close()
    wait_until_nothing_is_open(closing)
