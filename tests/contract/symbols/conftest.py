"""Two processes with a master in memory, what they ask the database, and a hand on it."""

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
    cache_stats,
    get_symbol,
    get_symbol_by_broker_symbol,
    get_symbol_by_token,
    get_symbol_token,
    get_symbol_tokens,
    replace_symbols,
    use_store,
    warm_symbol_cache,
)
from openalgo_store.engine.transaction_state import TransactionState
from tests.support.rows import shares


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
