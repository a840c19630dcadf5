"""Twenty threads that miss one thing send one statement, whatever comes of it."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from cryptography.fernet import Fernet

from openalgo_store import (
    Store,
    Unavailable,
    get_auth_token,
    get_symbol,
    get_user_by_api_key,
    replace_symbols,
    search_symbols,
    use_store,
    warm_symbol_cache,
)
from tests.caching.conftest import Joined
from tests.support.rows import shares
from tests.support.searching import Building
from tests.support.watching import watching

THREADS = 20
ASKS: dict[str, tuple[Callable[[], object], str]] = {
    "an API key": (lambda: get_user_by_api_key("wrong"), "k.api_key = "),
    "broker tokens": (lambda: get_auth_token(1, "zerodha"), "t.user_id = "),
    "an unknown broker": (lambda: get_symbol("SBIN", "NSE", "nobody"), "FROM symbols\nWHERE"),
}
"""What is asked, and what its statement has in its text."""


@pytest.fixture
def secretive(store: Store) -> Iterator[Store]:
    """A store with secrets, which is the current one."""
    key = Fernet.generate_key().decode()
    secrets = replace(store.settings, api_key_pepper="p" * 40, token_encryption_keys=key)
    with Store(replace(secrets, cache_lease=3600)) as secretive:
        use_store(secretive)
        secretive.epochs.renew()  # that is not to be counted
        yield secretive
        use_store(store)


@pytest.mark.parametrize("fails", [False, True], ids=["absent", "failing"])
@pytest.mark.parametrize("name", ASKS)
def test_what_is_absent_and_what_fails_is_asked_for_once(
    secretive: Store, joined: Joined, name: str, fails: bool
) -> None:
    ask, mark = ASKS[name]
    sent: list[str] = []

    def note(sql: str, values: Any) -> None:
        if mark in sql and "symbol = " not in sql:  # not what the master lacks
            sent.append(sql)
            joined.wait_for(THREADS - 1)
            if fails:
                raise Unavailable("the database is away")

    with watching(secretive, before=note), ThreadPoolExecutor(THREADS) as pool:
        futures = [pool.submit(ask) for _ in range(THREADS)]
        errors = [future.exception(30) for future in futures]
    assert len(sent) == 1
    assert {type(each) for each in errors} == {Unavailable if fails else type(None)}


def test_the_first_searches_wait_for_one_index(
    store: Store, joined: Joined, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace_symbols(shares(3), "zerodha")
    warm_symbol_cache()
    building = Building(monkeypatch)
    building.hold()
    with ThreadPoolExecutor(THREADS) as pool:
        found = [pool.submit(search_symbols, "share", "zerodha") for _ in range(THREADS)]
        joined.wait_for(THREADS - 1)
        building.go_on.set()
        tokens = [[each.token for each in future.result(30)] for future in found]
    assert tokens == [["T0", "T1", "T2"]] * THREADS
    assert building.sizes == [3]
