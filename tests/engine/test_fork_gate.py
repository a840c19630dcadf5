"""The gate before a fork: who is counted, who passes while a fork waits, and what it waits for."""

import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from weakref import ref

import pytest

from openalgo_store import (
    Store,
    Unavailable,
    get_engine,
    get_read_session,
    get_write_session,
    use_store,
)
from openalgo_store.engine.living import Living
from openalgo_store.engine.sqlite import connections, locks
from openalgo_store.engine.sqlite.connections import GATE, Connection
from openalgo_store.engine.sqlite.locks import ForkGate, InUse
from tests.engine.test_fork_hooks import Hooks, can_write
from tests.support.forks import in_child
from tests.support.rows import ALL_NAMES, add_user, names
from tests.support.waiting import DEADLINE

pytestmark = [
    pytest.mark.only("sqlite"),
    pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork"),
]


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The sleeps of who waits at a gate: none takes time, and each counts as a second."""
    taken: list[float] = []

    def sleep(seconds: float) -> None:
        taken.append(seconds)

    monkeypatch.setattr(locks, "sleep", sleep)
    monkeypatch.setattr(locks, "monotonic", lambda: float(len(taken)))
    return taken


def test_a_fork_waits_for_no_connection_of_its_own_thread(looks: list[float]) -> None:
    gate = ForkGate()
    mine = InUse("a file")
    gate.enter(mine)
    gate.before_fork()
    assert looks == []
    gate.after_fork_in_parent()


def test_a_fork_waits_for_the_connections_of_other_threads_and_no_longer_than_it_may(
    looks: list[float], other_thread: ThreadPoolExecutor
) -> None:
    gate = ForkGate()
    other = other_thread.submit(InUse, "a file").result(DEADLINE)
    gate.enter(other)
    gate.before_fork()
    assert len(looks) == locks.FORK_WAIT
    gate.after_fork_in_parent()
    gate.leave(other)
    gate.before_fork()
    assert len(looks) == locks.FORK_WAIT
    gate.after_fork_in_parent()


def test_a_thread_inside_a_session_may_open_another_while_a_fork_waits_for_it(
    store: Store, other_thread: ThreadPoolExecutor
) -> None:
    """Otherwise both would wait until the fork gives up."""
    inside, forking, ended = threading.Event(), threading.Event(), list[bool]()

    def write_both() -> None:
        with get_read_session("sandbox") as outer:
            outer.begin()
            inside.set()
            assert forking.wait(DEADLINE)
            assert GATE.is_closed()
            with get_write_session() as tx:
                add_user(tx, "asha")

    writing = other_thread.submit(write_both)
    assert inside.wait(DEADLINE)
    with pytest.MonkeyPatch.context() as patch:
        wait = locks.wait_until

        def let_go_and_wait(is_over: Callable[[], bool]) -> None:
            forking.set()
            wait(is_over)
            ended.append(is_over())

        patch.setattr(locks, "wait_until", let_go_and_wait)
        assert in_child(lambda: can_write("child"))
    writing.result(DEADLINE)
    assert ended == [True]
    assert sorted(names()) == ["asha", "child"]


def test_who_enters_is_counted_before_it_looks_for_a_fork(
    other_thread: ThreadPoolExecutor,
) -> None:
    """A fork that begins just then finds it."""
    seen: list[list[str]] = []

    class Looked(set[int]):
        def __bool__(self) -> bool:
            seen.append(gate.in_use())
            return False

    gate = ForkGate()
    gate._forking = Looked()
    mine = InUse("a file")
    gate.enter(mine)
    assert seen == [["a file"]]


def test_a_child_may_use_a_file_for_which_somebody_only_waited_at_the_fork(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who waits is counted for a moment at each look, and has no connection."""
    looking, forked = threading.Event(), threading.Event()
    is_inside = ForkGate._is_inside

    def look(gate: ForkGate, connection: InUse) -> bool:
        found = is_inside(gate, connection)
        looking.set()
        assert forked.wait(DEADLINE)
        return found

    monkeypatch.setattr(ForkGate, "_is_inside", look)
    waiting = threading.Thread(target=can_write, args=("waited",))

    def begin_to_wait() -> None:
        waiting.start()
        assert looking.wait(DEADLINE)

    hooks = Hooks(before=begin_to_wait)

    def child_writes() -> bool:
        forked.set()
        return can_write("child")

    try:
        assert in_child(child_writes)
    finally:
        forked.set()
    assert hooks.called == ["before", "parent"]
    waiting.join(DEADLINE)
    assert names() == ["child", "waited"]


def test_a_fork_waits_until_another_thread_that_forks_has_closed_what_was_idle(
    store: Store, other_thread: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both find the connection, and one of them is amid closing it."""
    with Store(replace(store.settings, db_sqlite_idle=1)) as keeping, use_store(keeping):
        assert can_write("asha")
        (idle,) = keeping.databases["main"]._connections._idle  # type: ignore[attr-defined]
        closing, waiting = threading.Event(), threading.Event()
        rollback, wait = Connection.rollback, locks.wait_until

        def stop_amid_closing(connection: Connection) -> None:
            if connection is idle:
                closing.set()
                assert waiting.wait(DEADLINE)
            rollback(connection)

        def wait_and_say_so(is_over: Callable[[], bool]) -> None:
            waiting.set()
            wait(is_over)

        monkeypatch.setattr(Connection, "rollback", stop_amid_closing)
        monkeypatch.setattr("openalgo_store.engine.sqlite.connections.wait_until", wait_and_say_so)
        first = other_thread.submit(connections._LOST.before_fork)
        try:
            assert closing.wait(DEADLINE)
            connections._LOST.before_fork()
            assert idle.is_gone
        finally:
            waiting.set()
        first.result(DEADLINE)


def test_what_is_known_may_die_while_somebody_looks_at_it() -> None:
    """As sessions do in other threads, and by the hand of the collector."""

    class Thing:
        pass

    living: Living[Thing] = Living()
    things = [Thing() for _ in range(3)]

    class Watched(ref[Thing]):
        """A reference that lets another thing come as it is looked at."""

        def __call__(self) -> Thing | None:
            things.append(Thing())
            living.add(things[-1])
            return super().__call__()

    living._refs[Watched(things[0])] = None
    for each in things[1:]:
        living.add(each)
    assert living.all() == things[:3]
    assert len(living.all()) > 3


def test_a_child_never_closes_a_connection_of_its_parent(store: Store) -> None:
    """Not even when its session ends there: who holds it last has a reference that never ends."""
    with get_read_session() as tx:
        tx.all(ALL_NAMES)
        held = tx._state._held

        def is_kept() -> bool:
            before = sys.getrefcount(held)
            tx._state.close()
            return sys.getrefcount(held) == before + 1 and bool(held and held.is_valid)

        assert in_child(is_kept)
        assert tx.all(ALL_NAMES) == []


def test_no_idle_connection_is_opened_while_a_fork_is_under_way(store: Store) -> None:
    """As the end of a session would whose connection was shown."""
    connections = store.databases["main"]._connections  # type: ignore[attr-defined]
    session = get_read_session()
    assert session.__enter__().connection is not None
    seen: list[object] = []

    def end_the_session() -> None:
        session.__exit__(None, None, None)
        seen.append(list(connections._idle))

    hooks = Hooks(before=end_the_session)
    assert in_child(lambda: can_write("child"))
    assert seen == [[]]
    assert hooks.called == ["before", "parent"]


def test_a_file_that_cannot_be_opened_does_not_count_as_in_use(
    store: Store, tmp_path: Path
) -> None:
    nowhere = replace(store.settings, database_url=f"sqlite:///{tmp_path}/no/such/folder.db")
    with Store(nowhere) as other, use_store(other):
        with pytest.raises(Unavailable) as kept:
            names()
        with pytest.raises(Unavailable) as kept_too:
            get_engine().connect()
    assert not GATE.in_use()
    assert kept.traceback
    assert kept_too.traceback


def test_a_connection_counts_as_in_use_until_it_is_closed(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[list[str]] = []
    rollback = Connection.rollback

    def note(connection: Connection) -> None:
        seen.append(GATE.in_use())
        rollback(connection)

    monkeypatch.setattr(Connection, "rollback", note)
    get_engine().connect().close()
    assert seen
    assert all(len(each) == 1 for each in seen)
    assert not GATE.in_use()
