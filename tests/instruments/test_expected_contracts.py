"""The short way of a contract whose symbols are as expected: it tells what the long one does."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from openalgo_store.instruments.validation import Validator
from openalgo_store.records.symbols import Instrument
from tests.instruments.test_validation import LENGTHS, OPTION, value
from tests.support.chance import chance_of

FUTURE: dict[str, Any] = OPTION | {
    "symbol": "NIFTY28MAR24FUT",
    "broker_symbol": "NIFTY24MARFUT",
    "instrument_type": "FUT",
    "strike": None,
    "option_type": None,
}
ODD = [
    *(None, "", " ", "nan", "None", "0", 0, 0.0, -1, "1.0", ".0", "1.05", 20800, "20800.00"),
    *(OPTION["symbol"], OPTION["broker_symbol"], "NIFTY2432820800CE", "NIFTY28MAR24", "NIFTY24MAR"),
    *("NIFTY 24MAR20800CE", "NIFTY24MAR20800CE ", "NIFTY24MAR20800PE", "NIFTY24MAR28APRFUT"),
    *("NIFTY", "24MAR", "CE", "PE", "FUT", "EQ", "NFO", "NSE", "NYSE", "20800CE", "63", "6324328"),
    *("A\0B", "A\ud800", "X" * 20, "X" * 51, b"CE", [], date(2024, 3, 27), "28-MAR-2024"),
    *(float("inf"), True, Decimal("20800"), datetime(2024, 3, 28, tzinfo=UTC)),
]
"""What a column of a contract may hold instead."""


class OneByOne(Validator):
    """Which checks every text of a row by itself."""

    def _as_expected(self, row: Instrument) -> None:
        return None


@pytest.mark.parametrize("column", ["symbol", "broker_symbol", "token"])
def test_a_contract_whose_symbols_are_as_expected_has_to_fit_as_well(column: str) -> None:
    assert value(OPTION, column, OPTION[column]) == OPTION[column]
    longest = LENGTHS | {column: len(OPTION[column]) - 1}
    assert Validator(longest).validate(OPTION) == f"{column} is longer than {longest[column]}"


def test_a_contract_whose_symbols_are_as_expected_may_have_a_token_that_was_a_number() -> None:
    assert value(OPTION, "token", "47166.0") == "47166"


@pytest.mark.parametrize("contract", [OPTION, FUTURE])
def test_a_contract_as_expected_comes_out_as_one_whose_texts_are_checked_one_by_one(
    contract: dict[str, Any],
) -> None:
    chance = chance_of("odd values of a contract")
    one = [{column: odd} for column in Instrument._fields for odd in ODD]
    two = (first | second for first, second in (chance.sample(one, 2) for _ in range(3_000)))
    assert Validator(LENGTHS)._as_expected(Instrument(**contract)) is not None
    for odd in (*one, *two):
        row = Instrument(**contract | odd)
        short, long = (each(LENGTHS).validate(row) for each in (Validator, OneByOne))
        assert repr(short) == repr(long), odd
