"""A master that another process has loaded: told at once, and read anew in the background."""

import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, NamedTuple

import pytest

from openalgo_store import (
    Settings,
    Store,
    Symbol,
    Transaction,
    Unavailable,
    bulk_insert_symbols,
    cache_stats,
    get_read_session,
    get_symbol,
    get_symbol_by_broker_symbol,
    get_symbol_by_token,
    get_symbol_token,
    get_symbol_tokens,
    get_write_session,
    replace_symbols,
    use_store,
    warm_symbol_cache,
)
from openalgo_store.caching.snapshots import Snapshot
from openalgo_store.engine.transaction_state import TransactionState
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


class Lookups:
    """The names of the lookups that the database is asked, and the error that they meet."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.names: list[str] = []
        self.error: Exception | None = None
        execute = TransactionState.execute

        def noted(state: TransactionState, query: Any, *rest: Any) -> Any:
            if query.name.startswith("get_symbol"):
                self.names.append(query.name)
                if self.error:
                    raise self.error
            return execute(state, query, *rest)

        patch.setattr(TransactionState, "execute", noted)


PAIRS = [("SHARE0", "NSE"), ("SHARE1", "NSE")]
LOOKUPS: dict[str, Callable[[str], str | None]] = {
    "symbol": lambda _: token_of(get_symbol("SHARE1", "NSE", "zerodha")),
    "by token": lambda known: token_of(get_symbol_by_token(f"{known}1", "NSE", "zerodha")),
    "by broker symbol": lambda _: token_of(
        get_symbol_by_broker_symbol("SHARE1-EQ", "NSE", "zerodha")
    ),
    "token": lambda _: token(),
    "tokens": lambda _: get_symbol_tokens(PAIRS, "zerodha").get(PAIRS[1]),
}
"""The token of SHARE1 as each lookup tells it, in a master of which one kind of token is known."""


def tokens_by_lookup(known: str) -> list[str | None]:
    return [ask(known) for ask in LOOKUPS.values()]


def token_of(found: Symbol | None) -> str | None:
    return found and found.token


def token() -> str | None:
    return get_symbol_token("SHARE1", "NSE", "zerodha")


def is_current() -> bool:
    return cache_stats()["symbol_cache"].is_current


def load_there(two: Two, token: str) -> None:
    with use_store(two.there):
        replace_symbols(shares(3, token=token), "zerodha")


def test_until_the_new_master_stands_every_lookup_asks_for_what_is_stored(
    two: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading, lookups = Reading(monkeypatch), Lookups(monkeypatch)
    load_there(two, "B")
    assert token() == "B1"  # and has it reloaded
    assert reading.began.wait(30)
    assert tokens_by_lookup("B") == ["B1"] * 5
    assert get_symbol_token("SHARE1", "NSE", "angel") == "X1"
    assert len(lookups.names) == 6
    stats = cache_stats()["symbol_cache"]
    assert (stats.size, stats.is_current) == (6, False)
    reading.go_on.set()
    wait_until(is_current)
    assert tokens_by_lookup("B") == ["B1"] * 5
    assert len(lookups.names) == 6
    assert reading.count == 1


@pytest.mark.parametrize("first", LOOKUPS)
def test_where_the_database_cannot_be_asked_the_old_master_serves(
    two: Two, monkeypatch: pytest.MonkeyPatch, first: str
) -> None:
    reading, lookups = Reading(monkeypatch), Lookups(monkeypatch)
    load_there(two, "B")
    assert token() == "B1"
    lookups.error = Unavailable("the database is away")
    assert LOOKUPS[first]("A") == "A1"
    assert tokens_by_lookup("A") == ["A1"] * 5
    assert len(lookups.names) == 2  # not at every lookup
    with pytest.raises(Unavailable), get_read_session(primary=True) as tx:
        get_symbol_token("SHARE1", "NSE", "zerodha", tx=tx)
    lookups.error = None
    two.here.symbols._asks_from = 0.0  # the pause is over
    assert token() == "B1"
    reading.go_on.set()


def test_what_the_old_master_lacks_is_away_with_the_database(
    two: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading, lookups = Reading(monkeypatch), Lookups(monkeypatch)
    load_there(two, "B")
    assert token() == "B1"
    lookups.error = Unavailable("the database is away")
    with pytest.raises(Unavailable):
        get_symbol("SHARE9", "NSE", "zerodha")
    with pytest.raises(Unavailable):
        get_symbol_tokens([*PAIRS, ("SHARE9", "NSE")], "zerodha")
    reading.go_on.set()


def test_what_a_current_master_lacks_no_old_one_tells(
    two: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace_symbols(shares(2, token="B"), "zerodha")
    lookups = Lookups(monkeypatch)
    lookups.error = Unavailable("the database is away")
    with pytest.raises(Unavailable):
        get_symbol("SHARE2", "NSE", "zerodha")


def test_while_the_epochs_cannot_be_read_the_old_master_serves(
    two: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading, lookups = Reading(monkeypatch), Lookups(monkeypatch)
    load_there(two, "B")
    assert token() == "B1"
    two.here.epochs.failure = Unavailable("the database is away")
    monkeypatch.setattr(two.here.epochs, "renew_or_serve", lambda: None)
    assert tokens_by_lookup("A") == ["A1"] * 5
    assert len(lookups.names) == 1
    reading.go_on.set()


def test_warming_waits_for_the_new_master(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    lookups = Lookups(monkeypatch)
    load_there(two, "B")
    assert warm_symbol_cache() == 6
    assert token() == "B1"
    assert lookups.names == []


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
    assert token() == "B1"
    wait_until(is_current)


def test_warming_that_fails_makes_no_old_master_current(
    two: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading = Reading(monkeypatch)
    reading.error = Unavailable("it takes too long")
    reading.go_on.set()
    load_there(two, "B")
    assert warm_symbol_cache("zerodha") == 3
    assert token() == "B1"
    assert not is_current()


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
