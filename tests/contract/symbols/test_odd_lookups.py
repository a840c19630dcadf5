"""Lookups of what no symbol can be: unknown, whatever it is, with a session and without."""

from collections.abc import Callable
from typing import Any

import pytest

from openalgo_store import (
    Store,
    get_broker_symbol,
    get_read_session,
    get_symbol,
    get_symbol_by_broker_symbol,
    get_symbol_by_token,
    get_symbol_token,
    get_symbol_tokens,
    replace_symbols,
)
from tests.support.rows import shares

LOOKUPS: list[Callable[..., Any]] = [
    get_symbol, get_symbol_token, get_broker_symbol, get_symbol_by_token,
    get_symbol_by_broker_symbol,
]  # fmt: skip
ODD: list[Any] = [
    None, True, -1, 2**70, 10**5000, 1.5, float("nan"), b"bytes", [], {}, ("a",), object(), "",
    "x\0", "\0", "\ud800", "x" * 65, "x" * 101, "x" * 100_000, "😀" * 65,
]  # fmt: skip


@pytest.fixture(params=[False, True], ids=["", "tx"])
def options(request: pytest.FixtureRequest, store: Store) -> Any:
    replace_symbols(shares(3), "zerodha")
    if not request.param:
        yield {}
    else:
        with get_read_session() as tx:
            yield {"tx": tx}


@pytest.mark.parametrize("lookup", LOOKUPS)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_what_cannot_be_is_unknown(
    options: dict[str, Any], lookup: Callable[..., Any], place: int
) -> None:
    for odd in ODD:
        given: list[Any] = ["SHARE1", "NSE", "zerodha"]
        given[place] = odd
        assert lookup(*given, **options) is None


def test_pairs_that_cannot_be_are_left_out(options: dict[str, Any]) -> None:
    good = ("SHARE1", "NSE")
    odd = [(each, "NSE") for each in ODD] + [("SHARE2", each) for each in ODD]
    pairs: list[Any] = [*odd, good, *ODD, ("SHARE2", "NSE", "x"), "xy"]
    assert get_symbol_tokens(pairs, "zerodha", **options) == {good: "T1"}
    for broker in ODD:
        assert get_symbol_tokens([good], broker, **options) == {}


def test_a_token_that_is_a_number_is_its_text(store: Store) -> None:
    replace_symbols(shares(3, token="288"), "zerodha")
    with get_read_session() as session:
        for tx in (None, session):
            for token in (2881, "2881", 2881.0):
                found = get_symbol_by_token(token, "NSE", "zerodha", tx=tx)  # type: ignore[arg-type]
                assert found is not None
                assert found.symbol == "SHARE1"
