"""A load hands what it did to the cached master: no reader loads it again, none sees a mixture."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from math import inf
from random import Random

import pytest

from openalgo_store import (
    Instrument,
    Store,
    Unavailable,
    bulk_insert_symbols,
    get_read_session,
    get_symbol,
    get_symbol_by_broker_symbol,
    get_symbol_by_token,
    get_symbol_token,
    get_write_session,
    replace_symbols,
    use_store,
    warm_symbol_cache,
)
from openalgo_store.caching.snapshots import Snapshot
from openalgo_store.repositories.symbols import comparison
from openalgo_store.repositories.symbols.symbols import _read_master
from tests.contract.symbols.conftest import is_current
from tests.support.chance import chance_of
from tests.support.endings import lose_one_answer
from tests.support.interleaving import Stop
from tests.support.reads import note_reads
from tests.support.rows import master, shares
from tests.support.waiting import wait_until

FEW = 5
"""Rows that a load of three may read."""


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """The rows that sessions read, by the name of the statement."""
    return note_reads(monkeypatch)


def token_of(symbol: str) -> str | None:
    return get_symbol_token(symbol, "NSE", "zerodha")


def load(token: str) -> None:
    replace_symbols(shares(3, token=token), "zerodha")


def content(found: Snapshot) -> dict[str, object]:
    return {name: getattr(found, name) for name in Snapshot.__slots__ if name[:3] in ("by_", "siz")}


def is_exact(store: Store) -> bool:
    """Whether what is in memory is what is stored, to the types of its values."""
    held = store.symbols._fresh["zerodha"]
    stored = _read_master("zerodha", held.expires_at, None)
    for exchange, rows in stored.by_symbol.items():
        for symbol, row in rows.items():
            assert repr(held.by_symbol[exchange][symbol]) == repr(row)
    return content(held) == content(stored) and held.version == stored.version


def test_after_a_reload_reading_a_symbol_makes_no_statement(
    store: Store, reads: Counter[str]
) -> None:
    replace_symbols(shares(50), "zerodha")
    warm_symbol_cache("zerodha")
    next_day = [*shares(51)[2:], shares(2, token="B")[1]]
    replace_symbols(next_day, "zerodha")
    reads.clear()
    assert [token_of(f"SHARE{number}") for number in (1, 2, 50)] == ["B1", "T2", "T50"]
    found = get_symbol_by_token("B1", "NSE", "zerodha")
    assert found == get_symbol("SHARE1", "NSE", "zerodha")
    assert get_symbol_by_broker_symbol("SHARE50-EQ", "NSE", "zerodha") is not None
    assert reads == {}
    assert found == master()["SHARE1"]
    assert token_of("SHARE0") is None
    assert get_symbol_by_token("T1", "NSE", "zerodha") is None
    assert is_exact(store)


def test_a_few_symbols_are_loaded_by_reading_a_few_rows(store: Store, reads: Counter[str]) -> None:
    replace_symbols(shares(500), "zerodha")
    for in_memory in (False, True):
        if in_memory:
            warm_symbol_cache("zerodha")
        reads.clear()
        token = f"in memory: {in_memory}"
        given = [*shares(2, token=token), shares(501 + in_memory)[-1]]
        done = bulk_insert_symbols(given, "zerodha")
        assert (done.inserted, done.updated, done.unchanged) == (1, 2, 0)
        assert reads.total() <= FEW + in_memory  # the new one is read back
        reads.clear()
        if in_memory:
            assert token_of("SHARE501") == "T501"
            assert reads == {}
            assert is_exact(store)


def test_a_load_of_what_is_not_in_memory_reads_nothing_back(
    store: Store, reads: Counter[str]
) -> None:
    replace_symbols(shares(10), "zerodha")
    replace_symbols(shares(12), "zerodha")
    assert "find_stored_symbols" not in reads


@pytest.mark.parametrize("few", [0, comparison.FEW], ids=["all rows", "by key"])
def test_few_symbols_and_many_are_compared_alike(
    store: Store, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    replace_symbols([*shares(6), *shares(6, exchange="BSE")], "zerodha")
    replace_symbols(shares(3, token="other"), "angel")
    monkeypatch.setattr(comparison, "FEW", few)
    given = [*shares(2), shares(3, token="N")[2], shares(8)[7], *shares(1, exchange="MCX")]
    done = bulk_insert_symbols(given, "zerodha")
    assert (done.inserted, done.updated, done.unchanged, done.deleted) == (2, 1, 2, 0)
    assert {each.token for each in master("angel").values()} == {"other0", "other1", "other2"}


def test_whatever_loads_do_memory_holds_what_is_stored(
    store: Store, monkeypatch: pytest.MonkeyPatch, soak: Callable[[int], int]
) -> None:
    chance = chance_of("loads in memory")
    replace_symbols(_drawn(chance), "zerodha")
    warm_symbol_cache("zerodha")
    for _ in range(soak(200)):
        if chance.random() < 0.5:
            replace_symbols(_drawn(chance), "zerodha", force=True)
        else:
            bulk_insert_symbols(_drawn(chance)[:3], "zerodha")
        assert is_exact(store)
    assert store.symbols.misses == 1


def _drawn(chance: Random) -> list[Instrument]:
    """Shares of two exchanges, some of which share their token or their broker's symbol."""
    return [
        each._replace(
            token=f"T{chance.randrange(8)}",
            broker_symbol=f"S{chance.randrange(8)}",
            lot_size=chance.choice((None, 1, 2)),
            strike=chance.choice((None, 0.0, 292.5)),
        )
        for exchange in ("NSE", "BSE")
        for each in chance.sample(shares(8, exchange=exchange), 5)
    ]


def test_of_two_loads_in_one_transaction_nobody_sees_the_first_alone(store: Store) -> None:
    load("A")
    warm_symbol_cache("zerodha")
    seen = []
    with get_write_session() as tx:
        replace_symbols(shares(3, token="B"), "zerodha", tx=tx)
        tx.after_commit(lambda: seen.append(token_of("SHARE1")))
        replace_symbols(shares(3, token="C"), "zerodha", tx=tx)
    assert [*seen, token_of("SHARE1")] == ["C1", "C1"]
    assert is_exact(store)


def test_loads_of_two_brokers_in_one_transaction_are_both_handed_over(store: Store) -> None:
    for broker in ("zerodha", "angel"):
        replace_symbols(shares(3, token="A"), broker)
    warm_symbol_cache()
    with get_write_session() as tx:
        for broker in ("zerodha", "angel"):
            replace_symbols(shares(3, token="B"), broker, tx=tx)
    tokens = [get_symbol_token("SHARE1", "NSE", broker) for broker in ("zerodha", "angel")]
    assert tokens == ["B1", "B1"]
    assert store.symbols.misses == 2


@pytest.mark.parametrize("rolled_back", ["first", "second"])
def test_of_two_loads_only_the_one_that_was_not_rolled_back_is_seen(
    store: Store, rolled_back: str
) -> None:
    load("A")
    warm_symbol_cache("zerodha")
    with get_write_session() as tx:
        for place, token in (("first", "B"), ("second", "C")):
            try:
                with tx.savepoint():
                    replace_symbols(shares(3, token=token), "zerodha", tx=tx)
                    if place == rolled_back:
                        raise ZeroDivisionError
            except ZeroDivisionError:
                pass
    assert token_of("SHARE1") == {"first": "C1", "second": "B1"}[rolled_back]
    assert is_exact(store)


def test_a_reader_that_began_before_a_load_is_answered_and_not_kept(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    load("A")
    reader = Stop(monkeypatch, "get_master")
    with ThreadPoolExecutor(1) as pool:
        began = pool.submit(token_of, "SHARE1")
        reader.wait()  # its version is read, its rows are not
        load("B")
        reader.go_on()
        assert began.result(30) == "A1"
    assert token_of("SHARE1") == "B1"
    assert is_exact(store)


def test_a_reader_may_load_the_master_between_the_commit_and_its_callback(
    store: Store, reads: Counter[str]
) -> None:
    load("A")
    warm_symbol_cache("zerodha")

    def read_anew() -> None:
        store.epochs.until = store.epochs.serving_until = inf  # no look comes in between
        store.symbols.invalidate("zerodha")
        assert token_of("SHARE1") == "B1"
        reads.clear()

    with get_write_session() as tx:
        tx.after_commit(read_anew)
        replace_symbols(shares(3, token="B"), "zerodha", tx=tx)
    assert token_of("SHARE1") == "B1"
    assert reads == {}
    assert is_exact(store)


@pytest.mark.parametrize("read_between", [False, True])
def test_loads_whose_callbacks_come_in_another_order_than_their_commits(
    store: Store, read_between: bool
) -> None:
    load("A")
    warm_symbol_cache("zerodha")

    def load_another() -> None:
        """The lock is free, and the first load's own callback is still to come."""
        with ThreadPoolExecutor(1) as pool:
            pool.submit(bulk_insert_symbols, shares(2, token="C"), "zerodha").result(30)
        if read_between:
            assert token_of("SHARE1") == "C1"

    with get_write_session() as tx:
        tx.after_commit(load_another)
        replace_symbols(shares(3, token="B"), "zerodha", tx=tx)
    assert [token_of(f"SHARE{number}") for number in range(3)] == ["C0", "C1", "B2"]
    wait_until(is_current)
    assert is_exact(store)


def test_a_load_of_another_process_in_between_is_not_passed_over(store: Store) -> None:
    load("A")
    warm_symbol_cache("zerodha")
    with Store(store.settings) as elsewhere:
        with use_store(elsewhere):
            load("B")
    bulk_insert_symbols(shares(1, token="C"), "zerodha")
    assert [token_of(f"SHARE{number}") for number in range(3)] == ["C0", "B1", "B2"]
    wait_until(is_current)  # a look may have seen the other load before this one: it is reloaded
    assert is_exact(store)


def test_a_refused_load_does_not_keep_the_next_one_from_memory(
    store: Store, reads: Counter[str]
) -> None:
    load("A")
    warm_symbol_cache("zerodha")
    with pytest.raises(Exception, match="no row"):
        replace_symbols([], "zerodha")
    load("B")
    reads.clear()
    assert token_of("SHARE1") == "B1"
    assert reads == {}


def test_an_emptied_master_is_empty_in_memory_too(store: Store) -> None:
    load("A")
    warm_symbol_cache("zerodha")
    replace_symbols([], "zerodha", force=True)
    assert token_of("SHARE1") is None
    with get_read_session() as tx:
        assert get_symbol_token("SHARE1", "NSE", "zerodha", tx=tx) is None


@pytest.mark.only("postgresql")
def test_a_load_whose_answer_is_lost_is_not_hidden_by_the_master_in_memory(
    store: Store, engine_name: str
) -> None:
    load("T")
    assert token_of("SHARE1") == "T1"
    with lose_one_answer(), pytest.raises(Unavailable):
        load("U")
    assert token_of("SHARE1") == "U1"
