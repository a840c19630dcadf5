"""Upstox's JSON: what becomes of each kind of object."""

from datetime import date

import pytest

from tests.support.broker_files import only, read_objects, reason, shown

SHARE: dict[str, object] = {
    "segment": "NSE_EQ",
    "name": "MAHINDRA & MAHINDRA LTD",
    "exchange": "NSE",
    "isin": "INE101A01026",
    "instrument_type": "EQ",
    "instrument_key": "NSE_EQ|INE101A01026",
    "lot_size": 1,
    "freeze_quantity": 100000.0,
    "exchange_token": "2031",
    "tick_size": 10.0,
    "trading_symbol": "M&M",
    "qty_multiplier": 1.0,
}
CONTRACT: dict[str, object] = {
    "weekly": False,
    "segment": "NSE_FO",
    "name": "BAJAJ AUTO LIMITED",
    "exchange": "NSE",
    "expiry": 1787682599000,
    "instrument_type": "CE",
    "asset_symbol": "BAJAJ-AUTO",
    "underlying_symbol": "BAJAJ-AUTO",
    "instrument_key": "NSE_FO|84654",
    "lot_size": 75,
    "exchange_token": "84654",
    "minimum_lot": 75,
    "tick_size": 5.0,
    "trading_symbol": "BAJAJ-AUTO 9172.5 CE 25 AUG 26",
    "strike_price": 9172.5,
}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (
            SHARE,
            ("M&M", "NSE", "NSE_EQ|INE101A01026", "M&M", "MAHINDRA & MAHINDRA LTD", "EQ", 1, 0.1,
             None, None, "EQ"),
        ),
        (
            SHARE | {"trading_symbol": "MOTHERSON", "instrument_type": "D1"},
            ("MOTHERSON-D1", "NSE", "NSE_EQ|INE101A01026", "MOTHERSON", "MAHINDRA & MAHINDRA LTD",
             "EQ", 1, 0.1, None, None, "D1"),
        ),
        (
            SHARE | {"trading_symbol": "GOLDSTAR", "instrument_type": "SM", "lot_size": 11250},
            ("GOLDSTAR", "NSE", "NSE_EQ|INE101A01026", "GOLDSTAR", "MAHINDRA & MAHINDRA LTD", "EQ",
             11250, 0.1, None, None, "SM"),
        ),
        (
            SHARE | {"segment": "BSE_EQ", "instrument_type": "XT"},
            ("M&M", "BSE", "NSE_EQ|INE101A01026", "M&M", "MAHINDRA & MAHINDRA LTD", "EQ", 1, 0.1,
             None, None, None),
        ),
        (
            {"segment": "NSE_INDEX", "name": "Nifty Bank", "exchange": "NSE",
             "instrument_type": "INDEX", "instrument_key": "NSE_INDEX|Nifty Bank",
             "exchange_token": "26009", "trading_symbol": "BANKNIFTY"},
            ("BANKNIFTY", "NSE_INDEX", "NSE_INDEX|Nifty Bank", "BANKNIFTY", "Nifty Bank", "INDEX",
             None, None, None, None, None),
        ),
        (
            {"segment": "GLOBAL_INDEX", "name": "Gift Nifty", "exchange": "GLOBAL",
             "instrument_type": "INDEX", "instrument_key": "GLOBAL_INDEX|SGX NIFTY",
             "trading_symbol": "GIFT NIFTY"},
            ("GIFTNIFTY", "GLOBAL_INDEX", "GLOBAL_INDEX|SGX NIFTY", "GIFT NIFTY", "Gift Nifty",
             "INDEX", None, None, None, None, None),
        ),
        (
            CONTRACT,
            ("BAJAJ-AUTO25AUG269172.5CE", "NFO", "NSE_FO|84654", "BAJAJ-AUTO 9172.5 CE 25 AUG 26",
             "BAJAJ-AUTO", "CE", 75, 0.05, date(2026, 8, 25), 9172.5, None),
        ),
        (
            CONTRACT | {"segment": "MCX_FO", "name": "GOLD", "underlying_symbol": "GOLDM",
                        "instrument_type": "FUT", "strike_price": 0.0, "tick_size": 100.0},
            ("GOLDM25AUG26FUT", "MCX", "NSE_FO|84654", "BAJAJ-AUTO 9172.5 CE 25 AUG 26", "GOLDM",
             "FUT", 75, 1.0, date(2026, 8, 25), 0.0, None),
        ),
        (
            CONTRACT | {"segment": "NCD_FO", "underlying_symbol": "USDINR", "strike_price": 94.25,
                        "tick_size": 0.25, "lot_size": 1},
            ("USDINR25AUG2694.25CE", "CDS", "NSE_FO|84654", "BAJAJ-AUTO 9172.5 CE 25 AUG 26",
             "USDINR", "CE", 1, 0.0025, date(2026, 8, 25), 94.25, None),
        ),
    ],
)  # fmt: skip
def test_each_kind_of_object_becomes_its_instrument(
    given: dict[str, object], expected: tuple[object, ...]
) -> None:
    assert shown(only(read_objects("upstox", [given]))) == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (CONTRACT | {"segment": "NSE_COM", "instrument_type": "COM"},
         "a spot rate, which is not traded"),
        (CONTRACT | {"segment": "NYSE_EQ"}, "exchange is unknown"),
        (CONTRACT | {"segment": None}, "exchange is blank"),
        (CONTRACT | {"expiry": 17876825}, "expiry is out of range"),
        (CONTRACT | {"expiry": {}}, "a value is neither text nor a number"),
        (CONTRACT | {"trading_symbol": 7}, "trading_symbol is not text"),
        (CONTRACT | {"lot_size": 0.5}, "lot_size is not a whole number"),
        ({key: value for key, value in CONTRACT.items() if key != "segment"}, "too few columns"),
    ],
)  # fmt: skip
def test_an_object_that_cannot_be_mapped_is_rejected_with_a_reason(
    given: dict[str, object], expected: str
) -> None:
    assert reason(read_objects("upstox", [SHARE, given])[1:]) == expected
