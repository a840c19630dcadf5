"""Rows of one file that claim the same: one symbol or one token, and who has it in the end."""

from collections.abc import Callable, Sequence
from datetime import date
from itertools import permutations
from typing import Any

import pytest

from openalgo_store import (
    Instrument,
    RenamedSymbol,
    Store,
    get_read_session,
    get_symbol_by_broker_symbol,
    last_symbol_load,
    replace_symbols,
)
from tests.support.rows import master, shares
from tests.support.zerodha_rows import HEADER, read_text

SPREAD = "2,0,IBULHSGFIN21JAN21FEBFUT,IBULHSGFIN,0,2021-01-28,0,0.05,3100,FUT,NFO-FUT,NFO\n"
FUTURE = "13314050,52008,IBULHSGFIN21JANFUT,IBULHSGFIN,0,2021-01-28,0,0.05,3100,FUT,NFO-FUT,NFO\n"

EITHER_ORDER = pytest.mark.parametrize("order", [list, lambda rows: rows[::-1]], ids=["", "turned"])
Order = Callable[[Sequence[Instrument]], Sequence[Instrument]]


def option(broker_symbol: str, token: str, **changes: Any) -> Instrument:
    plain = Instrument(
        "NIFTY11AUG2624350CE", "NFO", token, broker_symbol, "NIFTY", "NFO", "CE",
        65, 0.05, date(2026, 8, 11), 24350.0, "CE",
    )  # fmt: skip
    return plain._replace(**changes)


@pytest.mark.parametrize("rows", [SPREAD + FUTURE, FUTURE + SPREAD], ids=["before", "behind"])
def test_a_calendar_spread_never_takes_the_symbol_of_its_future(store: Store, rows: str) -> None:
    load = replace_symbols(read_text(HEADER + rows), "zerodha")
    assert load.rejected_by_reason == {"a calendar spread: its symbol has two months": 1}
    assert "IBULHSGFIN21JAN21FEBFUT" in load.rejected_rows[0].raw
    assert {name: each.token for name, each in master().items()} == {
        "IBULHSGFIN28JAN21FUT": "13314050::::52008"
    }


@EITHER_ORDER
@pytest.mark.parametrize(
    ("wins", "loses"),
    [
        ("NIFTY2681124350CE", "NIFTY26AUG24350CE"),  # a week's symbol tells the day
        ("NIFTY2681124350CE", "NIFTY2681324350CE"),  # a holiday moved the other
        ("NIFTY26AUG24350CE", "NIFTY-W2-24350"),
    ],
)
def test_of_two_rows_with_one_symbol_the_one_whose_broker_symbol_follows_from_it_wins(
    store: Store, order: Order, wins: str, loses: str
) -> None:
    rows = order([option(wins, "1", line=2), option(loses, "2", line=3)])
    load = replace_symbols(rows, "zerodha")
    (stored,) = master().values()
    assert (stored.broker_symbol, stored.token) == (wins, "1")
    assert load.rejected_by_reason == {"symbol occurs twice": 1}
    (both,) = load.rejected_rows
    assert both.raw.index(loses) < both.raw.index(f"(kept: NIFTY11AUG2624350CE,{wins},1")
    assert both.line == rows[1].line


@EITHER_ORDER
def test_two_rows_that_claim_a_symbol_equally_well_end_alike_in_any_order(
    store: Store, order: Order
) -> None:
    first, other = shares(1), shares(1, token="U")
    replace_symbols(order([*first, *other]), "zerodha")
    assert master()["SHARE0"].token == "T0"


@EITHER_ORDER
def test_of_two_contracts_with_one_token_the_one_that_lives_longest_is_stored(
    store: Store, order: Order
) -> None:
    soon = option("NIFTY2681124350CE", "7")
    late = option("NIFTY26SEP24350CE", "7", symbol="NIFTY29SEP2624350CE", expiry=date(2026, 9, 29))
    elsewhere = late._replace(exchange="BFO")
    load = replace_symbols(order([soon, late, elsewhere]), "zerodha")
    assert load.rejected_by_reason == {"token occurs twice": 1}
    (both,) = load.rejected_rows
    assert both.raw.startswith("NIFTY11AUG2624350CE,")
    assert "(kept: NIFTY29SEP2624350CE," in both.raw
    assert [(each.symbol, each.token) for each in master().values()] == [(late.symbol, "7")]
    assert (load.inserted, load.total) == (2, 3)


def test_a_share_outlives_every_contract_that_has_its_token(store: Store) -> None:
    contract = option("NIFTY2681124350CE", "T0", exchange="NSE")
    load = replace_symbols([contract, *shares(2)], "zerodha")
    assert load.rejected_by_reason == {"token occurs twice": 1}
    assert set(master()) == {"SHARE0", "SHARE1"}


@EITHER_ORDER
def test_a_broker_symbol_of_a_share_and_its_bond_means_the_share(
    store: Store, order: Order
) -> None:
    """As Dhan and Upstox write them; looked up in the master in memory and in a session."""
    share = Instrument("MOTHERSON", "NSE", "1", "MOTHERSON", None, "NSE", "EQ", 1, 0.05)
    bond = share._replace(symbol="MOTHERSON-D1", token="2", series="D1")
    for rows in ([bond, share], [bond._replace(tick_size=0.01), share._replace(tick_size=0.01)]):
        replace_symbols(order(rows), "dhan")
        with get_read_session() as session:
            for tx in (None, session):
                found = get_symbol_by_broker_symbol("MOTHERSON", "NSE", "dhan", tx=tx)
                assert found
                assert (found.symbol, found.token) == ("MOTHERSON", "1")


@pytest.mark.parametrize("order", list(permutations(range(3))), ids=str)
def test_which_of_three_shares_has_the_bare_name_does_not_hang_on_their_order(
    store: Store, order: tuple[int, ...]
) -> None:
    share = Instrument("ACME", "NSE", "", "ACME", None, "NSE", "EQ", 1, 0.05)
    rows = [share._replace(token=each, series=each) for each in ("IT", "BZ", "BE")]
    load = replace_symbols([rows[at] for at in order], "dhan")
    found = {"ACME": "BE", "ACME-BZ": "BZ", "ACME-IT": "IT"}
    assert {symbol: each.token for symbol, each in master("dhan").items()} == found
    assert {each.renamed for each in load.renamed} == {"ACME-BZ", "ACME-IT"}


def test_a_token_that_goes_to_another_symbol_is_listed_with_the_old_and_the_new(
    store: Store,
) -> None:
    revised = option("NIFTY26AUG24350CE", "7", symbol="NIFTY25AUG2624350CE")._replace(
        expiry=date(2026, 8, 25)
    )
    company = shares(6)
    replace_symbols([*company, revised], "zerodha")
    today = [
        *company[:2],
        company[2]._replace(symbol="NEWNAME", broker_symbol="NEWNAME-EQ"),  # by its token
        company[3]._replace(symbol="RENAMED", token="U3"),  # by its broker symbol
        company[4]._replace(token="T5", broker_symbol="SHARE5-EQ"),  # both change hands
        company[5]._replace(token="T4", broker_symbol="SHARE4-EQ"),
        revised._replace(symbol="NIFTY24AUG2624350CE", expiry=date(2026, 8, 24)),
    ]
    load = replace_symbols(today, "zerodha")
    assert sorted(load.renamed) == [
        RenamedSymbol("NIFTY25AUG2624350CE", "NFO", "NIFTY24AUG2624350CE"),
        RenamedSymbol("SHARE2", "NSE", "NEWNAME"),
        RenamedSymbol("SHARE3", "NSE", "RENAMED"),
        RenamedSymbol("SHARE4", "NSE", "SHARE5"),
        RenamedSymbol("SHARE5", "NSE", "SHARE4"),
    ]
    assert last_symbol_load("zerodha") == load
    assert replace_symbols(today, "zerodha").renamed == []


def test_a_token_of_another_exchange_or_broker_renames_nothing(store: Store) -> None:
    replace_symbols([*shares(2), *shares(2, exchange="BSE")], "zerodha")
    replace_symbols(shares(2), "angel")
    new = [each._replace(symbol=f"NEW{each.symbol}") for each in shares(2, exchange="BSE")]
    load = replace_symbols([*shares(2), *new], "zerodha")
    assert {each.exchange for each in load.renamed} == {"BSE"}


def test_at_most_a_thousand_renamed_symbols_are_listed(store: Store) -> None:
    replace_symbols(shares(1100), "zerodha")
    new = [each._replace(symbol=f"NEW{each.symbol}") for each in shares(1100)]
    assert len(replace_symbols(new, "zerodha", force=True).renamed) == 1000
