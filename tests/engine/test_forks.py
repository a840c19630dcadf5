"""A store that was opened before os.fork() goes on in the parent and in the children."""

from collections.abc import Callable

import pytest

from openalgo_store import Settings, Store
from tests.programs.databases import result_of, start

pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork")


def test_children_and_parent_write_at_once_and_nothing_is_lost(
    migrated_settings: Settings,
) -> None:
    seen = result_of(start("fork_and_write", migrated_settings))
    assert seen == {"codes": [0, 0, 0, 0], "users": 25 * 7}


def test_threads_may_fork_at_the_same_time(
    migrated_settings: Settings, soak: Callable[[int], int]
) -> None:
    rounds = soak(100)
    seen = result_of(start("fork_from_three_threads", migrated_settings, str(rounds)))
    assert seen == {"lost": [], "forked": 3 * rounds}
    if "sqlite" in migrated_settings.database_url:
        with Store(migrated_settings) as store, store.transaction("main", readonly=True) as tx:
            assert tx.connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"


@pytest.mark.only("postgresql")
def test_no_server_connection_is_shared(migrated_settings: Settings) -> None:
    seen = result_of(start("fork_shares_no_connection", migrated_settings))
    assert len(seen["children"]) == 4
    assert len({seen["parent"], *seen["children"]}) == 5


def test_a_session_open_at_the_fork_stays_the_parents(
    migrated_settings: Settings, engine_name: str
) -> None:
    seen = result_of(start("fork_inside_a_session", migrated_settings))
    assert seen["codes"] == [0]
    assert "opened before a fork" in seen["inherited"]
    if engine_name == "sqlite":  # its files do not survive a fork inside a transaction
        assert "forked while a transaction was open" in seen["new"]
        assert seen["users"] == ["asha", "binod"]
    else:
        assert seen["new"] == "works"
        assert sorted(seen["users"]) == ["asha", "binod", "child"]


def test_a_child_that_closes_the_store_leaves_a_session_of_its_parent_alone(
    migrated_settings: Settings,
) -> None:
    seen = result_of(start("close_in_a_child_inside_a_session", migrated_settings))
    assert seen["codes"] == [0, 0]
    assert sorted(seen["users"]) == ["asha", "binod", "chitra"]


def test_a_child_that_drops_a_stream_leaves_its_parent_the_rest(
    migrated_settings: Settings,
) -> None:
    seen = result_of(start("drop_a_stream_in_a_child", migrated_settings))
    assert seen == {"codes": [0], "read": True}


def test_a_fork_waits_until_other_threads_have_written(migrated_settings: Settings) -> None:
    seen = result_of(start("fork_waits_for_other_threads", migrated_settings))
    assert seen == {"codes": [0], "users": ["child", "thread"]}
