"""A master that another process has loaded: told at once, and read anew in the background."""

import logging
import threading

import pytest

from openalgo_store import (
    Unavailable,
    cache_stats,
    get_write_session,
    replace_symbols,
    use_store,
)
from openalgo_store.caching.snapshots import Snapshot
from tests.contract.symbols.conftest import (
    Lookups,
    Reading,
    Two,
    is_current,
    load_there,
    token,
)
from tests.support.rows import shares
from tests.support.waiting import wait_until
from tests.support.watching import sent


def test_what_changes_again_while_it_is_reloaded_is_reloaded_again(
    two: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading = Reading(monkeypatch)
    load_there(two, "B")
    token()
    assert reading.began.wait(30)
    load_there(two, "C")
    assert token() == "C1"
    reading.go_on.set()
    wait_until(is_current)
    assert token() == "C1"
    assert reading.count == 2


def test_a_reload_that_fails_is_told_and_tried_again_after_a_pause(
    two: Two, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    reading = Reading(monkeypatch)
    reading.error = Unavailable("it takes too long")
    reading.go_on.set()
    load_there(two, "B")
    with caplog.at_level(logging.WARNING):
        token()
        wait_until(lambda: "symbols of zerodha failed: it takes too long" in caplog.text)
        assert [token() for _ in range(20)] == ["B1"] * 20
    assert reading.count == 1  # not at every lookup
    assert not is_current()
    reading.error = None
    two.here.symbols._outdated["zerodha"] = 0.0  # the pause is over
    wait_until(lambda: token() == "B1" and is_current())  # the task that failed may not be over yet


def test_its_own_load_changes_memory_and_reads_nothing(two: Two) -> None:
    with sent(two.here) as statements:
        replace_symbols(shares(3, token="B"), "zerodha")
        loaded = len(statements)
        assert token() == "B1"
    assert len(statements) == loaded
    assert is_current()


@pytest.mark.parametrize("another", [False, True], ids=["alone", "beside another process's"])
def test_its_own_load_that_a_look_sees_before_memory_has_it_is_in_memory_afterwards(
    two: Two, monkeypatch: pytest.MonkeyPatch, another: bool
) -> None:
    reading, lookups = Reading(monkeypatch), Lookups(monkeypatch)

    def look() -> None:
        if another:
            load_there(two, "C")
        assert token() == ("C1" if another else "B1")

    with get_write_session() as tx:
        tx.after_commit(look)  # what the load does after its commit comes later
        replace_symbols(shares(3, token="B"), "zerodha", tx=tx)
    assert is_current() != another
    assert token() == ("C1" if another else "B1")
    assert len(lookups.names) == (2 if another else 1)
    reading.go_on.set()
    wait_until(is_current)
    assert token() == ("C1" if another else "B1")


@pytest.mark.parametrize("another", [False, True], ids=["alone", "beside another process's"])
def test_a_look_leaves_its_own_load_to_who_commits_it(
    two: Two, monkeypatch: pytest.MonkeyPatch, another: bool
) -> None:
    reading, lookups = Reading(monkeypatch), Lookups(monkeypatch)
    two.here.epochs._oldest = 60.0  # so old a symbol may be

    def look() -> None:
        if another:
            load_there(two, "C")
        two.here.epochs._look()
        assert token() == ("C1" if another else "A1")

    with get_write_session() as tx:
        tx.after_commit(look)  # what the load does after its commit comes later
        replace_symbols(shares(3, token="B"), "zerodha", tx=tx)
    assert token() == ("C1" if another else "B1")
    assert is_current() != another
    assert len(lookups.names) == (2 if another else 0)
    assert reading.began.wait(30 if another else 0) == another
    reading.go_on.set()
    wait_until(is_current)


def test_its_own_load_that_comes_while_another_s_is_read_wins(
    two: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading = Reading(monkeypatch)
    load_there(two, "B")
    token()
    assert reading.began.wait(30)  # of what is B
    replace_symbols(shares(3, token="C"), "zerodha")
    assert token() == "C1"
    reading.go_on.set()
    wait_until(lambda: not two.here._tasks._running)
    assert token() == "C1"
    assert is_current()


def test_a_master_that_is_what_memory_holds_is_not_read_again(
    two: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading = Reading(monkeypatch)
    held: Snapshot = two.here.symbols._fresh["zerodha"]
    two.here.symbols.outdate("zerodha")
    token()
    wait_until(is_current)
    assert reading.count == 0
    assert two.here.symbols._fresh["zerodha"] is held


def test_a_master_that_was_emptied_elsewhere_leaves_memory(two: Two) -> None:
    with use_store(two.there):
        replace_symbols([], "zerodha", force=True)
    token()
    wait_until(lambda: cache_stats()["symbol_cache"].size == 3)
    assert token() is None


def test_a_store_that_closes_waits_for_its_reload(
    two: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    load_there(two, "B")
    reading = Reading(monkeypatch)
    token()
    assert reading.began.wait(30)
    closing = threading.Thread(target=two.here.close)
    closing.start()
    wait_until(lambda: two.here._tasks.is_closed)
    assert not two.here.closed
    reading.go_on.set()
    closing.join(30)
    assert not closing.is_alive()
    assert not two.here._tasks._running
