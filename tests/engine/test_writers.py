"""Many writers at once, and databases that cannot serve: no lost row, no raw driver error."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import func, select, update

from openalgo_store import (
    Settings,
    Store,
    Transaction,
    TransactionFailed,
    Unavailable,
    get_read_session,
    get_write_session,
    replace_symbols,
    use_store,
)
from openalgo_store.engine import postgresql
from openalgo_store.engine.queries import Query
from openalgo_store.tables.accounts import users
from tests.programs.databases import result_of, start
from tests.support.processes import let_go
from tests.support.rows import COUNT_USERS, add_user, master, shares

LOGINS = Query.of(select(users.c.email).where(users.c.username == "counter"), str)


def count_one_login(tx: Transaction) -> None:
    """Read, then write what was read plus one: lost where two do so side by side."""
    row = select(users.c.email).where(users.c.username == "counter").with_for_update()
    seen = int(tx.value(Query.of(row, str)) or 0)
    tx.run(Query.of(update(users).where(users.c.username == "counter").values(email=str(seen + 1))))


def test_eight_threads_that_read_and_write_lose_nothing(
    store: Store, soak: Callable[[int], int]
) -> None:
    rounds = soak(500)
    with get_write_session() as tx:
        add_user(tx, "counter", email="0")

    def work(number: int) -> None:
        for turn in range(rounds):
            with get_write_session() as tx:
                count_one_login(tx)
                add_user(tx, f"user-{number}-{turn}")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    with get_read_session() as tx:
        assert tx.value(LOGINS) == str(8 * rounds)
        assert tx.value(COUNT_USERS) == 8 * rounds + 1


def test_processes_that_write_one_database_wait_for_each_other(store: Store) -> None:
    writers = [start("count_logins", store.settings, "50") for _ in range(4)]
    with get_write_session() as tx:
        add_user(tx, "counter", email="0")
    let_go(*writers)
    assert [result_of(writer) for writer in writers] == ["done"] * 4
    with get_read_session() as tx:
        assert tx.value(LOGINS) == "200"


@pytest.mark.only("sqlite")
def test_a_session_whose_begin_failed_is_not_taken_for_a_good_one(store: Store) -> None:
    impatient = replace(store.settings, db_sqlite_busy_timeout=0.05)
    seen: list[str] = []
    with Store(impatient) as other, get_write_session() as tx:
        add_user(tx, "asha")

        def write() -> None:
            with get_write_session() as second:
                second.after_commit(lambda: seen.append("ran"))
                with pytest.raises(Unavailable):
                    add_user(second, "binod")

        use_store(other)
        with ThreadPoolExecutor(1) as pool, pytest.raises(TransactionFailed):
            pool.submit(write).result(30)
        use_store(store)
    assert seen == []


@pytest.mark.only("sqlite")
def test_a_database_locked_too_long_is_unavailable_and_says_why(store: Store) -> None:
    impatient = replace(store.settings, db_sqlite_busy_timeout=0.05)
    with Store(impatient) as other:
        with get_write_session() as tx:
            add_user(tx, "asha")
            use_store(other)

            def write() -> None:
                with get_write_session() as second:
                    add_user(second, "binod")

            with ThreadPoolExecutor(1) as pool:
                # another Store is as good as another process: it does not share the turn
                with pytest.raises(Unavailable, match="locked by another process"):
                    pool.submit(write).result(30)
                use_store(store)
        use_store(other)
        with get_write_session() as tx:
            add_user(tx, "chitra")
            with ThreadPoolExecutor(1) as pool:
                with pytest.raises(Unavailable, match="DB_SQLITE_BUSY_TIMEOUT"):
                    pool.submit(write).result(30)
        use_store(store)


@pytest.mark.only("sqlite")
def test_a_full_disk_keeps_what_was_there_and_the_next_load_works(
    migrated_settings: Settings,
) -> None:
    seen = result_of(start("load_on_a_full_disk", migrated_settings))
    assert "cannot grow" in seen["error"] or "cannot be read or written" in seen["error"]
    assert seen["tokens"] == ["A"]
    assert seen["afterwards"] == 20_000
    with Store(migrated_settings) as store:
        use_store(store)
        with get_read_session() as tx:
            assert tx.connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
        assert len(master()) == 20_000


@pytest.mark.only("postgresql")
@pytest.mark.parametrize("looks", [True, False], ids=["seen", "just after the look"])
def test_a_restarted_pool_goes_on_after_the_server_ended_its_connections(
    store: Store, monkeypatch: pytest.MonkeyPatch, looks: bool
) -> None:
    replace_symbols(shares(5), "zerodha")
    pid = Query.of(select(func.pg_backend_pid()), int)
    with get_read_session("logs") as other:
        assert other.value(pid)
        with get_read_session() as first, get_read_session() as second:
            idle = [first.value(pid), second.value(pid)]
        for each in idle:
            other.value(Query.of(select(func.pg_terminate_backend(each, 60_000)), bool))
    if not looks:
        monkeypatch.setattr(postgresql, "_has_input", lambda driver: False)
    with get_read_session() as first, get_read_session() as second:
        assert not {first.value(pid), second.value(pid)} & set(idle)
    assert len(master()) == 5


@pytest.mark.only("postgresql")
def test_a_connection_lost_in_a_session_is_unavailable_and_nothing_is_kept(store: Store) -> None:
    pid = Query.of(select(func.pg_backend_pid()), int)
    with pytest.raises(Unavailable), get_write_session() as tx:
        add_user(tx, "asha")
        mine = tx.value(pid)
        with get_read_session("logs") as other:
            other.value(Query.of(select(func.pg_terminate_backend(mine)), bool))
        add_user(tx, "binod")
    with get_read_session() as tx:
        assert tx.value(COUNT_USERS) == 0
