"""API keys: who is behind one, from memory, and never a key that was revoked."""

import gc
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import cachetools
import pytest
from sqlalchemy import event, select, update

import openalgo_store
from openalgo_store import (
    ConfigurationError,
    NotFound,
    Store,
    Unavailable,
    flush_writers,
    use_store,
)
from openalgo_store.caching.keyed_values import KeyedCache
from openalgo_store.engine.queries import Query
from openalgo_store.repositories.accounts.api_keys import (
    create_api_key,
    get_user_by_api_key,
    list_api_keys,
    revoke_api_key,
    warm_api_key_cache,
)
from openalgo_store.repositories.accounts.users import delete_user, reactivate_user
from openalgo_store.sessions import get_read_session, get_write_session
from openalgo_store.store import cache_stats, current_store
from openalgo_store.tables.accounts import api_keys, users
from tests.support.rows import add_user

PEPPER = "a pepper of the tests, long enough to be one"


@pytest.fixture
def asha(store: Store) -> Iterator[int]:
    """The id of a user in a store with a pepper, which is the current one."""
    with Store(replace(store.settings, api_key_pepper=PEPPER)) as peppered:
        use_store(peppered)
        with get_write_session() as tx:
            add_user(tx, "asha")
            found = tx.value(Query.of(select(users.c.id), int))
        assert found is not None
        yield found
        use_store(store)


@pytest.fixture
def queries(asha: int) -> Iterator[list[str]]:
    """Every statement that looks a key up, as it is sent."""
    sent: list[str] = []
    engine = current_store().databases["main"].engine

    def note(*arguments: Any) -> None:
        if "JOIN users" in arguments[2]:
            sent.append(arguments[2])

    event.listen(engine, "before_cursor_execute", note)
    yield sent
    event.remove(engine, "before_cursor_execute", note)


def stored(column: Any) -> list[Any]:
    with get_read_session() as tx:
        return tx.all(Query.of(select(column).order_by(api_keys.c.id), str))


def test_a_key_is_shown_once_and_stored_as_a_digest(asha: int) -> None:
    issued = create_api_key(asha, "my bot")
    assert issued.api_key.startswith("openalgo_")
    assert len(issued.api_key) >= 50
    assert issued.api_key not in repr(issued)
    assert issued.hint == issued.api_key[-4:]
    (digest,) = stored(api_keys.c.api_key)
    assert len(digest) == 64
    assert issued.api_key not in digest
    (listed,) = list_api_keys(asha)
    assert (listed.id, listed.name, listed.hint) == (issued.id, "my bot", issued.hint)
    assert issued.api_key not in str(listed)


def test_two_keys_are_never_the_same_and_a_test_may_choose_its_own(asha: int) -> None:
    assert create_api_key(asha).api_key != create_api_key(asha).api_key
    assert create_api_key(asha, generate=lambda: "chosen").api_key == "chosen"


def test_a_key_finds_its_user_with_one_query_and_then_with_none(
    asha: int, queries: list[str]
) -> None:
    key = create_api_key(asha).api_key
    found = get_user_by_api_key(key)
    assert found is not None
    assert (found.id, found.username, found.is_active) == (asha, "asha", True)
    assert len(queries) == 1
    assert [get_user_by_api_key(key) for _ in range(5)] == [found] * 5
    assert len(queries) == 1


def test_a_wrong_key_is_asked_for_once(asha: int, queries: list[str]) -> None:
    assert [get_user_by_api_key("wrong") for _ in range(5)] == [None] * 5
    assert get_user_by_api_key("\ud800") is None
    assert len(queries) == 2


def test_a_key_that_was_tried_before_it_existed_works_at_once(asha: int) -> None:
    assert get_user_by_api_key("early") is None
    create_api_key(asha, generate=lambda: "early")
    assert get_user_by_api_key("early") is not None


def test_a_revoked_key_is_refused_at_once(asha: int) -> None:
    issued = create_api_key(asha)
    assert get_user_by_api_key(issued.api_key) is not None
    revoke_api_key(issued.id)
    assert get_user_by_api_key(issued.api_key) is None
    assert [each.is_active for each in list_api_keys(asha)] == [False]
    with pytest.raises(NotFound, match="no API key 999"):
        revoke_api_key(999)


def test_a_revocation_that_is_rolled_back_leaves_the_key_valid_and_cached(
    asha: int, queries: list[str]
) -> None:
    issued = create_api_key(asha)
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


def test_a_deactivated_user_has_no_key(asha: int) -> None:
    key = create_api_key(asha).api_key
    with get_write_session() as tx:
        tx.run(Query.of(update(users).values(is_active=False)))
    assert get_user_by_api_key(key) is None
    with pytest.raises(NotFound, match="no active user"):
        create_api_key(asha)
    with pytest.raises(NotFound, match="no active user"):
        create_api_key(999)


def test_a_key_made_beside_a_deletion_stays_dead_when_the_user_comes_back(asha: int) -> None:
    """The deletion waits for the key's transaction, or the key finds no active user."""
    with ThreadPoolExecutor(1) as pool:
        with get_write_session() as tx:
            issued = create_api_key(asha, tx=tx)
            deletion = pool.submit(delete_user, asha)
        deletion.result(30)
    reactivate_user(asha)
    assert get_user_by_api_key(issued.api_key) is None


def test_eight_threads_that_ask_for_one_key_make_one_query(asha: int, queries: list[str]) -> None:
    for key, found in ((create_api_key(asha).api_key, True), ("wrong", False)):
        queries.clear()
        together = threading.Barrier(8)

        def ask(_: int, key: str = key, together: threading.Barrier = together) -> bool:
            together.wait(30)
            return get_user_by_api_key(key) is not None

        with ThreadPoolExecutor(8) as pool:
            assert list(pool.map(ask, range(8))) == [found] * 8
        assert len(queries) == 1


@pytest.mark.parametrize("step", ["before the query", "after the query", "before it is kept"])
def test_a_key_revoked_while_it_is_read_is_refused_by_the_next_call(
    asha: int, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    issued = create_api_key(asha)
    reached, go_on = threading.Event(), threading.Event()
    reader: list[int] = []

    def pause(*arguments: Any) -> None:
        if threading.get_ident() in reader and not reached.is_set():
            if len(arguments) > 2 and "JOIN users" not in str(arguments[2]):
                return
            reached.set()
            assert go_on.wait(30)

    engine = current_store().databases["main"].engine
    if step == "before it is kept":
        keep = KeyedCache.keep

        def keep_later(*arguments: Any) -> None:
            pause()
            keep(*arguments)

        monkeypatch.setattr(KeyedCache, "keep", keep_later)
    else:
        name = "before_cursor_execute" if step == "before the query" else "after_cursor_execute"
        event.listen(engine, name, pause)

    def read() -> object:
        reader.append(threading.get_ident())
        return get_user_by_api_key(issued.api_key)

    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(read)
        assert reached.wait(30)
        revoke_api_key(issued.id)
        go_on.set()
        reading.result(30)
    if step != "before it is kept":
        event.remove(engine, name, pause)
    assert get_user_by_api_key(issued.api_key) is None


def test_many_wrong_keys_take_no_more_room_and_valid_ones_stay(
    asha: int, queries: list[str], soak: Callable[[int], int]
) -> None:
    current_store().invalid_keys = KeyedCache(500)
    key = create_api_key(asha).api_key
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
    assert current_store().api_keys._reading == {}
    assert get_user_by_api_key(key) is not None
    assert len(queries) == 8 * each


def test_wrong_keys_leave_no_memory_behind_once_their_cache_is_full(asha: int) -> None:
    """What our code and the cache's library hold, measured after as many keys again."""
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


def test_the_last_use_is_written_behind_the_request(asha: int) -> None:
    issued = create_api_key(asha)
    used = get_user_by_api_key(issued.api_key)
    assert used is not None
    assert flush_writers()
    (listed,) = list_api_keys(asha)
    assert listed.last_used is not None
    assert listed.last_used >= listed.created_at


def test_a_last_use_that_cannot_be_written_is_kept_and_fails_nothing(
    asha: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    issued = create_api_key(asha)
    transaction = Store.transaction

    def away(*arguments: Any, readonly: bool, **others: Any) -> Any:
        if not readonly:
            raise Unavailable("the database is away")
        return transaction(*arguments, readonly=readonly, **others)

    monkeypatch.setattr(Store, "transaction", away)
    assert get_user_by_api_key(issued.api_key) is not None
    assert not flush_writers(timeout=0.1)
    monkeypatch.setattr(Store, "transaction", transaction)
    assert list_api_keys(asha)[0].last_used is None
    assert flush_writers()
    assert list_api_keys(asha)[0].last_used is not None


def test_a_warm_cache_needs_no_query(asha: int, queries: list[str]) -> None:
    issued = [create_api_key(asha) for _ in range(3)]
    revoke_api_key(issued[0].id)
    with Store(current_store().settings) as cold:
        use_store(cold)
        assert warm_api_key_cache() == 2
        assert cache_stats()["api_key_cache"].size == 2
        assert get_user_by_api_key(issued[1].api_key) is not None
        assert get_user_by_api_key(issued[0].api_key) is None


def test_without_a_good_pepper_there_are_no_keys(store: Store) -> None:
    with pytest.raises(ConfigurationError, match="API_KEY_PEPPER is not set"):
        get_user_by_api_key("any")
    with Store(replace(store.settings, api_key_pepper="short")) as short:
        use_store(short)
        with pytest.raises(ConfigurationError, match="API_KEY_PEPPER is shorter"):
            create_api_key(1)
