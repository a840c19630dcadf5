"""Noren's files, of Shoonya, Flattrade and Zebu: what becomes of each kind of row."""

from datetime import date

import pytest

from openalgo_store.instruments import READERS
from tests.support.broker_files import only, read_text, reason, shown

NSE = "Exchange,Token,LotSize,Symbol,TradingSymbol,Instrument,TickSize,\n"
NFO = (
    "Exchange,Token,LotSize,Symbol,TradingSymbol,Expiry,Instrument,OptionType,StrikePrice,"
    "TickSize,\n"
)
MCX = (
    "Exchange,Token,LotSize,GNGD,Symbol,TradingSymbol,Expiry,Instrument,OptionType,StrikePrice,"
    "TickSize,\n"
)
CDS = (
    "Exchange,Token,LotSize,Precision,Multiplier,Symbol,TradingSymbol,Expiry,Instrument,OptionType,"
    "StrikePrice,TickSize,\n"
)
OPTION = "NFO,190040,1800,ZYDUSLIFE,ZYDUSLIFE28DEC23P865,28-DEC-2023,OPTSTK,PE,865,0.05,"


@pytest.mark.parametrize(
    ("header", "row", "expected"),
    [
        (
            NSE, "NSE,2031,1,M&M,M&M-EQ,EQ,0.1,",
            ("M&M", "NSE", "2031", "M&M-EQ", "M&M", "EQ", 1, 0.1, None, None, "EQ"),
        ),
        (
            NSE, "NSE,13981,1,SGBOCT27,SGBOCT27-GB,GB,0.01,",
            ("SGBOCT27-GB", "NSE", "13981", "SGBOCT27-GB", "SGBOCT27", "EQ", 1, 0.01, None, None,
             "GB"),
        ),
        (
            NSE, "NSE,26000,1,Nifty 50,NIFTY INDEX,INDEX,0,",
            ("NIFTY", "NSE_INDEX", "26000", "NIFTY INDEX", "Nifty 50", "INDEX", 1, 0.0, None, None,
             None),
        ),
        (
            NSE, "NSE,26037,1,Nifty Fin Services,FINNIFTY,INDEX,0,",
            ("FINNIFTY", "NSE_INDEX", "26037", "FINNIFTY", "Nifty Fin Services", "INDEX", 1, 0.0,
             None, None, None),
        ),
        (
            NSE, "BSE,500325,1,RELIANCE,RELIANCE,A,0.05,",
            ("RELIANCE", "BSE", "500325", "RELIANCE", "RELIANCE", "EQ", 1, 0.05, None, None, None),
        ),
        (
            NFO, OPTION,
            ("ZYDUSLIFE28DEC23865PE", "NFO", "190040", "ZYDUSLIFE28DEC23P865", "ZYDUSLIFE", "PE",
             1800, 0.05, date(2023, 12, 28), 865.0, None),
        ),
        (
            NFO, "NFO,63809,1800,ZYDUSLIFE,ZYDUSLIFE28DEC23F,28-DEC-2023,FUTSTK,XX,-0.01,0.05,",
            ("ZYDUSLIFE28DEC23FUT", "NFO", "63809", "ZYDUSLIFE28DEC23F", "ZYDUSLIFE", "FUT", 1800,
             0.05, date(2023, 12, 28), None, None),
        ),
        (
            NFO, "  BFO,837931,20,BSXOPT,SENSEX26SEP91000PE,24-SEP-2026,OPTIDX,PE,91000,0.05,",
            ("SENSEX24SEP2691000PE", "BFO", "837931", "SENSEX26SEP91000PE", "SENSEX", "PE", 20,
             0.05, date(2026, 9, 24), 91000.0, None),
        ),
        (
            NFO, "BFO,859358,20,BSXOPT,SENSEX2591181200CE,11-SEP-2025,OPTIDX,CE,81200,0.05,",
            ("SENSEX11SEP2581200CE", "BFO", "859358", "SENSEX2591181200CE", "SENSEX", "CE", 20,
             0.05, date(2025, 9, 11), 81200.0, None),
        ),
        (
            NFO, "BFO,825622,20,BSXFUT,SENSEX26AUGFUT,27-AUG-2026,FUTIDX,XX,0,0.05,",
            ("SENSEX27AUG26FUT", "BFO", "825622", "SENSEX26AUGFUT", "SENSEX", "FUT", 20, 0.05,
             date(2026, 8, 27), 0.0, None),
        ),
        (
            MCX, "MCX,565900,10,1,CRUDEOILM,CRUDEOILM21SEP26,21-SEP-2026,FUTCOM,XX,0,1,",
            ("CRUDEOILM21SEP26FUT", "MCX", "565900", "CRUDEOILM21SEP26", "CRUDEOILM", "FUT", 10,
             1.0, date(2026, 9, 21), 0.0, None),
        ),
        (
            CDS, "CDS,16478,1,4,1000,USDINR,USDINR28SEP26C94.25,28-SEP-2026,OPTCUR,CE,94.25,0.0025",
            ("USDINR28SEP2694.25CE", "CDS", "16478", "USDINR28SEP26C94.25", "USDINR", "CE", 1,
             0.0025, date(2026, 9, 28), 94.25, None),
        ),
        (
            CDS, "CDS,1,1,4,1000,USDINR,USDINR27DEC23F,27-DEC-2023,FUTCUR,XX,-1e-07,0.0025",
            ("USDINR27DEC23FUT", "CDS", "1", "USDINR27DEC23F", "USDINR", "FUT", 1, 0.0025,
             date(2023, 12, 27), None, None),
        ),
    ],
)  # fmt: skip
def test_each_kind_of_row_becomes_its_instrument(
    header: str, row: str, expected: tuple[object, ...]
) -> None:
    for broker in ("noren", "shoonya", "flattrade", "zebu"):
        assert shown(only(read_text(broker, header + row + "\n"))) == expected


@pytest.mark.parametrize(
    ("header", "row", "expected"),
    [
        (CDS, "CDS,1,1,4,1000,USDINR,USDINR,,UNDCUR,,,", "a spot rate, which is not traded"),
        (NSE, "BSE,952362,10,12,12:,MFLS3,0,", "a comma in the symbol shifts its columns"),
        (NFO, OPTION.replace("865,0.05", "-865,0.05"), "strike is negative"),
        (NFO, OPTION.replace("28-DEC-2023", ""), "a derivative without an expiry"),
        (NFO, OPTION.replace("NFO,", "NXO,"), "exchange is unknown"),
        (
            NFO,
            "BFO,825622,20,BSXFUT,SENSEX,27-AUG-2026,FUTIDX,XX,0,0.05,",
            "name is blank and the symbol does not tell it",
        ),
    ],
)
def test_a_row_that_cannot_be_mapped_is_rejected_with_a_reason(
    header: str, row: str, expected: str
) -> None:
    assert reason(read_text("zebu", header + row + "\n")) == expected


def test_one_reader_has_the_names_of_three_brokers() -> None:
    assert READERS["shoonya"] is READERS["flattrade"] is READERS["zebu"] is READERS["noren"]
