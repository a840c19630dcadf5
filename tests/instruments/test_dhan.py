"""Dhan's CSV: what becomes of each kind of row."""

from datetime import date

import pytest

from tests.support.broker_files import only, read_text, reason, shown

HEADER = (
    "SEM_EXM_EXCH_ID,SEM_SEGMENT,SEM_SMST_SECURITY_ID,SEM_INSTRUMENT_NAME,SEM_EXPIRY_CODE,"
    "SEM_TRADING_SYMBOL,SEM_LOT_UNITS,SEM_CUSTOM_SYMBOL,SEM_EXPIRY_DATE,SEM_STRIKE_PRICE,"
    "SEM_OPTION_TYPE,SEM_TICK_SIZE,SEM_EXPIRY_FLAG,SEM_EXCH_INSTRUMENT_TYPE,SEM_SERIES,"
    "SM_SYMBOL_NAME\n"
)
OPTION = (
    "NSE,D,47317,OPTIDX,0,NIFTY-Sep2026-23950-CE,65.0,NIFTY 15 SEP 23950 CALL,2026-09-15 14:30:00,"
    "23950.00000,CE,5.0000,W,OP,,"
)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (
            "NSE,E,2031,EQUITY,0,M&M,1.0,Mahindra & Mahindra,,,,10.0000,NA,ES,EQ,MAHINDRA LTD",
            ("M&M", "NSE", "2031", "M&M", "MAHINDRA LTD", "EQ", 1, 0.1, None, None, "EQ"),
        ),
        (
            "NSE,E,11536,EQUITY,0,TCS,1.0,TCS,1979-12-31,,,10.0000,NA,ES,BE,TCS LTD",
            ("TCS", "NSE", "11536", "TCS", "TCS LTD", "EQ", 1, 0.1, None, None, "BE"),
        ),
        (
            "NSE,E,11537,EQUITY,0,LTIM,1.0,LTIM,1980-01-01 00:00:00,,,10.0000,NA,ES,EQ,LTIM LTD",
            ("LTIM", "NSE", "11537", "LTIM", "LTIM LTD", "EQ", 1, 0.1, None, None, "EQ"),
        ),
        (
            "NSE,E,25510,EQUITY,0,MOTHERSON,1,Motherson NCD,,,,5,NA,DBT,D1,SAMVARDHANA",
            ("MOTHERSON-D1", "NSE", "25510", "MOTHERSON", "SAMVARDHANA", "EQ", 1, 0.05, None, None,
             "D1"),
        ),
        (
            "BSE,E,500325,EQUITY,0,RELIANCE,1.0,Reliance,,-0.01000,XX,5.0000,NA,ES,A,RELIANCE LTD",
            ("RELIANCE", "BSE", "500325", "RELIANCE", "RELIANCE LTD", "EQ", 1, 0.05, None, None,
             None),
        ),
        (
            "NSE,I,25,INDEX,0,BANKNIFTY,1.0,Nifty Bank,0001-01-01,,XX,0.0500,,INDEX,X,BANKNIFTY",
            ("BANKNIFTY", "NSE_INDEX", "25", "BANKNIFTY", "BANKNIFTY", "INDEX", 1, 0.05, None, None,
             None),
        ),
        (
            OPTION,
            ("NIFTY15SEP2623950CE", "NFO", "47317", "NIFTY-Sep2026-23950-CE", "NIFTY", "CE", 65,
             0.05, date(2026, 9, 15), 23950.0, None),
        ),
        (
            "NSE,D,68407,FUTIDX,0,NIFTY-Sep2026-FUT,65.0,NIFTY SEP FUT,2026-09-29 14:30:00,"
            "-0.01000,XX,10.0000,M,FUT,,",
            ("NIFTY29SEP26FUT", "NFO", "68407", "NIFTY-Sep2026-FUT", "NIFTY", "FUT", 65, 0.1,
             date(2026, 9, 29), None, None),
        ),
        (
            "NSE,D,50001,OPTSTK,0,BAJAJ-AUTO-Jul2026-9000-PE,75.0,BAJAJ-AUTO 30 JUL 9000 PUT,"
            "2026-07-30 15:30:00,9000.00000,PE,5.0000,M,OP,,BAJOPT",
            ("BAJAJ-AUTO30JUL269000PE", "NFO", "50001", "BAJAJ-AUTO-Jul2026-9000-PE", "BAJAJ-AUTO",
             "PE", 75, 0.05, date(2026, 7, 30), 9000.0, None),
        ),
        (
            "BSE,D,869699,OPTIDX,0,SENSEX-Sep2026-74300-CE,20.0,SENSEX 17 SEP 74300 CALL,"
            "2026-09-17 15:30:00,74300.00000,CE,5.0000,W,OPTIDX,,BSXOPT",
            ("SENSEX17SEP2674300CE", "BFO", "869699", "SENSEX-Sep2026-74300-CE", "SENSEX", "CE", 20,
             0.05, date(2026, 9, 17), 74300.0, None),
        ),
        (
            "MCX,M,569900,FUTCOM,0,CRUDEOIL-19Oct2026-FUT,1.0,CRUDEOIL OCT FUT,2026-10-19 23:30:00,"
            "0.00000,XX,100.0000,M,FUTCOM,2,CRUDEOIL",
            ("CRUDEOIL19OCT26FUT", "MCX", "569900", "CRUDEOIL-19Oct2026-FUT", "CRUDEOIL", "FUT", 1,
             1.0, date(2026, 10, 19), 0.0, None),
        ),
        (
            "NSE,C,2885,OPTCUR,0,EURINR-Aug2025-102.75-CE,1.0,EURINR 01 AUG 102.75 CALL,"
            "2025-08-01 14:30:00,102.75000,CE,0.2500,W,OP,,",
            ("EURINR01AUG25102.75CE", "CDS", "2885", "EURINR-Aug2025-102.75-CE", "EURINR", "CE", 1,
             0.0025, date(2025, 8, 1), 102.75, None),
        ),
        (
            "BSE,C,1026077,FUTCUR,0,USDINR-28Aug2024-FUT,1.0,USDINR AUG FUT,2024-08-28 14:30:00,"
            "-0.01000,XX,0.2500,M,FUTCUR,,USDINR",
            ("USDINR28AUG24FUT", "BCD", "1026077", "USDINR-28Aug2024-FUT", "USDINR", "FUT", 1,
             0.0025, date(2024, 8, 28), None, None),
        ),
    ],
)  # fmt: skip
def test_each_kind_of_row_becomes_its_instrument(row: str, expected: tuple[object, ...]) -> None:
    assert shown(only(read_text("dhan", HEADER + row + "\n"))) == expected


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (OPTION.replace("47317", ""), "token is blank"),
        (OPTION.replace("NSE,D", "NSE,Q"), "exchange is unknown"),
        (OPTION.replace("23950.00000", "-5"), "strike is negative"),
        (OPTION.replace("2026-09-15 14:30:00", "0001-01-01"), "a derivative without an expiry"),
        (
            OPTION.replace("NIFTY 15 SEP 23950 CALL", ""),
            "name is blank and the symbol does not tell it",
        ),
        (OPTION.replace("5.0000", "x"), "tick_size is not a number"),
    ],
)
def test_a_row_that_cannot_be_mapped_is_rejected_with_a_reason(row: str, expected: str) -> None:
    assert reason(read_text("dhan", HEADER + row + "\n")) == expected
