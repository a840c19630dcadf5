"""Contracts whose symbol says another thing than their columns, or names two contracts at once."""

from datetime import date
from typing import Any

import pytest

from openalgo_store.instruments.contracts import is_spread
from openalgo_store.instruments.validation import Validator
from tests.support.zerodha_rows import contract, reason

EXPIRY = "the symbol and its expiry disagree"
STRIKE = "the symbol and its strike disagree"
TYPE = "the symbol and its option type disagree"


def judged(symbol: str, expiry: date, strike: float | None, kind: str, **more: Any) -> str | None:
    """The reason for which a contract of this symbol is rejected."""
    row = {"symbol": symbol, "exchange": "NFO", "token": "1", "instrument_type": kind} | more
    found = Validator({}).validate(row | {"expiry": expiry, "strike": strike})
    return found if isinstance(found, str) else None


@pytest.mark.parametrize(
    "symbol",
    [
        "IBULHSGFIN21JAN21FEBFUT",
        "SILVERDEC19MAR20FUT",
        "NIFTY25AUG2629SEP26FUT",
        "CRUDEOIL-19DEC23-18JAN24",
        "GOLD26AUG26OCTFUT",
        "NIFTY26SEPOCTFUT",
        "USDINR-Sep2026-Oct2026-FUT",
        "USDINR FUT 28 SEP 26 28 OCT 26",
    ],
)
def test_a_future_with_two_months_is_a_spread(symbol: str) -> None:
    spread = "a calendar spread: its symbol has two months"
    assert is_spread(symbol, None)
    assert reason(contract(symbol, "", "2026-08-25", "0", "FUT")) == spread
    assert judged(symbol, date(2026, 8, 25), None, "FUT") == spread


@pytest.mark.parametrize(
    ("symbol", "name"),
    [
        ("MARICO26AUGFUT", None),
        ("360ONE26OCTFUT", None),
        ("INFOMAR26AUGFUT", None),
        ("INFOMAR25AUG26FUT", "INFOMAR"),
        ("DECCE25AUG26FUT", None),
        ("ALUMINIUM30NOV23", None),
        ("CRUDEOIL-19Oct2026-FUT", None),
        ("NIFTY FUT 29 SEP 26", None),
        ("NIFTY 29 Sep 2026", None),
    ],
)
def test_a_future_of_one_month_is_none(symbol: str, name: str | None) -> None:
    assert not is_spread(symbol, name)


@pytest.mark.parametrize(
    ("symbol", "expiry", "strike", "kind", "expected"),
    [
        ("NIFTY10AUG2317850CE", date(2023, 8, 10), 17850.0, "CE", None),
        ("NIFTY10AUG2317850CE", date(2013, 8, 10), 17850.0, "CE", EXPIRY),
        ("NIFTY10AUG2317850CE", date(2023, 8, 11), 17850.0, "CE", EXPIRY),
        ("NIFTY10AUG2317850CE", date(2023, 8, 10), 1785000.0, "CE", STRIKE),
        ("NIFTY10AUG2317850CE", date(2023, 8, 10), 17850.0, "PE", TYPE),
        ("NIFTY25AUG26FUT", date(2026, 9, 29), None, "FUT", EXPIRY),
        ("NIFTY25AUG26FUT", date(2026, 8, 25), 0.0, "FUT", None),
        ("USDINR28SEP2694.25CE", date(2026, 9, 28), 94.25, "CE", None),
        ("USDINR28SEP2694.25CE", date(2026, 9, 28), 942500000.0, "CE", STRIKE),
        ("BANKNIFTY25JAN1823600CE", date(2018, 1, 25), 23600.0, "CE", None),
    ],
)
def test_the_canonical_symbol_and_the_columns_say_the_same(
    symbol: str, expiry: date, strike: float | None, kind: str, expected: str | None
) -> None:
    assert judged(symbol, expiry, strike, kind) == expected


@pytest.mark.parametrize(
    ("symbol", "broker_symbol"),
    [
        ("NIFTY31AUG2317850CE", "NIFTY2381017850CE"),
        ("NIFTY10AUG2317850CE", "NIFTY2383117850CE"),
    ],
)
def test_one_symbol_that_disagrees_is_enough(symbol: str, broker_symbol: str) -> None:
    more = {"name": "NIFTY", "broker_symbol": broker_symbol}
    assert judged(symbol, date(2023, 8, 10), 17850.0, "CE", **more) == EXPIRY


@pytest.mark.parametrize(
    ("broker_symbol", "expiry", "strike", "expected"),
    [
        ("NIFTY26AUG24350CE", date(2026, 8, 25), 24350.0, None),
        ("NIFTY26AUG24350CE", date(2016, 8, 25), 24350.0, EXPIRY),
        ("NIFTY26AUG24350CE", date(2026, 8, 25), 2435000.0, STRIKE),
        ("NIFTY2690124350CE", date(2026, 9, 1), 24350.0, None),
        ("NIFTY2690124350CE", date(2026, 8, 31), 24350.0, None),  # a holiday
        ("NIFTY2690124350CE", date(2026, 9, 8), 24350.0, EXPIRY),
        ("USDINR26AUG87.50CE", date(2026, 8, 27), 87.5, None),
        ("USDINR26AUG87.5000CE", date(2026, 8, 27), 87.5, None),
        ("NIFTY/24350/CE/25AUG26", date(2016, 8, 25), 24350.0, None),  # a form it cannot judge
    ],
)
def test_the_brokers_symbol_and_the_columns_say_the_same(
    broker_symbol: str, expiry: date, strike: float, expected: str | None
) -> None:
    given = {"broker_symbol": broker_symbol, "name": broker_symbol[:5]}
    assert judged("SYMBOL", expiry, strike, "CE", **given) == expected


@pytest.mark.parametrize("exchange", ["MCX", "NCO", "NCDEX", "NFO", "BFO", "CDS"])
def test_only_a_commoditys_symbol_may_name_the_month_after_its_expiry(exchange: str) -> None:
    given = {"broker_symbol": "GOLD26OCT100000CE", "name": "GOLD", "exchange": exchange}
    expected = EXPIRY if exchange in ("NFO", "BFO", "CDS") else None
    assert judged("SYMBOL", date(2026, 9, 24), 100000.0, "CE", **given) == expected
    assert judged("SYMBOL", date(2026, 8, 24), 100000.0, "CE", **given) == EXPIRY
    assert judged("SYMBOL", date(2026, 10, 30), 100000.0, "CE", **given) is None


DAY = date(2026, 9, 1)


@pytest.mark.parametrize(
    ("broker_symbol", "other_day"),
    [
        ("M&M01SEP26C172.5", date(2026, 9, 2)),
        ("M&M 172.5 CE 01 SEP 26", date(2026, 9, 2)),
        ("M&M 01 Sep 2026 CE 172.50", date(2026, 9, 2)),
        ("M&M-01Sep2026-172.5-CE", date(2026, 9, 2)),
        ("M&M-Sep2026-172.5-CE", date(2026, 10, 1)),
        ("NSE:M&M26SEP172.5CE", date(2026, 10, 1)),
    ],
)
@pytest.mark.parametrize("name", ["M&M", "MAHINDRA"])
def test_symbols_are_judged_in_the_form_of_each_broker(
    broker_symbol: str, other_day: date, name: str
) -> None:
    given = {"broker_symbol": broker_symbol, "name": name}
    assert judged("SYMBOL", DAY, 172.5, "CE", **given) is None
    assert judged("SYMBOL", DAY, 17250.0, "CE", **given) == STRIKE
    assert judged("SYMBOL", DAY, 1.725, "CE", **given) == STRIKE
    assert judged("SYMBOL", DAY, 172.5, "PE", **given) == TYPE
    assert judged("SYMBOL", other_day, 172.5, "CE", **given) == EXPIRY
    assert judged("SYMBOL", date(2016, 9, 1), 172.5, "CE", **given) == EXPIRY


@pytest.mark.parametrize(
    "broker_symbol",
    ["GOLD01SEP26", "GOLD01SEP26F", "GOLD FUT 01 SEP 26", "GOLD 01 Sep 2026", "GOLD-Sep2026-FUT"],
)
def test_so_are_those_of_futures(broker_symbol: str) -> None:
    given = {"broker_symbol": broker_symbol, "name": "GOLD"}
    assert judged("SYMBOL", DAY, None, "FUT", **given) is None
    assert judged("SYMBOL", date(2026, 10, 1), None, "FUT", **given) == EXPIRY


def test_zerodhas_two_tokens_belong_together() -> None:
    row = contract("NIFTY26AUGFUT", "NIFTY", "2026-08-25", "0", "FUT")
    assert reason(row.replace("47166", "47167")) == "instrument_token and exchange_token disagree"
    assert reason(row.replace("47166", "9" * 5000)) == "token is out of range"


@pytest.mark.parametrize(
    ("name", "broker_symbol", "expected"),
    [
        ("NIFTY26AUG24500CE", "NIFTY", "name is the symbol of a contract"),
        ("NIFTY25AUG26C24500", "NIFTY", "name is the symbol of a contract"),
        ("NIFTY2681824500CE", "46999", "name is the symbol of a contract"),
        ("NIFTY", "NIFTY", "broker_symbol tells no contract"),
        ("NIFTY", "46999", "broker_symbol tells no contract"),
        ("NIFTYNXT50", "NIFTYNXT5026AUG24500CE", None),
        ("360ONE", "360ONE25AUG26C24500", None),
        ("MARICO", "MARICO 24500 CE 25 AUG 26", None),
    ],
)
def test_a_column_of_names_or_symbols_that_holds_another_is_seen(
    name: str, broker_symbol: str, expected: str | None
) -> None:
    symbol = f"{name}25AUG2624500CE"
    more = {"name": name, "broker_symbol": broker_symbol}
    assert judged(symbol, date(2026, 8, 25), 24500, "CE", **more) == expected
