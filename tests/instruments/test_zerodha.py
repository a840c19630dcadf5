"""Zerodha's instrument files: what becomes of each kind of row."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openalgo_store.instruments import read_instruments
from openalgo_store.instruments.validation import Validator
from openalgo_store.records.symbols import Instrument
from tests.support.real_files import real_file
from tests.support.zerodha_rows import (
    HEADER,
    RELIANCE,
    contract,
    index,
    instrument,
    read_text,
    reason,
    share,
)


def test_every_column_of_a_row_finds_its_place() -> None:
    assert instrument(
        "14866434,58072,NIFTY26AUG24350CE,NIFTY,0.0,2026-08-25,24350.0,0.05,65,CE,NFO-OPT,NFO"
    ) == Instrument(
        symbol="NIFTY25AUG2624350CE",
        exchange="NFO",
        token="14866434::::58072",
        broker_symbol="NIFTY26AUG24350CE",
        name="NIFTY",
        broker_exchange="NFO",
        instrument_type="CE",
        lot_size=65,
        tick_size=0.05,
        expiry=date(2026, 8, 25),
        strike=24350.0,
        option_type="CE",
        series=None,
        line=2,
    )


@pytest.mark.parametrize(
    ("row", "symbol"),
    [
        (
            contract("NIFTY24MAR20800CE", "NIFTY", "2024-03-28", "20800.0", "CE"),
            "NIFTY28MAR2420800CE",
        ),
        (contract("VEDL24MAR292.5PE", "VEDL", "2024-03-28", "292.5", "PE"), "VEDL28MAR24292.5PE"),
        (
            contract("USDINR26AUG87.25CE", "USDINR", "2026-08-27", "87.2500", "CE"),
            "USDINR27AUG2687.25CE",
        ),
        (contract("NIFTY26AUGFUT", "NIFTY", "2026-08-25", "0.0", "FUT"), "NIFTY25AUG26FUT"),
        (contract("M&M26AUGFUT", "M&M", "2026-08-05", "0.0", "FUT"), "M&M05AUG26FUT"),
    ],
)
def test_a_contract_is_named_by_underlying_expiry_strike_and_kind(row: str, symbol: str) -> None:
    assert instrument(row).symbol == symbol


@pytest.mark.parametrize("blank", ["", "  ", "NaN", "nan"])
@pytest.mark.parametrize(
    ("symbol", "expiry", "strike", "kind", "name"),
    [
        ("BANKNIFTY18JAN23600CE", "2018-01-25", "23600.0", "CE", "BANKNIFTY"),
        ("NIFTY2580526000CE", "2025-08-05", "26000.0", "CE", "NIFTY"),
        ("NIFTY25O0726000PE", "2025-10-07", "26000.0", "PE", "NIFTY"),
        ("NIFTYNXT5025AUG70400CE", "2025-08-26", "70400.0", "CE", "NIFTYNXT50"),
        ("SENSEX502580726000CE", "2025-08-07", "26000.0", "CE", "SENSEX50"),
        ("INDIANB17DEC150PE", "2017-12-28", "150.0", "PE", "INDIANB"),
        ("VEDL24MAR292.5PE", "2024-03-28", "292.5", "PE", "VEDL"),
        ("USDINR26AUG87.50PE", "2026-08-27", "87.5", "PE", "USDINR"),
        ("GOLD26OCT100000CE", "2026-09-24", "100000.0", "CE", "GOLD"),
        ("360ONE26OCTFUT", "2026-10-27", "0.0", "FUT", "360ONE"),
        ("BAJAJ-AUTO26OCTFUT", "2026-10-27", "0.0", "FUT", "BAJAJ-AUTO"),
    ],
)
def test_a_blank_name_of_a_contract_is_recovered_from_its_symbol(
    symbol: str, expiry: str, strike: str, kind: str, name: str, blank: str
) -> None:
    found = instrument(contract(symbol, blank, expiry, strike, kind))
    assert found.name == name
    assert found.symbol.startswith(name + date.fromisoformat(expiry).strftime("%d"))


@pytest.mark.parametrize(
    ("broker_symbol", "symbol", "series"),
    [
        ("RELIANCE", "RELIANCE", "EQ"),
        ("RELIANCE-EQ", "RELIANCE", "EQ"),
        ("CENTRALBK-BE", "CENTRALBK", "BE"),
        ("ABC-BZ", "ABC", "BZ"),
        ("ABC-SM", "ABC", "SM"),
        ("ABC-ST", "ABC", "ST"),
        ("ABC-SZ", "ABC", "SZ"),
        ("ABC-IT", "ABC", "IT"),
        ("CENTRALBK-BL", "CENTRALBK-BL", "BL"),
        ("ELECTCAST-W1", "ELECTCAST-W1", "W1"),
        ("BAJAJ-AUTO", "BAJAJ-AUTO", "EQ"),
        ("BAJAJ-AUTO-BE", "BAJAJ-AUTO", "BE"),
        ("NAM-INDIA", "NAM-INDIA", "EQ"),
        ("COX&KINGS", "COX&KINGS", "EQ"),
        ("-BE", "-BE", "EQ"),
    ],
)
def test_a_share_loses_the_series_it_trades_in_and_keeps_any_other(
    broker_symbol: str, symbol: str, series: str
) -> None:
    found = instrument(share(broker_symbol))
    assert (found.symbol, found.series) == (symbol, series)
    assert found.broker_symbol == broker_symbol


@pytest.mark.parametrize(
    ("broker_symbol", "exchange", "symbol", "index_exchange"),
    [
        ("NIFTY 50", "NSE", "NIFTY", "NSE_INDEX"),
        ("NIFTY BANK", "NSE", "BANKNIFTY", "NSE_INDEX"),
        ("NIFTY FIN SERVICE", "NSE", "FINNIFTY", "NSE_INDEX"),
        ("NIFTY MID SELECT", "NSE", "MIDCPNIFTY", "NSE_INDEX"),
        ("NIFTY NEXT 50", "NSE", "NIFTYNXT50", "NSE_INDEX"),
        ("INDIA VIX", "NSE", "INDIAVIX", "NSE_INDEX"),
        ("Nifty Div Opps 50", "NSE", "NIFTYDIVOPPS50", "NSE_INDEX"),
        ("SENSEX", "BSE", "SENSEX", "BSE_INDEX"),
        ("BANKEX", "BSE", "BANKEX", "BSE_INDEX"),
        ("SNSX50", "BSE", "SENSEX50", "BSE_INDEX"),
        ("MCXBULLDEX", "MCX", "MCXBULLDEX", "MCX_INDEX"),
        ("GIFT NIFTY", "NSEIX", "GIFTNIFTY", "GLOBAL_INDEX"),
    ],
)
def test_an_index_has_its_short_name_on_an_exchange_of_indices(
    broker_symbol: str, exchange: str, symbol: str, index_exchange: str
) -> None:
    found = instrument(index(broker_symbol, exchange))
    assert (found.symbol, found.exchange) == (symbol, index_exchange)
    assert (found.instrument_type, found.series) == ("INDEX", None)
    assert (found.broker_symbol, found.broker_exchange) == (broker_symbol, exchange)


def test_a_token_that_passed_through_a_float_is_repaired() -> None:
    assert instrument(RELIANCE.replace("738561,2885", "738561.0,2885.0")).token == "738561::::2885"


def test_blanks_around_values_are_stripped() -> None:
    spaced = ",".join(f" {cell.strip()} " for cell in RELIANCE.split(","))
    assert instrument(spaced) == instrument(RELIANCE)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (RELIANCE.replace("738561", ""), "token is blank"),
        (RELIANCE.replace("2885", "NaN"), "token is blank"),
        (RELIANCE.replace("2885", "abc"), "token is not a number"),
        (RELIANCE.replace(",RELIANCE,", ",,"), "tradingsymbol is blank"),
        (RELIANCE.replace("NSE\n", "\n"), "exchange is blank"),
        (RELIANCE.replace(",RELIANCE,", ",RELI\0ANCE,"), "tradingsymbol holds a NUL character"),
        (RELIANCE.replace("INDUSTRIES", "IND\0"), "name holds a NUL character"),
        (RELIANCE.replace("0.05,1", "0.05,1.5"), "lot_size is not a whole number"),
        (RELIANCE.replace("0.05,1", "0.05,-1"), "lot_size is negative"),
        (RELIANCE.replace("0.05", "cheap"), "tick_size is not a number"),
        (contract("X26AUG5CE", "X", "2026-08-25", "five", "CE"), "strike is not a number"),
        (contract("X26AUG5CE", "X", "soon", "5", "CE"), "expiry is not a date"),
        (contract("X26AUG5CE", "X", "01-JAN-70", "5", "CE"), "expiry is out of range"),
        (contract("X26AUG5CE", "X", "", "5", "CE"), "a derivative without an expiry"),
        (
            contract("X", "", "2026-08-25", "5", "CE"),
            "name is blank and the symbol does not tell it",
        ),
        ("738561,2885,RELIANCE\n", "too few columns"),
        (RELIANCE.replace("INDUSTRIES", "INDUSTRIES, LTD"), "too many columns"),
    ],
)
def test_a_row_that_cannot_be_mapped_is_rejected_with_a_reason(row: str, expected: str) -> None:
    assert reason(row) == expected


@given(
    st.sampled_from(
        [RELIANCE, index("NIFTY 50"), contract("X26AUG5CE", "X", "2026-08-25", "5", "CE")]
    ),
    st.dictionaries(st.integers(0, 12), st.text(st.characters()), max_size=3),
)
def test_any_text_in_any_column_gives_an_instrument_or_rejected_rows(
    row: str, changes: dict[int, str]
) -> None:
    cells = dict(enumerate(row.strip().split(","))) | changes
    quoted = ",".join('"' + cell.replace('"', '""') + '"' for cell in cells.values())
    validate = Validator({}).validate
    for found in read_text(HEADER + quoted):
        if isinstance(found, Instrument):
            assert isinstance(validate(found), (tuple, str))


@given(
    st.sampled_from(["NIFTY", "M&M", "BAJAJ-AUTO", "SENSEX50", "360ONE", "NIFTYNXT50"]),
    st.dates(date(2000, 1, 1), date(2099, 12, 31)),
    st.integers(1, 10_000_000).map(lambda hundredths: hundredths / 100),
    st.sampled_from(["CE", "PE"]),
    st.booleans(),
)
def test_the_name_of_any_option_can_be_recovered_from_its_symbol(
    name: str, expiry: date, strike: float, kind: str, weekly: bool
) -> None:
    week = f"{expiry:%y}{'123456789OND'[expiry.month - 1]}{expiry:%d}"
    symbol = f"{name}{week if weekly else f'{expiry:%y%b}'.upper()}{strike:.10g}{kind}"
    assert instrument(contract(symbol, "", expiry.isoformat(), str(strike), kind)).name == name


def real_rows(file: str) -> list[Instrument]:
    path = real_file(file)
    validate = Validator({}).validate
    found = []
    for row in read_instruments("zerodha", path):
        assert isinstance(row, Instrument), row
        assert not isinstance(validate(row), str), row
        found.append(row)
    return found


def test_every_row_of_a_real_file_of_derivatives_is_read_under_a_name_of_its_own() -> None:
    rows = real_rows("zerodha_nfo_bfo.csv.gz")
    by_name = {(row.symbol, row.exchange): row for row in rows}
    assert len(by_name) == len(rows) == 39_941
    assert by_name["NIFTY25AUG26FUT", "NFO"].token == "14866434::::58072"


def test_every_row_of_a_real_file_of_shares_and_others_is_read() -> None:
    rows = real_rows("zerodha_sample.csv")
    assert len(rows) == 99
    assert {"BANKNIFTY25JAN1823600CE", "CENTRALBK", "COX&KINGS"} <= {row.symbol for row in rows}


@pytest.mark.parametrize("kind", ["NFO-OPT", "0.0", "NIFTY", "ce", "XX", ""])
def test_another_type_than_zerodhas_four_is_no_share(kind: str) -> None:
    row = contract("NIFTY26AUG24500CE", "NIFTY", "2026-08-25", "24500", kind)
    assert reason(row) == "instrument_type is unknown"
