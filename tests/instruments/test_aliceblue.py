"""AliceBlue's CSV, one an exchange: what becomes of each kind of row."""

from datetime import date

import pytest

from openalgo_store.errors import InvalidInput
from tests.support.broker_files import only, read_text, reason, shown

CONTRACTS = (
    "Exch,Exchange Segment,Symbol,Token,Instrument Type,Option Type,Strike Price,Instrument Name,"
    "Formatted Ins Name,Trading Symbol,Expiry Date,Lot Size,Tick Size\n"
)
SHARES = (
    "Exch,Exchange Segment,Group Name,Symbol,Token,Instrument Type,Instrument Name,"
    "Formatted Ins Name,Trading Symbol,Lot Size,Tick Size\n"
)
INDICES = "symbol,exch,token\n"
OPTION = (
    "NFO,nse_fo,NIFTY,46999,OPTIDX,CE,24350.0,NIFTY,NIFTY SEP 24350 CE,NIFTY01SEP26C24350,"
    "2026-09-01,65,0.05"
)


@pytest.mark.parametrize(
    ("header", "row", "expected"),
    [
        (
            SHARES, "NSE,nse_cm,EQ,M&M,2031,0,MAHINDRA LTD,M&M-EQ,M&M-EQ,1,0.1",
            ("M&M", "NSE", "2031", "M&M-EQ", "MAHINDRA LTD", "EQ", 1, 0.1, None, None, "EQ"),
        ),
        (
            SHARES, "NSE,nse_cm,D1,MOTHERSON,25510.0,0,SAMIL,MOTHERSON-D1,MOTHERSON-D1,1,0.05",
            ("MOTHERSON-D1", "NSE", "25510", "MOTHERSON-D1", "SAMIL", "EQ", 1, 0.05, None,
             None, "D1"),
        ),
        (
            SHARES, "BSE,bse_cm,A,RELIANCE,500325,0,RELIANCE LTD,RELIANCE,RELIANCE,1,0.05",
            ("RELIANCE", "BSE", "500325", "RELIANCE", "RELIANCE LTD", "EQ", 1, 0.05, None, None,
             None),
        ),
        (
            INDICES, "NIFTY BANK,NSE,26009",
            ("BANKNIFTY", "NSE_INDEX", "26009", "NIFTY BANK", "NIFTY BANK", "INDEX", None, None,
             None, None, None),
        ),
        (
            INDICES, "SNSX50,BSE,47",
            ("SENSEX50", "BSE_INDEX", "47", "SNSX50", "SNSX50", "INDEX", None, None, None, None,
             None),
        ),
        (
            CONTRACTS, OPTION,
            ("NIFTY01SEP2624350CE", "NFO", "46999", "NIFTY01SEP26C24350", "NIFTY", "CE", 65, 0.05,
             date(2026, 9, 1), 24350.0, None),
        ),
        (
            CONTRACTS,
            "NFO,nse_fo,NIFTY,68407,FUTIDX,,-1.0,NIFTY,NIFTY SEP FUT,NIFTY29SEP26F,2026-09-29,"
            "65,0.1",
            ("NIFTY29SEP26FUT", "NFO", "68407", "NIFTY29SEP26F", "NIFTY", "FUT", 65, 0.1,
             date(2026, 9, 29), None, None),
        ),
        (
            CONTRACTS,
            "BFO,bse_fo,BSXOPT,837931,IO,PE,91000.0,SENSEX,SENSEX 24SEP26 91000 PE,"
            "SENSEX26SEP91000PE,2026-09-24,20,0.05",
            ("SENSEX24SEP2691000PE", "BFO", "837931", "SENSEX26SEP91000PE", "SENSEX", "PE", 20,
             0.05, date(2026, 9, 24), 91000.0, None),
        ),
        (
            CONTRACTS,
            "BFO,bse_fo,BSXFUT,825622,IF,XX,-1.0,SENSEX,SENSEX 27AUG26 FUT,SENSEX26AUGFUT,"
            "2026-08-27,20,0.05",
            ("SENSEX27AUG26FUT", "BFO", "825622", "SENSEX26AUGFUT", "SENSEX", "FUT", 20, 0.05,
             date(2026, 8, 27), None, None),
        ),
        (
            CONTRACTS,
            "BFO,bse_fo,TCSFUT,825700,SF,XX,-1.0,TCS,TCS 27AUG26 FUT,TCS26AUGFUT,2026-08-27,"
            "175,0.1",
            ("TCS27AUG26FUT", "BFO", "825700", "TCS26AUGFUT", "TCS", "FUT", 175, 0.1,
             date(2026, 8, 27), None, None),
        ),
        (
            CONTRACTS,
            "MCX,mcx_fo,CRUDEOILM,565900,FUTCOM,,-1.0,CRUDEOILM,CRUDEOILM 21SEP26 FUT,"
            "CRUDEOILM21SEP26,2026-09-21,10,1.0",
            ("CRUDEOILM21SEP26FUT", "MCX", "565900", "CRUDEOILM21SEP26", "CRUDEOILM", "FUT", 10,
             1.0, date(2026, 9, 21), None, None),
        ),
        (
            CONTRACTS,
            "MCX,mcx_idx,MCXBULLDEX,320,INDEX,,,MCXBULLDEX,MCXBULLDEX,MCXBULLDEX,,1,0.05",
            ("MCXBULLDEX", "MCX_INDEX", "320", "MCXBULLDEX", "MCXBULLDEX", "INDEX", 1, 0.05, None,
             None, None),
        ),
        (
            CONTRACTS,
            "CDS,cde_fo,USDINR,16478,OPTCUR,CE,94.25,USDINR,USDINR SEP 94.25 CE,"
            "USDINR28SEP26C94.25,2026-09-28,1,0.0025",
            ("USDINR28SEP2694.25CE", "CDS", "16478", "USDINR28SEP26C94.25", "USDINR", "CE", 1,
             0.0025, date(2026, 9, 28), 94.25, None),
        ),
    ],
)  # fmt: skip
def test_each_kind_of_row_becomes_its_instrument(
    header: str, row: str, expected: tuple[object, ...]
) -> None:
    assert shown(only(read_text("aliceblue", header + row + "\n"))) == expected


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (OPTION.replace("NFO,", "NXO,"), "exchange is unknown"),
        (OPTION.replace("24350.0", "-24350"), "strike is negative"),
        (OPTION.replace("2026-09-01", ""), "a derivative without an expiry"),
        (OPTION.replace("OPTIDX,CE", "UNDCUR,"), "a spot rate, which is not traded"),
    ],
)
def test_a_row_that_cannot_be_mapped_is_rejected_with_a_reason(row: str, expected: str) -> None:
    assert reason(read_text("aliceblue", CONTRACTS + row + "\n")) == expected


def test_contracts_without_a_column_are_no_list_of_indices() -> None:
    with pytest.raises(InvalidInput, match="its first line lacks"):
        read_text("aliceblue", CONTRACTS.replace("Tick Size", "Tick") + OPTION + "\n")
