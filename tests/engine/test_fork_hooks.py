"""The hooks of a fork: called for everything that lives, whatever is made or fails meanwhile."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace

import pytest

from openalgo_store import (
    Settings,
    Store,
    get_read_session,
    get_write_session,
    hash_password,
    use_store,
    verify_password,
)
from openalgo_store.engine.forks import register_fork_hooks
from openalgo_store.engine.sqlite import locks
from openalgo_store.engine.sqlite.connections import GATE
from openalgo_store.security import passwords
from tests.support.forks import in_child
from tests.support.rows import ALL_NAMES, add_user
from tests.support.waiting import DEADLINE

pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork")


class Hooks:
    """Notes what is called, and does what a test wants at that moment."""

    def __init__(self, before: Callable[[], object] = lambda: None) -> None:
        self.before = before
        self.called: list[str] = []
        register_fork_hooks(self)

    def before_fork(self) -> None:
        self.called.append("before")
        self.before()

    def after_fork_in_parent(self) -> None:
        self.called.append("parent")

    def after_fork_in_child(self) -> None:
        self.called.append("child")


def can_write(name: str) -> bool:
    with get_write_session() as tx:
        add_user(tx, name)
    with get_read_session() as tx:
        return name in tx.all(ALL_NAMES)


@contextmanager
def made_while_a_fork_waits(make: Callable[[], object]) -> Iterator[list[object]]:
    """Within the block a fork lets another thread make something after the first were told."""
    made: list[object] = []

    def make_it() -> None:
        making = threading.Thread(target=lambda: made.append(make()))
        making.start()
        making.join(DEADLINE)

    hooks = Hooks(before=make_it)
    yield made
    assert hooks.called == ["before", "parent"]


def test_a_store_made_while_a_fork_waits_works_on_both_sides(
    store: Store, migrated_settings: Settings
) -> None:
    with made_while_a_fork_waits(lambda: Store(migrated_settings)) as made:

        def child_writes() -> bool:
            with use_store(made[0]):  # type: ignore[arg-type]
                return can_write("child")

        assert in_child(child_writes)
        with made[0] as new, use_store(new):  # type: ignore[attr-defined]
            assert can_write("parent")


def test_a_hook_made_while_a_fork_waits_is_told_in_the_child_alone() -> None:
    with made_while_a_fork_waits(Hooks) as made:

        def was_told() -> bool:
            hooks = made[0]
            return isinstance(hooks, Hooks) and hooks.called == ["child"]

        assert in_child(was_told)
        assert isinstance(made[0], Hooks)
        assert made[0].called == []


def test_a_hook_that_fails_keeps_nobody_behind_it_from_being_told() -> None:
    def fail() -> None:
        raise ValueError("no")

    class Failing(Hooks):
        def after_fork_in_child(self) -> None:
            fail()

    first, second = Failing(before=fail), Hooks()
    assert in_child(lambda: second.called == ["before", "child"])
    assert first.called == ["before", "parent"]
    assert second.called == ["before", "parent"]


def test_a_fork_amid_password_hashing_leaves_the_child_able_to_hash(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    inside, forked = threading.Barrier(5), threading.Event()
    real = passwords._hasher

    class Held:
        def hash(self, password: bytes) -> str:
            inside.wait(DEADLINE)
            forked.wait(DEADLINE)
            return real.hash(password)

    monkeypatch.setattr(passwords, "_hasher", Held())
    with ThreadPoolExecutor(4) as pool:
        hashing = [pool.submit(hash_password, "a password") for _ in range(4)]
        inside.wait(DEADLINE)

        def child_hashes() -> bool:
            passwords._hasher = real
            return verify_password("right", hash_password("right"))

        try:
            assert in_child(child_hashes)
        finally:
            forked.set()
        assert len({each.result(DEADLINE) for each in hashing}) == 4


@pytest.mark.only("sqlite")
def test_a_fork_waits_once_for_all_files_together(
    store: Store, monkeypatch: pytest.MonkeyPatch, engine_name: str
) -> None:
    """Five sessions in another thread that do not end: one wait, and not one for each file."""
    waits: list[float] = []
    now = [0.0]

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        now[0] += 1.0

    inside, forked = threading.Event(), threading.Event()

    def read_five() -> None:
        with (
            get_read_session("main") as a, get_read_session("sandbox") as b,
            get_read_session("latency") as c, get_read_session("logs") as d,
            get_read_session("telegram") as e,
        ):  # fmt: skip
            for tx in (a, b, c, d, e):
                tx.connection.exec_driver_sql("SELECT 1")
            inside.set()
            forked.wait(DEADLINE)

    monkeypatch.setattr(locks, "sleep", sleep)
    monkeypatch.setattr(locks, "monotonic", lambda: now[0])
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(read_five)
        assert inside.wait(DEADLINE)
        assert len(GATE.in_use()) == 5
        assert in_child(lambda: True)
        forked.set()
        reading.result(DEADLINE)
    assert len(waits) == int(locks.FORK_WAIT)


@pytest.fixture
def idling(store: Store) -> Iterator[Store]:
    """A store that keeps idle connections, whatever the others of this run do."""
    with Store(replace(store.settings, db_sqlite_idle=4)) as idling, use_store(idling):
        yield idling


@pytest.mark.only("sqlite")
def test_no_idle_connection_is_open_at_a_fork(idling: Store, engine_name: str) -> None:
    """Nor opened by a thread that is inside a transaction meanwhile."""
    can_write("asha")
    connections = idling.databases["main"]._connections  # type: ignore[attr-defined]
    assert connections._idle
    seen: list[object] = []

    class Last(Hooks):
        """Told after the store: all is closed by then."""

        def before_fork(self) -> None:
            seen.append(list(connections._idle))

    last = Last()
    assert in_child(lambda: can_write("child"))
    assert seen == [[]]
    assert last.called == ["parent"]
    assert can_write("parent")
