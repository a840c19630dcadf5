"""The gate of the symbol master: what is repaired, what is rejected, and why."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from openalgo_store.errors import InvalidInput
from openalgo_store.instruments.validation import COLUMNS, EXCHANGES, Validator, unpack
from openalgo_store.records.symbols import Instrument, RejectedRow
from openalgo_store.values.clock import IST
from openalgo_store.values.memo import MOST_MEMORIES, Memo

LENGTHS = dict.fromkeys(COLUMNS, 20) | {"symbol": 50, "name": 30}
SHARE: dict[str, Any] = {"symbol": "RELIANCE", "exchange": "NSE", "token": "2885"}
OPTION: dict[str, Any] = {
    "symbol": "NIFTY28MAR2420800CE",
    "exchange": "NFO",
    "token": "47166",
    "broker_symbol": "NIFTY24MAR20800CE",
    "name": "NIFTY",
    "instrument_type": "CE",
    "lot_size": 50,
    "tick_size": 0.05,
    "expiry": date(2024, 3, 28),
    "strike": 20800.0,
    "option_type": "CE",
}


def validated(row: Mapping[str, Any] | Instrument) -> dict[str, Any] | str:
    result = Validator(LENGTHS).validate(row)
    if isinstance(result, str):
        return result
    symbol, exchange, token, packed, _ = result
    columns = {"symbol": symbol, "exchange": exchange, **unpack(packed)}
    assert columns["token"] == token
    return columns


def value(row: Mapping[str, Any], column: str, given: object) -> Any:
    """What becomes of one value in a row; a reason when it is rejected."""
    result = validated({**row, column: given})
    return result if isinstance(result, str) else result[column]


def test_a_complete_row_comes_out_in_the_order_of_the_columns() -> None:
    assert validated(OPTION) == {**OPTION, "broker_exchange": None, "contract_value": None}


def test_an_instrument_and_a_mapping_of_its_fields_are_the_same() -> None:
    assert validated(Instrument(**OPTION)) == validated(OPTION)


def test_optional_columns_may_be_absent_and_the_broker_symbol_is_then_the_symbol() -> None:
    assert validated(SHARE) == dict.fromkeys(COLUMNS) | SHARE | {"broker_symbol": "RELIANCE"}


def test_an_unknown_column_is_an_error_that_lists_the_known_ones() -> None:
    with pytest.raises(
        InvalidInput, match="unknown columns of a symbol: lotsize; allowed are symbol,"
    ):
        Validator(LENGTHS).validate({**SHARE, "lotsize": 1})


def test_a_row_that_is_neither_instrument_nor_mapping_is_an_error() -> None:
    with pytest.raises(InvalidInput, match="an Instrument or a mapping, not tuple"):
        Validator(LENGTHS).validate(("RELIANCE", "NSE"))  # type: ignore[arg-type]


@pytest.mark.parametrize("column", ["symbol", "exchange", "token", "broker_symbol"])
@pytest.mark.parametrize("blank", [None, "", "   ", "NaN", "nan", float("nan")])
def test_a_required_column_that_is_blank_rejects_the_row(column: str, blank: object) -> None:
    assert value(OPTION, column, blank) == f"{column} is blank"


@pytest.mark.parametrize(
    "column", ["name", "broker_exchange", "instrument_type", "lot_size", "tick_size"]
)
@pytest.mark.parametrize("blank", [None, "", "   ", "NaN", "nan", "None", float("nan")])
def test_an_optional_column_that_is_blank_is_none(column: str, blank: object) -> None:
    assert value(SHARE, column, blank) is None


@pytest.mark.parametrize("column", ["expiry", "strike", "option_type"])
@pytest.mark.parametrize("blank", [None, "", "NaN", "NaT", float("nan")])
def test_a_share_needs_no_expiry_strike_or_option_type(column: str, blank: object) -> None:
    assert value(SHARE, column, blank) is None


@pytest.mark.parametrize("column", ["symbol", "broker_symbol", "token", "name", "broker_exchange"])
@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("A\0B", "holds a NUL character"),
        ("A\ud800", "is not valid Unicode"),
        (b"bytes", "is not text"),
        (["list"], "is not"),
        ("X" * 51, "is longer than"),
    ],
)
def test_text_that_the_database_cannot_hold_rejects_the_row(
    column: str, text: object, reason: str
) -> None:
    assert str(value(OPTION, column, text)).startswith(f"{column} {reason}")


def test_a_contract_of_crypto_has_the_value_of_one_contract() -> None:
    crypto = {**OPTION, "exchange": "CRYPTO", "contract_value": "0.001"}
    assert value(crypto, "contract_value", "0.001") == 0.001


def test_the_longest_text_fits() -> None:
    assert value(OPTION, "symbol", "X" * 50) == "X" * 50
    assert value(OPTION, "symbol", "X" * 51) == "symbol is longer than 50"


@pytest.mark.parametrize("column", ["symbol", "broker_symbol", "token"])
@pytest.mark.parametrize("around", [("", " "), (" ", ""), ("\t", ""), ("", "\u2003")])
def test_one_text_with_a_space_around_it_is_stripped_beside_others_that_have_none(
    column: str, around: tuple[str, str]
) -> None:
    before, after = around
    assert value(OPTION, column, f"{before}{OPTION[column]}{after}") == OPTION[column]


def test_spaces_and_bars_within_a_text_stay() -> None:
    share = SHARE | {"symbol": "A | B", "broker_symbol": "A| B |C", "token": "NSE |2885"}
    assert validated(share) == dict.fromkeys(COLUMNS) | share


def test_a_text_as_long_as_its_column_fits_beside_others_that_are_shorter() -> None:
    share = SHARE | {"broker_symbol": "RELIANCE"}
    for column in ("symbol", "broker_symbol", "token"):
        longest = LENGTHS[column]
        assert value(share, column, "X" * longest) == "X" * longest
        assert value(share, column, "X" * (longest + 1)) == f"{column} is longer than {longest}"


def test_of_several_reasons_the_first_column_tells_its_own() -> None:
    assert validated({**SHARE, "symbol": "", "name": []}) == "symbol is blank"
    assert validated({**OPTION, "token": None, "exchange": "NYSE"}) == "token is blank"
    assert validated({**OPTION, "exchange": "NYSE", "strike": -1}) == "exchange is unknown"


def test_what_its_reader_rejected_stays_rejected() -> None:
    assert Validator({}).validate(RejectedRow(2, "expiry is not a date", "raw")) == (
        "expiry is not a date"
    )


@pytest.mark.parametrize("column", ["symbol", "broker_symbol"])
def test_a_text_of_a_type_of_its_own_is_stored_as_plain_text(column: str) -> None:
    class Text(str):
        pass

    assert type(value(SHARE, column, Text("RELIANCE"))) is str


def test_digits_alone_tell_no_contract_even_where_they_begin_with_name_and_day() -> None:
    row = OPTION | {"name": "63", "symbol": "6328MAR2420800CE", "broker_symbol": "6324328"}
    assert validated(row) == "broker_symbol tells no contract"


@pytest.mark.parametrize("series", ["", "eq", "ABCD", "E Q", 1, ["EQ"]])
def test_a_series_that_is_none_rejects_the_row(series: object) -> None:
    for row in (SHARE, OPTION):
        assert validated({**row, "series": series}) == "series is unknown"


def test_text_is_stripped_and_otherwise_left_alone() -> None:
    assert value(SHARE, "symbol", "  M&M \t") == "M&M"
    assert value(SHARE, "name", " कंपनी ") == "कंपनी"


@pytest.mark.parametrize(
    ("given", "token"),
    [
        (2885, "2885"),
        (2885.0, "2885"),
        ("2885.0", "2885"),
        (" 2885 ", "2885"),
        ("NSE_FO|71505", "NSE_FO|71505"),
        ("1.2.0", "1.2.0"),
        ("1::::2885.0", "1::::2885.0"),
        (2885.5, "token is not text"),
        (True, "token is not text"),
        (-1, "token is out of range"),
        (10**400, "token is out of range"),
    ],
)
def test_a_token_that_became_a_number_is_repaired(given: object, token: str) -> None:
    assert value(SHARE, "token", given) == token


@pytest.mark.parametrize("exchange", sorted(EXCHANGES))
def test_the_known_exchanges_pass(exchange: str) -> None:
    assert value(SHARE, "exchange", exchange) == exchange


@pytest.mark.parametrize("exchange", ["NYSE", "nse", "NS", "X" * 500])
def test_any_other_exchange_rejects_the_row(exchange: str) -> None:
    assert value(SHARE, "exchange", exchange) == "exchange is unknown"


@pytest.mark.parametrize(
    ("given", "lot_size"),
    [
        (75, 75),
        ("75", 75),
        ("75.0", 75),
        (75.0, 75),
        (Decimal(75), 75),
        (-1, "lot_size is negative"),
        (0.5, "lot_size is not a whole number"),
        ("many", "lot_size is not a number"),
        ("1_000", "lot_size is not a number"),
        (2**31, "lot_size is out of range"),
        (10**400, "lot_size is out of range"),
        (float("inf"), "lot_size is out of range"),
        ({}, "lot_size is not a plain value"),
        (0, "lot_size is 0"),
    ],
)
def test_a_lot_size_is_a_whole_number_of_units(given: object, lot_size: object) -> None:
    assert value(SHARE, "lot_size", given) == lot_size


def test_only_an_index_may_have_a_lot_size_of_zero() -> None:
    assert value({**SHARE, "exchange": "NSE_INDEX"}, "lot_size", 0) == 0


@pytest.mark.parametrize("column", ["tick_size", "strike", "contract_value"])
@pytest.mark.parametrize(
    ("given", "number"),
    [
        (0.05, 0.05),
        ("0.05", 0.05),
        ("2.5e-3", 0.0025),
        (Decimal("292.5"), 292.5),
        (0, 0.0),
        (-0.05, "is negative"),
        ("-1.000000", "is negative"),
        (float("inf"), "is out of range"),
        ("1e999", "is out of range"),
        ("inf", "is not a number"),
        ("five", "is not a number"),
        (date(2024, 3, 28), "is not a number"),
    ],
)
def test_prices_are_finite_and_not_negative(column: str, given: object, number: object) -> None:
    expected = f"{column} {number}" if isinstance(number, str) else number
    assert value(SHARE, column, given) == expected


EXPIRY = date(2024, 3, 28)
MIDNIGHT = IST.localize(datetime(2024, 3, 28))


@pytest.mark.parametrize(
    "given",
    [
        EXPIRY,
        datetime(2024, 3, 28, 23, 59),
        MIDNIGHT,
        MIDNIGHT.astimezone(UTC),
        MIDNIGHT.astimezone(timezone(timedelta(hours=-8))),
        "2024-03-28",
        " 2024-03-28 14:30:00 ",
        "2024-03-27T18:30:00Z",
        "28MAR2024",
        "28mar2024",
        "28-MAR-24",
        int(MIDNIGHT.timestamp()),
        MIDNIGHT.timestamp() * 1000,
        str(int(MIDNIGHT.timestamp())),
        str(int(MIDNIGHT.timestamp()) * 1000),
        f"{int(MIDNIGHT.timestamp())}.0",
    ],
)
def test_an_expiry_in_any_of_these_forms_is_the_same_indian_day(given: object) -> None:
    assert value(OPTION, "expiry", given) == EXPIRY
    assert type(value(OPTION, "expiry", given)) is date


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ("soon", "expiry is not a date"),
        ("30FEB2024", "expiry is not a date"),
        ("28/03/2024", "expiry is not a date"),
        (b"2024-03-28", "expiry is not a date"),
        (1j, "expiry is not a date"),
        ([], "expiry is not a plain value"),
        ("1970-01-01", "expiry is out of range"),
        ("01-JAN-70", "expiry is out of range"),
        (1_711_564, "expiry is out of range"),
        (1_711_564_200_000_000, "expiry is out of range"),
        (-1, "expiry is out of range"),
        (float("inf"), "expiry is out of range"),
        (date(2201, 1, 1), "expiry is out of range"),
        (date.max, "expiry is out of range"),
    ],
)
def test_an_expiry_that_is_none_or_far_away_rejects_the_row(given: object, reason: str) -> None:
    assert value(OPTION, "expiry", given) == reason


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"option_type": "XX"}, "option_type is neither CE nor PE"),
        ({"option_type": "PE"}, "instrument_type and option_type disagree"),
        ({"expiry": None}, "a derivative without an expiry"),
        ({"strike": None}, "an option without a strike"),
        ({"strike": 0}, "an option without a strike"),
        (
            {"instrument_type": "FUT", "option_type": None, "expiry": ""},
            "a derivative without an expiry",
        ),
    ],
)
def test_a_contract_that_contradicts_itself_is_rejected(
    changes: dict[str, object], reason: str
) -> None:
    assert validated({**OPTION, **changes}) == reason


def test_the_instrument_type_of_an_option_tells_its_option_type() -> None:
    assert value(OPTION, "option_type", None) == "CE"


def test_an_option_may_have_the_brokers_own_instrument_type() -> None:
    assert value(OPTION, "instrument_type", "OPTIDX") == "OPTIDX"


@pytest.mark.parametrize(
    "broker_symbol", ["NIFTY24MAR20800CE", "NIFTY2432820800CE", "NIFTY28MAR2420800CE"]
)
def test_a_blank_name_of_a_contract_is_recovered(broker_symbol: str) -> None:
    assert value({**OPTION, "name": "NaN"}, "broker_symbol", broker_symbol) == broker_symbol
    result = validated({**OPTION, "name": "NaN", "broker_symbol": broker_symbol})
    assert isinstance(result, dict)
    assert result["name"] == "NIFTY"


def test_repeated_values_come_out_as_one_object() -> None:
    validate = Validator(LENGTHS).validate
    first, second = (
        validate({**OPTION, "name": "".join(["NIF", "TY"]), "strike": str(20800), "expiry": given})
        for given in ("2024-03-28", "2024-03-28")
    )
    assert isinstance(first, tuple)
    assert isinstance(second, tuple)
    _, exchange, _, (_, strike, others), _ = first
    assert (exchange, strike, others[1]) == ("NFO", 20800.0, "NIFTY")
    assert second[1] is exchange
    assert second[3][1] is strike
    assert second[3][2] is others


def test_what_is_remembered_of_repeated_values_is_bounded() -> None:
    memo = Memo(str)
    for number in range(MOST_MEMORIES + 10):
        assert memo[number] == str(number)
    assert len(memo) == 10


ANYTHING = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.decimals(),
    st.complex_numbers(),
    st.text(st.characters()),
    st.binary(),
    st.dates(),
    st.datetimes(timezones=st.none() | st.timezones()),
    st.lists(st.integers()),
    st.tuples(st.lists(st.integers())),
    st.sampled_from(["CE", "FUT", "NSE", "NaN", "2024-03-28", "20800.0", "2885.0"]),
)


@given(st.dictionaries(st.sampled_from(Instrument._fields), ANYTHING))
def test_anything_in_any_column_is_stored_or_rejected_and_nothing_is_raised(
    changes: dict[str, Any],
) -> None:
    result = validated({**OPTION, **changes})
    if isinstance(result, dict):
        for text in result.values():
            assert not isinstance(text, str) or text.encode().strip()
        assert result["exchange"] in EXCHANGES


@given(st.lists(ANYTHING, max_size=5))
@example([False, 0j])
def test_a_verdict_does_not_depend_on_the_rows_before(values: list[Any]) -> None:
    validator = Validator(LENGTHS)
    for each in values:
        for column in ("lot_size", "strike", "expiry", "name"):
            row = {**OPTION, column: each}
            alone = Validator(LENGTHS).validate(row)
            assert repr(validator.validate(row)) == repr(alone)
