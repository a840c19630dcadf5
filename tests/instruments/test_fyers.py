"""Fyers' CSV without a header: what becomes of each kind of row."""

from datetime import date

import pytest

from openalgo_store.errors import InvalidInput
from tests.support.broker_files import only, read_text, reason, shown

OPTION = (
    "101126092935086,NIFTY 29 Sep 26 29200 CE,14,65,0.05,,0915-1540|1815-1915:,2026-09-09,"
    "1790676600,NSE:NIFTY26SEP29200CE,10,11,35086,NIFTY,26000,29200.0,CE,101000000026000,None,0,0.0"
)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (
            "10100000001,GOLDSTAR POWER LIMITED,0,11250,0.05,INE405Y01021,0915-1530|1815-1915:,"
            "2024-06-25,,NSE:GOLDSTAR-SM,10,10,1,GOLDSTAR,1,-1.0,XX,10100000001,None,0,0.0",
            ("GOLDSTAR", "NSE", "10100000001", "NSE:GOLDSTAR-SM", "GOLDSTAR POWER LIMITED", "EQ",
             11250, 0.05, None, None, "SM"),
        ),
        (
            "10100000001000,SDL MH 6.56% 2032,5,100,0.01,IN2220200306,0915-1530|1815-1915:,"
            "2024-06-25, ,NSE:656MH32-SG,10,10,1000,656MH32,1000,-1.0,XX,10100000001000,None,0,0",
            ("656MH32-SG", "NSE", "10100000001000", "NSE:656MH32-SG", "SDL MH 6.56% 2032", "EQ",
             100, 0.01, None, None, "SG"),
        ),
        (
            "1210000000500209,INFOSYS LTD.,0,1,0.05,INE009A01021,0915-1530|1815-1915:,2026-09-29,,"
            "BSE:INFY-A,12,10,500209,INFY,500209,-1.0,XX,1210000000500209,None,0,0.0",
            ("INFY", "BSE", "1210000000500209", "BSE:INFY-A", "INFOSYS LTD.", "EQ", 1, 0.05, None,
             None, "EQ"),
        ),
        (
            "101000000026009,NIFTYBANK-INDEX,10,0,0.05,,0915-1530|1815-1915:,2024-06-25,,"
            "NSE:NIFTYBANK-INDEX,10,10,26009,BANKNIFTY,26009,-1.0,XX,101000000026009,None,0,0.0",
            ("BANKNIFTY", "NSE_INDEX", "101000000026009", "NSE:NIFTYBANK-INDEX", "NIFTYBANK-INDEX",
             "INDEX", 0, 0.05, None, None, None),
        ),
        (
            OPTION,
            ("NIFTY29SEP2629200CE", "NFO", "101126092935086", "NSE:NIFTY26SEP29200CE", "NIFTY",
             "CE", 65, 0.05, date(2026, 9, 29), 29200.0, None),
        ),
        (
            "1120260921565899,CRUDEOIL 21 Sep 26 FUT,30,1,1.0,,0900-2330|1815-1915:,2026-09-10,"
            "1790013600,MCX:CRUDEOIL26SEPFUT,11,20,565899,CRUDEOIL,294,-1.0,XX,1120000000294,"
            "1790013600,0,0.0",
            ("CRUDEOIL21SEP26FUT", "MCX", "1120260921565899", "MCX:CRUDEOIL26SEPFUT", "CRUDEOIL",
             "FUT", 1, 1.0, date(2026, 9, 21), None, None),
        ),
        (
            "10122609042674,USDINR 04 Sep 26 FUT,16,1,0.0025,,0900-1700|1815-1915:,2026-08-25,"
            "1788505200,NSE:USDINR26904FUT,10,12,2674,USDINR,1,-1.0,XX,10120000001,None,0,0.0",
            ("USDINR04SEP26FUT", "CDS", "10122609042674", "NSE:USDINR26904FUT", "USDINR", "FUT", 1,
             0.0025, date(2026, 9, 4), None, None),
        ),
        (
            "1211260827825622,SENSEX 27 Aug 26 FUT,11,20,0.05,,0915-1540|1815-1915:,2026-08-04,"
            "1787825400,BSE:SENSEX26AUGFUT,12,11,825622,SENSEX,1,-1.0,XX,12100000000001,None,0,0.0",
            ("SENSEX27AUG26FUT", "BFO", "1211260827825622", "BSE:SENSEX26AUGFUT", "SENSEX", "FUT",
             20, 0.05, date(2026, 8, 27), None, None),
        ),
    ],
)  # fmt: skip
def test_each_kind_of_row_becomes_its_instrument(row: str, expected: tuple[object, ...]) -> None:
    found = only(read_text("fyers", row + "\n"))
    assert shown(found) == expected
    assert found.line == 1
    assert found.broker_exchange == row.split(",")[9][:3]


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (OPTION.replace("10,11,35086", "10,99,35086"), "exchange is unknown"),
        (OPTION.replace("29200.0,CE", "-7.0,CE"), "strike is negative"),
        (OPTION.replace("1790676600", ""), "a derivative without an expiry"),
        (OPTION.replace(",CE,1010", ",ZZ,1010"), None),
        (OPTION + ",more", "too many columns"),
        (OPTION[:60] + "\n", "too few columns"),
    ],
)
def test_a_row_that_cannot_be_mapped_is_rejected_with_a_reason(
    row: str, expected: str | None
) -> None:
    found = read_text("fyers", OPTION + "\n" + row + "\n")
    if expected:
        assert reason(found[1:]) == expected
        assert found[1].line == 2


@pytest.mark.parametrize("first", ["a,b,c", "Fytoken,Symbol Details", '{"s":"error"}', "<html>"])
def test_the_first_line_has_to_be_an_instruments(first: str) -> None:
    with pytest.raises(InvalidInput):
        read_text("fyers", first + "\n" + OPTION + "\n")
