"""When the index of a search is built, who waits for it, and what answers meanwhile."""

import gc
import threading
import weakref
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from openalgo_store import (
    Settings,
    Store,
    bulk_insert_symbols,
    get_symbol,
    get_symbol_token,
    replace_symbols,
    search_symbols,
    use_store,
    warm_symbol_cache,
)
from openalgo_store.caching.search_index import SearchIndex
from tests.contract.symbols.conftest import Reading, Two, is_current, load_there
from tests.support.rows import shares
from tests.support.searching import Building
from tests.support.waiting import DEADLINE, wait_until


@pytest.fixture
def building(monkeypatch: pytest.MonkeyPatch) -> Iterator[Building]:
    found = Building(monkeypatch)
    yield found
    found.go_on.set()


@pytest.fixture
def loaded(store: Store) -> Store:
    replace_symbols(shares(3, token="A"), "zerodha")
    return store


def tokens(query: str = "share") -> list[str]:
    return [each.token for each in search_symbols(query, "zerodha")]


def test_a_process_that_never_searches_has_no_index(loaded: Store, building: Building) -> None:
    warm_symbol_cache()
    assert get_symbol_token("SHARE1", "NSE", "zerodha") == "A1"
    replace_symbols(shares(3, token="B"), "zerodha")
    warm_symbol_cache()
    assert building.sizes == []


def test_lookups_go_on_while_an_index_is_built(loaded: Store, building: Building) -> None:
    warm_symbol_cache()
    building.hold()
    with ThreadPoolExecutor(1) as pool:
        found = pool.submit(tokens)
        assert building.began.wait(DEADLINE)
        assert get_symbol_token("SHARE1", "NSE", "zerodha") == "A1"
        building.go_on.set()
        found.result(DEADLINE)


def test_after_a_load_the_old_index_answers_whole_until_the_new_one_stands(
    loaded: Store, building: Building
) -> None:
    assert tokens() == ["A0", "A1", "A2"]
    building.hold()
    replace_symbols(shares(5, token="B")[1:], "zerodha")
    assert get_symbol_token("SHARE1", "NSE", "zerodha") == "B1"
    assert tokens() == ["A0", "A1", "A2"]  # and has the new one built
    assert building.began.wait(DEADLINE)
    assert tokens() == ["A0", "A1", "A2"]
    assert tokens("share0") == ["A0"]
    assert tokens("share4") == []
    building.go_on.set()
    wait_until(lambda: tokens() == ["B1", "B2", "B3", "B4"])
    assert tokens("share0") == []
    assert building.sizes == [3, 4]
    assert "openalgo_store the search index of zerodha" in building.threads


def test_a_load_during_a_build_is_followed_by_another_one(
    loaded: Store, building: Building
) -> None:
    tokens()
    building.hold()
    replace_symbols(shares(3, token="B"), "zerodha")
    tokens()
    assert building.began.wait(DEADLINE)
    replace_symbols(shares(4, token="C"), "zerodha")
    for _ in range(3):
        assert tokens() == ["A0", "A1", "A2"]
    building.go_on.set()
    wait_until(lambda: tokens() == ["C0", "C1", "C2", "C3"])
    assert building.sizes == [3, 3, 4]


def test_an_index_of_an_old_master_does_not_follow_that_of_a_new_one(
    loaded: Store, building: Building
) -> None:
    """Two threads build the first index, of two masters; the older one ends last."""
    old = warm_symbol_cache() and loaded.symbols._fresh["zerodha"]
    building.hold()
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(tokens)
        assert building.began.wait(DEADLINE)
        replace_symbols(shares(4, token="B"), "zerodha")
        new = loaded.symbols._fresh["zerodha"]
        loaded.searches._indexes["zerodha"] = SearchIndex(new)
        building.go_on.set()
        assert first.result(DEADLINE) == ["A0", "A1", "A2"]
    assert old is not new
    assert tokens() == ["B0", "B1", "B2", "B3"]
    assert building.sizes == [3]


def test_warming_waits_for_the_index_of_the_new_master(loaded: Store, building: Building) -> None:
    tokens()
    replace_symbols(shares(4, token="B"), "zerodha")
    assert warm_symbol_cache("zerodha") == 4
    assert tokens() == ["B0", "B1", "B2", "B3"]
    assert building.threads == {threading.current_thread().name}


def test_a_build_that_fails_leaves_the_old_index_and_is_tried_again(
    loaded: Store, building: Building, caplog: pytest.LogCaptureFixture
) -> None:
    building.error = MemoryError("no room")
    with pytest.raises(MemoryError):
        tokens()
    building.error = None
    assert tokens() == ["A0", "A1", "A2"]
    replace_symbols(shares(4, token="B"), "zerodha")
    building.error = MemoryError("no room")
    assert tokens() == ["A0", "A1", "A2"]
    wait_until(lambda: "the search index of zerodha failed: no room" in caplog.text)
    assert tokens() == ["A0", "A1", "A2"]
    building.error = None
    wait_until(lambda: tokens() == ["B0", "B1", "B2", "B3"])


def test_a_store_that_closes_waits_for_the_index_that_is_built(
    loaded: Store, building: Building, migrated_settings: Settings
) -> None:
    tokens()
    replace_symbols(shares(4, token="B"), "zerodha")
    building.hold()
    tokens()
    assert building.began.wait(DEADLINE)
    with ThreadPoolExecutor(1) as pool:
        closing = pool.submit(loaded.close)
        wait_until(lambda: loaded._tasks.is_closed)
        assert not closing.done()
        building.go_on.set()
        closing.result(DEADLINE)
    with Store(migrated_settings) as another, use_store(another):
        assert tokens() == ["B0", "B1", "B2", "B3"]


def test_an_emptied_master_answers_nothing_and_needs_no_index(
    loaded: Store, building: Building
) -> None:
    tokens()
    replace_symbols([], "zerodha", force=True)
    assert tokens() == []
    assert "zerodha" not in loaded.searches._indexes
    assert building.sizes == [3]


def test_an_old_master_goes_with_its_index(loaded: Store, building: Building) -> None:
    tokens()
    index = weakref.ref(loaded.searches._indexes["zerodha"])
    replace_symbols(shares(4, token="B"), "zerodha")
    wait_until(lambda: tokens() == ["B0", "B1", "B2", "B3"])
    gc.collect()
    assert index() is None


def test_what_another_process_loads_is_found_once_it_is_read_and_indexed(
    two: Two, monkeypatch: pytest.MonkeyPatch, building: Building
) -> None:
    assert tokens() == ["A0", "A1", "A2"]
    reading = Reading(monkeypatch)
    load_there(two, "B")
    assert tokens() == ["A0", "A1", "A2"]  # and has it reloaded
    assert reading.began.wait(DEADLINE)
    found = get_symbol("SHARE1", "NSE", "zerodha")
    assert found is not None
    assert found.token == "B1"
    assert tokens() == ["A0", "A1", "A2"]
    reading.go_on.set()
    wait_until(is_current)
    wait_until(lambda: tokens() == ["B0", "B1", "B2"])
    assert (reading.count, building.sizes) == (1, [3, 3])


def test_a_first_search_does_not_wait_for_what_is_being_reloaded(
    two: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading = Reading(monkeypatch)
    load_there(two, "B")
    assert tokens() == ["A0", "A1", "A2"]
    reading.go_on.set()
    wait_until(lambda: tokens() == ["B0", "B1", "B2"])


def test_an_answer_is_remembered_and_no_caller_can_change_it(
    loaded: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = search_symbols("share", "zerodha")
    found.clear()
    places: Any = None  # to look again would fail
    monkeypatch.setattr(SearchIndex, "_places", places)
    assert tokens() == ["A0", "A1", "A2"]
    assert tokens("SHARE") == ["A0", "A1", "A2"]


def test_no_more_answers_are_remembered_than_there_is_room_for(
    loaded: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("openalgo_store.caching.search_index._ANSWERS", 5)
    for number in range(20):
        assert tokens(f"share{number % 3} a{number % 3}") == [f"A{number % 3}"]
        tokens(f"nothing{number}")
    assert len(loaded.searches._indexes["zerodha"]._answers) == 5


def test_a_symbol_that_is_inserted_is_searched_for_soon(loaded: Store) -> None:
    tokens()
    bulk_insert_symbols(shares(4, token="A")[3:], "zerodha")
    wait_until(lambda: tokens("share3") == ["A3"])
