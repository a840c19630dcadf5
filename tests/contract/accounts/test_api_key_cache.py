"""API keys in memory: found without a query, and never one that was revoked meanwhile."""

import gc
import logging
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import cachetools
import pytest
from sqlalchemy import update

import openalgo_store
from openalgo_store import IssuedApiKey, Store, delete_user, update_user, use_store
from openalgo_store.caching.keyed_values import KeyedCache
from openalgo_store.engine.queries import Query
from openalgo_store.records.accounts import User
from openalgo_store.repositories.accounts.api_keys import (
    create_api_key,
    get_user_by_api_key,
    revoke_api_key,
    warm_api_key_cache,
)
from openalgo_store.sessions import get_write_session
from openalgo_store.store import cache_stats, current_store
from openalgo_store.tables.accounts import api_keys
from tests.support.rows import MONDAY
from tests.support.watching import watching


def test_a_key_finds_its_user_with_one_query_and_then_with_none(
    asha: User, queries: list[str]
) -> None:
    key = create_api_key(asha.id).api_key
    found = get_user_by_api_key(key)
    assert found is not None
    assert (found.id, found.username, found.is_active) == (asha.id, "Asha", True)
    assert len(queries) == 1
    assert [get_user_by_api_key(key) for _ in range(5)] == [found] * 5
    assert len(queries) == 1


def test_a_wrong_key_is_asked_for_once(asha: User, queries: list[str]) -> None:
    assert [get_user_by_api_key("wrong") for _ in range(5)] == [None] * 5
    assert get_user_by_api_key("\ud800") is None
    assert len(queries) == 2


def test_a_revocation_that_is_rolled_back_leaves_the_key_valid_and_cached(
    asha: User, queries: list[str]
) -> None:
    issued = create_api_key(asha.id)
    assert get_user_by_api_key(issued.api_key) is not None
    with get_write_session() as tx, pytest.raises(ZeroDivisionError), tx.savepoint():
        revoke_api_key(issued.id, tx=tx)
        assert get_user_by_api_key(issued.api_key, tx=tx) is None
        _ = 1 / 0
    with pytest.raises(ZeroDivisionError), get_write_session() as tx:
        revoke_api_key(issued.id, tx=tx)
        _ = 1 / 0
    queries.clear()
    assert get_user_by_api_key(issued.api_key) is not None
    assert queries == []


def test_eight_threads_that_ask_for_one_key_make_one_query(asha: User, queries: list[str]) -> None:
    for key, found in ((create_api_key(asha.id).api_key, True), ("wrong", False)):
        queries.clear()
        together = threading.Barrier(8)

        def ask(_: int, key: str = key, together: threading.Barrier = together) -> bool:
            together.wait(30)
            return get_user_by_api_key(key) is not None

        with ThreadPoolExecutor(8) as pool:
            assert list(pool.map(ask, range(8))) == [found] * 8
        assert len(queries) == 1


@contextmanager
def lookup_paused(key: str, step: str) -> Iterator[None]:
    """Another thread looks the key up, and stops at this step until the block has ended."""
    reached, go_on = threading.Event(), threading.Event()
    reader: list[int] = []
    keep = KeyedCache.keep

    def pause(*arguments: Any) -> None:
        if threading.get_ident() in reader and not reached.is_set():
            if arguments and "JOIN users" not in arguments[0]:
                return
            reached.set()
            assert go_on.wait(30)

    def keep_later(*arguments: Any) -> None:
        pause()
        keep(*arguments)

    def look_up() -> object:
        reader.append(threading.get_ident())
        return get_user_by_api_key(key)

    with ExitStack() as stack:
        pool = stack.enter_context(ThreadPoolExecutor(1))
        if step == "before it is kept":
            patch = stack.enter_context(pytest.MonkeyPatch.context())
            patch.setattr(KeyedCache, "keep", keep_later)
        else:
            stack.enter_context(watching(current_store(), **{step: pause}))  # type: ignore[arg-type]
        looking_up = pool.submit(look_up)
        assert reached.wait(30)
        yield
        go_on.set()
        looking_up.result(30)


steps = pytest.mark.parametrize("step", ["before", "after", "before it is kept"])


@steps
@pytest.mark.parametrize(
    "end",
    [lambda issued: revoke_api_key(issued.id), lambda issued: delete_user(issued.user_id)],
    ids=["revoked", "deactivated"],
)
def test_a_key_that_ends_while_it_is_read_is_refused_by_the_next_call(
    asha: User, step: str, end: Callable[[IssuedApiKey], None]
) -> None:
    issued = create_api_key(asha.id)
    with lookup_paused(issued.api_key, step):
        end(issued)
        assert get_user_by_api_key(issued.api_key) is None
    assert get_user_by_api_key(issued.api_key) is None


@steps
def test_a_user_who_is_renamed_while_a_key_is_read_is_so_for_the_next_call(
    asha: User, step: str
) -> None:
    key = create_api_key(asha.id).api_key
    with lookup_paused(key, step):
        changed = update_user(asha.id, username="Usha")
    assert get_user_by_api_key(key) == changed


@steps
def test_a_key_that_is_made_while_it_is_looked_for_works_at_once(asha: User, step: str) -> None:
    with lookup_paused("early", step):
        create_api_key(asha.id, generate=lambda: "early")
        assert get_user_by_api_key("early") == asha
    assert get_user_by_api_key("early") == asha
    current_store().api_keys.forget_all()
    assert get_user_by_api_key("early") == asha  # nor is it kept as one that is invalid


def test_many_wrong_keys_take_no_more_room_and_valid_ones_stay(
    asha: User, queries: list[str], soak: Callable[[int], int]
) -> None:
    current_store().invalid_keys = KeyedCache(500)
    key = create_api_key(asha.id).api_key
    assert get_user_by_api_key(key) is not None
    queries.clear()
    each = soak(20_000) // 8

    def guess(thread: int) -> None:
        for number in range(each):
            assert get_user_by_api_key(f"wrong-{thread}-{number}") is None

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(guess, range(8)))
    assert len(queries) == 8 * each
    assert cache_stats()["invalid_key_cache"].size == 500
    assert current_store().api_keys._loads._loads == {}
    assert get_user_by_api_key(key) is not None
    assert len(queries) == 8 * each


def test_wrong_keys_leave_no_memory_behind_once_their_cache_is_full(
    asha: User, caplog: pytest.LogCaptureFixture
) -> None:
    """What our code and the cache's library hold, measured after as many keys again."""
    caplog.set_level(logging.INFO, logger="openalgo_store")  # each line is kept for the test
    current_store().invalid_keys = KeyedCache(500)
    folders = [Path(str(package.__file__)).parent for package in (openalgo_store, cachetools)]
    ours = [tracemalloc.Filter(True, str(folder / "*")) for folder in folders]

    def held_after(first: int) -> int:
        for number in range(first, first + 2000):
            assert get_user_by_api_key(f"wrong-{number}") is None
        gc.collect()
        traces = tracemalloc.take_snapshot().filter_traces(ours).statistics("filename")
        return sum(each.size for each in traces)

    tracemalloc.start()
    try:
        full = held_after(0)
        assert full > 500 * 64  # the digests that are kept are seen
        assert held_after(2000) < full * 1.1
    finally:
        tracemalloc.stop()


def test_a_warm_cache_needs_no_query(asha: User, queries: list[str]) -> None:
    issued = [create_api_key(asha.id) for _ in range(3)]
    revoke_api_key(issued[0].id)
    with Store(current_store().settings) as cold:
        use_store(cold)
        assert warm_api_key_cache() == 2
        assert cache_stats()["api_key_cache"].size == 2
        assert get_user_by_api_key(issued[1].api_key) is not None
        assert get_user_by_api_key(issued[0].api_key) is None


@pytest.mark.parametrize("warm", [False, True], ids=["a cold cache", "a warm cache"])
def test_of_the_keys_that_were_loaded_the_one_used_last_goes_last(
    asha: User, queries: list[str], warm: bool
) -> None:
    keys = [create_api_key(asha.id) for _ in range(5)]
    with get_write_session() as tx:
        for issued in keys:
            used = {"last_used": MONDAY + timedelta(minutes=issued.id)}
            tx.run(Query.of(update(api_keys).where(api_keys.c.id == issued.id).values(used)))
    cold, warmer, *hottest = (issued.api_key for issued in keys)
    current_store().api_keys = KeyedCache(3)
    if warm:
        for key in hottest[::-1]:
            get_user_by_api_key(key)
    assert warm_api_key_cache() == 3
    get_user_by_api_key(cold)
    get_user_by_api_key(warmer)
    queries.clear()
    assert get_user_by_api_key(hottest[-1]) == asha
    assert queries == []


def test_a_key_that_is_revoked_while_the_cache_is_warmed_is_not_kept(asha: User) -> None:
    issued = create_api_key(asha.id)
    ends = [issued.id]

    def revoke(sql: str, values: Any) -> None:
        if "last_used" in sql and ends:
            with ThreadPoolExecutor(1) as pool:
                pool.submit(revoke_api_key, ends.pop()).result(30)

    with watching(current_store(), after=revoke):
        warm_api_key_cache()
    assert not ends
    assert get_user_by_api_key(issued.api_key) is None
