"""A load changes the snapshot in memory: exactly as the database, or not at all."""

import gc
import sys
import time
from collections.abc import Iterable, Iterator

import pytest

from openalgo_store import Symbol, Unavailable
from openalgo_store.caching.snapshots import TOKEN, MasterChange, Snapshot
from openalgo_store.caching.symbol_snapshots import SymbolCache
from openalgo_store.values import clock
from tests.support.caches import new_cache
from tests.support.rows import shares

NOW = clock.now()


def symbols(count: int, *, first_id: int = 1, exchange: str = "NSE") -> Iterator[Symbol]:
    for number, each in enumerate(shares(count, exchange=exchange)):
        values = each._asdict()
        del values["series"], values["line"]
        yield Symbol(id=first_id + number, broker="zerodha", last_updated=NOW, **values)


def snapshot(symbols: Iterable[Symbol], version: int = 1, *, expires_in: float = 60.0) -> Snapshot:
    return Snapshot(symbols, version, time.time() + expires_in)


def cache_with(held: Snapshot) -> SymbolCache:
    cache = new_cache(lambda: time.time() + 60)
    cache.snapshot("zerodha", lambda *_: held)
    return cache


def in_memory(cache: SymbolCache) -> Snapshot | None:
    return cache._fresh.get("zerodha")


def tokens(found: Snapshot | None) -> dict[str, str]:
    assert found is not None
    return {name: row[TOKEN] for name, row in found.by_symbol["NSE"].items()}


def test_a_change_makes_a_new_snapshot_and_leaves_the_one_before_as_it_was() -> None:
    zero, one, two = symbols(3)
    before = snapshot((zero, one, two))
    new = two._replace(id=9, symbol="NEW", token="N", broker_symbol="NEW-EQ")
    changed = one._replace(token="C", lot_size=2)
    after = before.after(MasterChange(1, 2, [("SHARE0", "NSE")], [changed, new]))
    assert (after.version, after.size, after.expires_at) == (2, 3, before.expires_at)
    assert after.by_symbol["NSE"] == {"SHARE1": changed, "SHARE2": two, "NEW": new}
    assert after.by_token["NSE"] == {"C": changed, "T2": two, "N": new}
    named = {"SHARE1-EQ": changed, "SHARE2-EQ": two, "NEW-EQ": new}
    assert after.by_broker_symbol["NSE"] == named
    assert (before.version, before.size) == (1, 3)
    assert before.by_symbol["NSE"] == {"SHARE0": zero, "SHARE1": one, "SHARE2": two}
    assert before.by_token["NSE"] == {"T0": zero, "T1": one, "T2": two}


def test_exchanges_without_a_difference_are_shared_and_empty_ones_go() -> None:
    before = snapshot([*symbols(3), *symbols(3, exchange="BSE"), *symbols(1, exchange="MCX")])
    changed = next(symbols(1))._replace(lot_size=5)
    after = before.after(MasterChange(1, 2, [("SHARE0", "MCX")], [changed]))
    for name in ("by_symbol", "by_token", "by_broker_symbol"):
        assert getattr(after, name)["BSE"] is getattr(before, name)["BSE"]
        assert getattr(after, name).keys() == {"NSE", "BSE"}


def test_a_change_shares_repeated_values_with_what_was_there() -> None:
    (held,) = symbols(1)
    before = snapshot([held])
    name, broker = "".join(["Share", " 0"]), "".join(["zero", "dha"])
    assert name is not held.name
    new = held._replace(id=2, symbol="NEW", strike=float("0"), name=name, broker=broker)
    after = before.after(MasterChange(1, 2, [], [new]))
    added = Symbol._make(after.by_symbol["NSE"]["NEW"])
    held = Symbol._make(before.by_symbol["NSE"]["SHARE0"])
    for column in ("broker", "exchange", "name", "instrument_type", "strike", "last_updated"):
        assert getattr(added, column) is getattr(held, column), column


@pytest.mark.parametrize("way", ["gone", "another token"])
def test_when_the_first_of_two_with_one_token_leaves_the_second_answers(way: str) -> None:
    zero, one, two = (each._replace(token="T", broker_symbol="S") for each in symbols(3))
    before = snapshot((two, one, zero))
    assert (before.by_token["NSE"], before.by_broker_symbol["NSE"]) == ({"T": zero}, {"S": zero})
    if way == "gone":
        change = MasterChange(1, 2, [("SHARE0", "NSE")], [])
    else:
        change = MasterChange(1, 2, [], [zero._replace(token="U", broker_symbol="V")])
    after = before.after(change)
    assert (after.by_token["NSE"]["T"], after.by_broker_symbol["NSE"]["S"]) == (one, one)


def test_of_two_with_one_token_a_new_one_answers_only_if_it_was_stored_first() -> None:
    zero, one, two = symbols(3)
    before = snapshot((one, two))
    later, earlier = two._replace(token="T1"), zero._replace(token="T1")
    after = before.after(MasterChange(1, 2, [], [later]))
    assert after.by_token["NSE"] == {"T1": one}
    assert after.after(MasterChange(2, 3, [], [earlier])).by_token["NSE"] == {"T1": earlier}


def test_a_change_is_applied_to_the_version_that_it_began_with() -> None:
    zero, one = symbols(2)
    cache = cache_with(snapshot((zero, one)))
    cache.apply("zerodha", MasterChange(1, 2, [], [one._replace(token="B")]))
    assert tokens(in_memory(cache)) == {"SHARE0": "T0", "SHARE1": "B"}
    cache.apply("zerodha", MasterChange(2, 3, [], [zero._replace(token="C")]))
    assert tokens(in_memory(cache)) == {"SHARE0": "C", "SHARE1": "B"}
    assert (cache.misses, cache.stats().size) == (1, 2)


def test_a_change_of_another_version_drops_what_is_in_memory() -> None:
    zero, one = symbols(2)
    cache = cache_with(snapshot((zero, one)))
    cache.apply("zerodha", MasterChange(2, 3, [], [one._replace(token="B")]))
    assert in_memory(cache) is None


def test_a_change_that_was_loaded_meanwhile_drops_nothing() -> None:
    for version in (2, 3):
        held = snapshot(symbols(2), version)
        cache = cache_with(held)
        for _ in range(2):  # a callback that was interrupted is called again
            cache.apply("zerodha", MasterChange(1, 2, [("SHARE0", "NSE")], []))
        assert in_memory(cache) is held


def test_what_changes_while_a_change_is_applied_is_not_overwritten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cache = cache_with(snapshot(symbols(2)))
    after = Snapshot.after

    def invalidated_meanwhile(held: Snapshot, change: MasterChange) -> Snapshot:
        cache.invalidate("zerodha")
        return after(held, change)

    monkeypatch.setattr(Snapshot, "after", invalidated_meanwhile)
    cache.apply("zerodha", MasterChange(1, 2, [("SHARE0", "NSE")], []))
    assert in_memory(cache) is None


def test_a_change_that_cannot_be_applied_drops_what_is_in_memory() -> None:
    cache = cache_with(snapshot(symbols(2)))
    with pytest.raises(TypeError):
        cache.apply("zerodha", MasterChange(1, 2, [], [None]))  # type: ignore[list-item]
    assert in_memory(cache) is None


def test_what_is_read_while_a_change_is_applied_is_not_kept() -> None:
    cache = cache_with(snapshot(symbols(2), expires_in=-1))
    (zero,) = symbols(1)

    def read_meanwhile(broker: str, expires_at: float, held: Snapshot | None) -> Snapshot:
        cache.apply("zerodha", MasterChange(1, 2, [], [zero._replace(token="B")]))
        return snapshot(symbols(2))  # as it was before

    assert tokens(cache.snapshot("zerodha", read_meanwhile))["SHARE0"] == "T0"
    assert tokens(in_memory(cache))["SHARE0"] == "B"


def test_nor_is_it_where_nothing_was_in_memory() -> None:
    cache = new_cache(lambda: time.time() + 60)

    def read_meanwhile(broker: str, expires_at: float, held: Snapshot | None) -> Snapshot:
        cache.apply("zerodha", MasterChange(1, 2, [("SHARE0", "NSE")], []))
        return snapshot(symbols(2))  # as it was before

    assert cache.snapshot("zerodha", read_meanwhile).size == 2
    assert in_memory(cache) is None


def test_only_the_version_that_a_look_has_seen_is_confirmed() -> None:
    held = snapshot(symbols(2), 2)
    cache = cache_with(held)
    cache.outdate("zerodha")
    cache.confirm("zerodha", 1)
    assert in_memory(cache) is None
    assert not cache.stats().is_current
    cache.confirm("zerodha", 2)
    assert in_memory(cache) is held
    assert cache.stats().is_current


def test_a_master_that_was_emptied_does_not_come_back_when_the_database_is_away() -> None:
    cache = cache_with(snapshot(symbols(2), expires_in=-1))
    assert cache.snapshot("zerodha", lambda *_: snapshot([], 2)).size == 0

    def fail(broker: str, expires_at: float, held: Snapshot | None) -> Snapshot:
        raise Unavailable("the database is away")

    with pytest.raises(Unavailable):
        cache.snapshot("zerodha", fail)


def test_what_may_be_old_because_nobody_can_look_is_not_told_to_be_current() -> None:
    cache = cache_with(snapshot(symbols(2)))
    assert cache.stats().is_current
    cache._epochs.failure = Unavailable("the database is away")
    assert not cache.stats().is_current


def test_an_emptied_master_takes_no_room() -> None:
    cache = cache_with(snapshot(symbols(1)))
    cache.apply("zerodha", MasterChange(1, 2, [("SHARE0", "NSE")], []))
    assert in_memory(cache) is None


def test_a_snapshot_that_has_expired_is_of_no_version() -> None:
    assert cache_with(snapshot(symbols(1), 7)).version("zerodha") == 7
    assert cache_with(snapshot(symbols(1), 7, expires_in=-1)).version("zerodha") is None


def test_the_garbage_collector_passes_over_a_master() -> None:
    held = snapshot(symbols(100))
    later = held.after(MasterChange(1, 2, [], list(symbols(100, first_id=101, exchange="BSE"))))
    gc.collect(0)
    rows = [row for found in later.by_symbol.values() for row in found.values()]
    assert len(rows) == 200
    assert not any(map(gc.is_tracked, rows))
    if sys.version_info < (3, 14):  # which tracks every dict
        for by_text in (later.by_symbol, later.by_token, later.by_broker_symbol):
            assert not any(map(gc.is_tracked, by_text.values()))
