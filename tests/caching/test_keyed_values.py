"""The cache of single values: what was invalidated is neither kept nor given to who asks later."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from openalgo_store.caching.keyed_values import KeyedCache
from tests.caching.conftest import Joined
from tests.support.waiting import wait_until

Cache = KeyedCache[str]


def kept(value: str) -> tuple[str, float]:
    """For a minute."""
    return value, time.time() + 60


@pytest.mark.parametrize(
    "invalidate",
    [
        lambda cache: cache.forget(["key"]),
        lambda cache: cache.forget([]),
        lambda cache: cache.forget_where(lambda value: False),
        lambda cache: cache.forget_all(),
    ],
    ids=["by key", "by another key", "by value", "all"],
)
def test_a_load_that_began_before_an_invalidation_answers_only_who_asked_before_it(
    joined: Joined, invalidate: Callable[[Cache], None]
) -> None:
    cache = Cache(10)
    reads: list[str] = []

    def load_old() -> tuple[str, float]:
        reads.append("old")
        wait_until(lambda: len(joined.loads) == 2 or "new" in reads)
        return kept("old")

    def load_new() -> tuple[str, float]:
        reads.append("new")
        return kept("new")

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(cache.read, "key", load_old)
        wait_until(lambda: reads == ["old"])
        second = pool.submit(cache.read, "key", load_old)
        joined.wait_for(1)
        invalidate(cache)
        assert cache.read("key", load_new) == "new"
        assert (first.result(30), second.result(30)) == ("old", "old")
    assert cache.get("key") == "new"


def test_what_was_kept_since_it_was_missed_is_not_loaded_again() -> None:
    cache = Cache(10)
    assert cache.get("key") is None
    cache.keep("key", *kept("by another thread"), cache.epoch)
    assert cache.read("key", lambda: kept("again")) == "by another thread"


def test_the_oldest_goes_first_and_what_is_kept_again_counts_as_new() -> None:
    cache = Cache(3)
    for key in ("a", "b", "c", "a", "d"):
        cache.keep(key, *kept(key), cache.epoch)
    assert [key for key in "abcd" if cache.get(key)] == ["a", "c", "d"]


def test_a_value_is_gone_at_the_moment_in_which_it_expires(monkeypatch: pytest.MonkeyPatch) -> None:
    cache = Cache(10)
    cache.keep("key", "value", 100.0, cache.epoch)
    monkeypatch.setattr(time, "time", lambda: 99.999)
    assert cache.get("key") == "value"
    monkeypatch.setattr(time, "time", lambda: 100.0)
    assert cache.get("key") is None
