"""Kotak Neo's CSV: what becomes of each kind of row."""

from datetime import date

import pytest

from tests.support.broker_files import only, read_text, reason, shown

HEADER = (
    "pSymbol,pGroup,pExchSeg,pInstType,pSymbolName,pTrdSymbol,pOptionType,pISIN,pDesc,dTickSize ,"
    "lLotSize,lExpiryDate ,lPrecision,dStrikePrice;\n"
)
OPTION = "56526,XX,nse_fo,OPTIDX,NIFTY,NIFTY2692221000PE,PE,,,5,65,1474554600,2,2.1e+06"


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (
            "2885,EQ,nse_cm,,RELIANCE,RELIANCE-EQ,,INE002A01018,RELIANCE LTD,10.000000,1,,2,",
            ("RELIANCE", "NSE", "2885", "RELIANCE-EQ", "RELIANCE LTD", "EQ", 1, 0.1, None, None,
             "EQ"),
        ),
        (
            "13981,GB,nse_cm,,SGBOCT27,SGBOCT27-GB,,IN0020190370,GOLD BONDS,1,1,0,2,-1.000000",
            ("SGBOCT27-GB", "NSE", "13981", "SGBOCT27-GB", "GOLD BONDS", "EQ", 1, 0.01, None, None,
             "GB"),
        ),
        (
            "26009,,nse_cm,,Nifty Bank,Nifty Bank,,,Nifty Bank,0,1,,2,",
            ("BANKNIFTY", "NSE_INDEX", "26009", "Nifty Bank", "Nifty Bank", "INDEX", 1, 0.0, None,
             None, None),
        ),
        (
            "7,BE,nse_cm,,ACME,ACME-BE,,,ACME LTD,5,1,,2,",
            ("ACME", "NSE", "7", "ACME-BE", "ACME LTD", "EQ", 1, 0.05, None, None, "BE"),
        ),
        (
            "500209,A,bse_cm,,INFY,INFY,,INE009A01021,INFOSYS LTD,5,1,,,",
            ("INFY", "BSE", "500209", "INFY", "INFOSYS LTD", "EQ", 1, 0.05, None, None, None),
        ),
        (
            OPTION,
            ("NIFTY22SEP2621000PE", "NFO", "56526", "NIFTY2692221000PE", "NIFTY", "PE", 65, 0.05,
             date(2026, 9, 22), 21000.0, None),
        ),
        (
            "107305,XX,nse_fo,OPTSTK,GRASIM,GRASIM26AUG3742.5PE,PE,,,5,250,1472135400,2,374250",
            ("GRASIM25AUG263742.5PE", "NFO", "107305", "GRASIM26AUG3742.5PE", "GRASIM", "PE", 250,
             0.05, date(2026, 8, 25), 3742.5, None),
        ),
        (
            "52175,XX,nse_fo,FUTIDX,NIFTY,NIFTY26OCTFUT,XX,,,10.000000,75,1477578600,2,-1.000000",
            ("NIFTY27OCT26FUT", "NFO", "52175", "NIFTY26OCTFUT", "NIFTY", "FUT", 75, 0.1,
             date(2026, 10, 27), None, None),
        ),
        (
            "856820,XX,bse_fo,IO,SENSEX,SENSEX26JUL85300CE,CE,,,5,20,1785436199,2,8530000",
            ("SENSEX30JUL2685300CE", "BFO", "856820", "SENSEX26JUL85300CE", "SENSEX", "CE", 20,
             0.05, date(2026, 7, 30), 85300.0, None),
        ),
        (
            "578787,,mcx_fo,OPTFUT,GOLDM,GOLDM25SEP26148500CE,CE,,,50,100,1790380799,2,1.485e+07",
            ("GOLDM25SEP26148500CE", "MCX", "578787", "GOLDM25SEP26148500CE", "GOLDM", "CE", 100,
             0.5, date(2026, 9, 25), 148500.0, None),
        ),
        (
            "578790,,mcx_fo,FUTCOM,GOLDM,GOLDM25SEP26FUT,,,,50,100,1790380799,2,",
            ("GOLDM25SEP26FUT", "MCX", "578790", "GOLDM25SEP26FUT", "GOLDM", "FUT", 100, 0.5,
             date(2026, 9, 25), None, None),
        ),
        (
            "16478,,cde_fo,OPTCUR,USDINR,USDINR26SEP94.25CE,CE,,,25,1,1475073000,4,942500",
            ("USDINR28SEP2694.25CE", "CDS", "16478", "USDINR26SEP94.25CE", "USDINR", "CE", 1,
             0.0025, date(2026, 9, 28), 94.25, None),
        ),
        (
            "9,,nse_com,FUTCOM,GOLD10G,GOLD10G26SEPFUT,XX,,,100,1,1474554600,2,-1",
            ("GOLD10G22SEP26FUT", "NCO", "9", "GOLD10G26SEPFUT", "GOLD10G", "FUT", 1, 1.0,
             date(2026, 9, 22), None, None),
        ),
    ],
)  # fmt: skip
def test_each_kind_of_row_becomes_its_instrument(row: str, expected: tuple[object, ...]) -> None:
    assert shown(only(read_text("kotak", HEADER + row + "\n"))) == expected


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (OPTION.replace("nse_fo", "nyse"), "exchange is unknown"),
        (OPTION.replace("1474554600", "0"), "a derivative without an expiry"),
        (OPTION.replace("1474554600", "soon"), "expiry is not a number"),
        (OPTION.replace(",2,2.1e+06", ",99,2.1e+06"), "lPrecision is out of range"),
        ("320,,mcx_fo,COM,MENTHAOIL,MENTHAOIL,,,,10,1,,2,", "a spot rate, which is not traded"),
    ],
)
def test_a_row_that_cannot_be_mapped_is_rejected_with_a_reason(row: str, expected: str) -> None:
    assert reason(read_text("kotak", HEADER + row + "\n")) == expected
