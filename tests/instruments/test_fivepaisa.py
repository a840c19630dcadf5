"""5paisa's CSV: what becomes of each kind of row."""

from datetime import date

import pytest

from tests.support.broker_files import only, read_text, reason, shown

HEADER = (
    "Exch,ExchType,ScripCode,Name,Expiry,ScripType,StrikeRate,FullName,TickSize,LotSize,QtyLimit,"
    "Multiplier,SymbolRoot,BOCOAllowed,ISIN,ScripData,Series\n"
)
OPTION = (
    "B,D,1190002,ITC 29 Oct 2026 CE 400.50,2026-10-29 14:30:00,CE,400.5,ITC,0.05,1600,0,1,ITC,N,,"
    "ITC_CE,XX"
)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (
            "N,C,1660,ITC,,EQ,0,ITC LTD,0.05,1,0,1,ITC,Y,INE154A01025,ITC_EQ,EQ",
            ("ITC", "NSE", "1660", "ITC", "ITC LTD", "EQ", 1, 0.05, None, 0.0, "EQ"),
        ),
        (
            "N,C,11915,YESBANK,1980-01-01 00:00:00,EQ,0,YES BANK LTD,0.01,1,0,1,YESBANK,Y,,"
            "YESBANK_BE,BE",
            ("YESBANK", "NSE", "11915", "YESBANK", "YES BANK LTD", "EQ", 1, 0.01, None, 0.0, "BE"),
        ),
        (
            "N,C,9999,SOMEBOND,,EQ,0,A BOND,0.01,1,100,1,SOMEBOND,N,INE000X01011,SOMEBOND_N2,N2",
            ("SOMEBOND-N2", "NSE", "9999", "SOMEBOND", "A BOND", "EQ", 1, 0.01, None, 0.0, "N2"),
        ),
        (
            "B,C,500325,RELIANCE,,EQ,0,RELIANCE,0.05,1,0,1,RELIANCE,Y,INE002A01018,RELIANCE_EQ,A",
            ("RELIANCE", "BSE", "500325", "RELIANCE", "RELIANCE", "EQ", 1, 0.05, None, 0.0, None),
        ),
        (
            "N,C,999920000,NIFTY,1980-01-01 00:00:00,EQ,0,NIFTY 50,0.05,1,0,1,NIFTY 50,N,,NIFTY,EQ",
            ("NIFTY", "NSE_INDEX", "999920000", "NIFTY", "NIFTY 50", "INDEX", 1, 0.05, None, 0.0,
             None),
        ),
        (
            "B,C,999901,SENSEX,,EQ,0,SENSEX,0,1,0,1,SENSEX,N,,SENSEX,EQ",
            ("SENSEX", "BSE_INDEX", "999901", "SENSEX", "SENSEX", "INDEX", 1, 0.0, None, 0.0, None),
        ),
        (
            OPTION,
            ("ITC29OCT26400.5CE", "BFO", "1190002", "ITC 29 Oct 2026 CE 400.50", "ITC", "CE", 1600,
             0.05, date(2026, 10, 29), 400.5, None),
        ),
        (
            "N,D,68407,NIFTY 29 Sep 2026,2026-09-29 14:30:00,XX,0,NIFTY 29 Sep 2026,0.1,65,1800,1,"
            "NIFTY,N,,NIFTY_20260929,XX",
            ("NIFTY29SEP26FUT", "NFO", "68407", "NIFTY 29 Sep 2026", "NIFTY", "FUT", 65, 0.1,
             date(2026, 9, 29), 0.0, None),
        ),
        (
            "M,D,255555,ALUMINI 30 Sep 2026,2026-09-30 00:00:00,XX,0,ALUMINI 30 SEP 2026,0.05,1,"
            "10000,1000,ALUMINI,N,,ALUMINI_20260930,  ",
            ("ALUMINI30SEP26FUT", "MCX", "255555", "ALUMINI 30 Sep 2026", "ALUMINI", "FUT", 1, 0.05,
             date(2026, 9, 30), 0.0, None),
        ),
        (
            "N,U,16478,USDINR 28 Sep 2026 CE 94.25,2026-09-28 12:30:00,CE,94.25,USDINR,0.0025,1,0,"
            "1000,USDINR,N,,USDINR_CE,XX",
            ("USDINR28SEP2694.25CE", "CDS", "16478", "USDINR 28 Sep 2026 CE 94.25", "USDINR", "CE",
             1, 0.0025, date(2026, 9, 28), 94.25, None),
        ),
    ],
)  # fmt: skip
def test_each_kind_of_row_becomes_its_instrument(row: str, expected: tuple[object, ...]) -> None:
    for header in (HEADER, HEADER.replace("ScripCode", "Scripcode")):
        assert shown(only(read_text("fivepaisa", header + row + "\n"))) == expected


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (OPTION.replace("B,D", "B,Q"), "exchange is unknown"),
        (OPTION.replace("1190002", ""), "token is blank"),
        (OPTION.replace("400.5,ITC", "-400.5,ITC"), "strike is negative"),
        (OPTION.replace("2026-10-29 14:30:00", "1980-01-01"), "a derivative without an expiry"),
    ],
)
def test_a_row_that_cannot_be_mapped_is_rejected_with_a_reason(row: str, expected: str) -> None:
    assert reason(read_text("fivepaisa", HEADER + row + "\n")) == expected
