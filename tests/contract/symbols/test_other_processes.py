"""A master that another process has loaded: told soon, and until then the old one serves."""

import logging
import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NamedTuple

import pytest

from openalgo_store import (
    Settings,
    Store,
    Transaction,
    Unavailable,
    bulk_insert_symbols,
    cache_stats,
    get_symbol_token,
    replace_symbols,
    use_store,
    warm_symbol_cache,
)
from openalgo_store.caching.snapshots import Snapshot
from tests.support.rows import shares
from tests.support.waiting import wait_until
from tests.support.watching import sent


class Two(NamedTuple):
    """Two processes: each has caches of its own. The first one is in use."""

    here: Store
    there: Store


@pytest.fixture
def two(migrated_settings: Settings) -> Iterator[Two]:
    """Both have the master in memory, and look before each answer."""
    settings = replace(migrated_settings, cache_lease=0)
    with Store(settings) as here, Store(settings) as there:
        with use_store(there):
            replace_symbols(shares(3, token="A"), "zerodha")
            replace_symbols(shares(3, token="X"), "angel")
            warm_symbol_cache()
        use_store(here)
        warm_symbol_cache()
        yield Two(here, there)
        use_store(None)


class Reading:
    """The moment at which a master is read, and a hand on it."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.began, self.go_on = threading.Event(), threading.Event()
        self.error: Exception | None = None
        self.count = 0
        stream = Transaction.stream

        def held(tx: Transaction, query: Any, **params: Any) -> Any:
            found = stream(tx, query, **params)
            if query.name == "get_master":
                self.count += 1
                self.began.set()
                assert self.go_on.wait(30)
                if self.error:
                    raise self.error
            return found

        patch.setattr(Transaction, "stream", held)


def token() -> str | None:
    return get_symbol_token("SHARE1", "NSE", "zerodha")


def load_there(two: Two, token: str) -> None:
    with use_store(two.there):
        replace_symbols(shares(3, token=token), "zerodha")


def test_the_old_master_serves_until_the_new_one_stands(
    two: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading = Reading(monkeypatch)
    load_there(two, "B")
    with sent(two.here) as statements:
        assert token() == "A1"  # and has it reloaded
        assert reading.began.wait(30)
        assert [token() for _ in range(3)] == ["A1"] * 3
        assert not cache_stats()["symbol_cache"].is_current
        reading.go_on.set()
        wait_until(lambda: token() == "B1")
    assert len([each for each in statements if "ORDER BY" in each]) <= 1
    wait_until(lambda: cache_stats()["symbol_cache"].is_current)
    assert reading.count == 1
    assert get_symbol_token("SHARE1", "NSE", "angel") == "X1"


def test_an_inserted_symbol_is_found_before_the_new_master_stands(
    two: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading = Reading(monkeypatch)
    with use_store(two.there):
        bulk_insert_symbols(shares(4, token="A")[3:], "zerodha")
    assert get_symbol_token("SHARE3", "NSE", "zerodha") == "A3"
    reading.go_on.set()
    wait_until(lambda: cache_stats()["symbol_cache"].size == 7)


def test_what_changes_again_while_it_is_reloaded_is_reloaded_again(
    two: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading = Reading(monkeypatch)
    load_there(two, "B")
    token()
    assert reading.began.wait(30)
    load_there(two, "C")
    token()  # sees it
    reading.go_on.set()
    wait_until(lambda: token() == "C1")
    assert reading.count == 2


def test_a_reload_that_fails_is_told_and_the_old_master_goes_on(
    two: Two, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    reading = Reading(monkeypatch)
    reading.error = Unavailable("the database is away")
    reading.go_on.set()
    load_there(two, "B")
    with caplog.at_level(logging.WARNING):
        token()
        wait_until(lambda: "symbols of zerodha failed: the database is away" in caplog.text)
        assert [token() for _ in range(20)] == ["A1"] * 20
    assert reading.count == 1  # not at every lookup
    assert not cache_stats()["symbol_cache"].is_current
    reading.error = None
    two.here.symbols._outdated["zerodha"] = 0.0  # the pause is over
    wait_until(lambda: token() == "B1")


def test_its_own_load_changes_memory_and_reads_nothing(two: Two) -> None:
    with sent(two.here) as statements:
        replace_symbols(shares(3, token="B"), "zerodha")
        loaded = len(statements)
        assert token() == "B1"
    assert len(statements) == loaded
    assert cache_stats()["symbol_cache"].is_current


def test_its_own_load_that_comes_while_another_s_is_read_wins(
    two: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading = Reading(monkeypatch)
    load_there(two, "B")
    token()
    assert reading.began.wait(30)  # of what is B
    replace_symbols(shares(3, token="C"), "zerodha")
    reading.go_on.set()
    wait_until(lambda: not two.here._tasks._running)
    assert token() == "C1"
    assert cache_stats()["symbol_cache"].is_current


def test_a_master_that_is_what_memory_holds_is_not_read_again(
    two: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading = Reading(monkeypatch)
    two.here.symbols.outdate("zerodha")
    held: Snapshot = two.here.symbols._fresh["zerodha"]
    token()
    wait_until(lambda: cache_stats()["symbol_cache"].is_current)
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
