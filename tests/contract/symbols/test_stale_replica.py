"""A replica that lags behind: what the cached master lacks is asked of the primary."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date

import pytest

from openalgo_store import (
    Settings,
    Store,
    Transaction,
    get_broker_symbol,
    get_expiries,
    get_futures,
    get_option_chain,
    get_read_session,
    get_symbol,
    get_symbol_by_broker_symbol,
    get_symbol_by_token,
    get_symbol_token,
    get_symbol_tokens,
    get_write_session,
    replace_symbols,
    use_store,
    warm_symbol_cache,
)
from openalgo_store.store import current_store
from tests.support.rows import shares

Ask = Callable[[str, Transaction | None], object]
ASKS: dict[str, Ask] = {
    "by symbol": lambda n, tx: get_symbol(f"SHARE{n}", "NSE", "zerodha", tx=tx),
    "token": lambda n, tx: get_symbol_token(f"SHARE{n}", "NSE", "zerodha", tx=tx),
    "broker symbol": lambda n, tx: get_broker_symbol(f"SHARE{n}", "NSE", "zerodha", tx=tx),
    "by token": lambda n, tx: get_symbol_by_token(f"T{n}", "NSE", "zerodha", tx=tx),
    "by broker symbol": lambda n, tx: get_symbol_by_broker_symbol(
        f"SHARE{n}-EQ", "NSE", "zerodha", tx=tx
    ),
    "tokens": lambda n, tx: get_symbol_tokens([(f"SHARE{n}", "NSE")], "zerodha", tx=tx),
}
REMOVED, NEW = "0", "4"


@pytest.fixture
def behind(migrated_settings: Settings, copy_of_main: Callable[[], str]) -> Iterator[None]:
    """The cache holds SHARE1 to 3; the replica SHARE0 to 3; the primary, by now, SHARE1 to 4.

    And of another broker, of which the replica has not heard, the five.
    """
    everything = list(shares(5))
    with Store(migrated_settings) as store:
        use_store(store)
        replace_symbols(everything[:4], "zerodha")
    copy = copy_of_main()
    with Store(replace(migrated_settings, read_database_url=copy, read_replica_pin=0)) as store:
        use_store(store)
        replace_symbols(everything[1:4], "zerodha")
        get_symbol("SHARE1", "NSE", "zerodha")
        with Store(migrated_settings) as elsewhere:  # another process
            use_store(elsewhere)
            replace_symbols(everything[1:], "zerodha")
            replace_symbols(everything, "fyers")
        use_store(store)
        yield
    use_store(None)


def found(number: str, tx: Transaction | None) -> set[str]:
    return {name for name, ask in ASKS.items() if ask(number, tx)}


def test_without_a_session_every_answer_is_the_primarys(behind: None) -> None:
    assert found(NEW, None) == set(ASKS)
    assert found(REMOVED, None) == set()


def test_a_callers_session_is_asked_itself(behind: None) -> None:
    with get_read_session() as tx:
        assert tx.on_replica
        assert (found(NEW, tx), found(REMOVED, tx)) == (set(), set(ASKS))
    with get_write_session() as tx:
        assert (found(NEW, tx), found(REMOVED, tx)) == (set(ASKS), set())


def test_the_masters_of_every_broker_of_the_primary_are_warmed(behind: None) -> None:
    with Store(current_store().settings) as cold, use_store(cold):
        assert warm_symbol_cache() == 4 + 5


def test_contracts_too_are_the_primarys_without_a_session(behind: None) -> None:
    expiry = date(2026, 8, 25)
    future = shares(1)[0]._replace(
        symbol="NIFTY25AUG26FUT", exchange="NFO", name="NIFTY", instrument_type="FUT", expiry=expiry
    )
    option = future._replace(
        symbol="NIFTY25AUG2624500CE", token="T1", strike=24500.0, instrument_type="CE",
        option_type="CE",
    )  # fmt: skip
    settings = replace(current_store().settings, read_database_url="")
    with Store(settings) as elsewhere, use_store(elsewhere):
        replace_symbols([future, option], "angel")
    asked = ("NIFTY", "NFO", "angel")

    def found(tx: Transaction | None) -> list[int]:
        return [
            len(get_futures(*asked, include_expired=True, tx=tx)),
            len(get_expiries(*asked, include_expired=True, tx=tx)),
            len(get_option_chain("NIFTY", "NFO", expiry, "angel", tx=tx).strikes),
        ]

    assert found(None) == [1, 1, 1]
    with get_read_session() as tx:
        assert tx.on_replica
        assert found(tx) == [0, 0, 0]
