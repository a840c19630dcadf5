"""Until a master that another process has loaded is read anew: who answers, and from where."""

from dataclasses import replace

import pytest

from openalgo_store import (
    Store,
    Unavailable,
    bulk_insert_symbols,
    cache_stats,
    get_read_session,
    get_symbol,
    get_symbol_token,
    get_symbol_tokens,
    replace_symbols,
    use_store,
    warm_symbol_cache,
)
from tests.contract.symbols.conftest import (
    LOOKUPS,
    PAIRS,
    Lookups,
    Reading,
    Two,
    is_current,
    load_there,
    token,
    tokens_by_lookup,
)
from tests.support.rows import shares
from tests.support.waiting import wait_until


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


@pytest.mark.only("postgresql")
def test_who_has_the_last_connection_does_not_wait_for_another(
    two: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    lookups = Lookups(monkeypatch)
    settings = replace(two.here.settings, db_pool_size=1, db_max_overflow=0)
    with Store(settings) as small, use_store(small):
        warm_symbol_cache()
        load_there(two, "B")
        with get_read_session() as tx:
            tx.connection  # noqa: B018 - the only one
            assert token() == "A1"
            assert lookups.names == []
        wait_until(lambda: token() == "B1")


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
