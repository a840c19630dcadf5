"""The files of Breeze's SecurityMaster.zip: what becomes of each kind of row."""

import io
import zipfile
from datetime import date

import pytest

from openalgo_store.errors import InvalidInput
from openalgo_store.instruments import read_instruments
from tests.support.broker_files import only, read_text, reason, shown

NSE = '"Token", "ShortName", "Series", "CompanyName", "ticksize", "Lotsize", "ExchangeCode"\n'
BSE = '"Token","ShortName","Series","CompanyName","TickSize","LotSize","ScripCode","ExchangeCode"\n'
CONTRACTS = (
    '"Token","InstrumentName","ShortName","Series","ExpiryDate","StrikePrice","OptionType",'
    '"LotSize","TickSize","CompanyName","ExchangeCode"\n'
)
MCX = (
    '"Token","InstrumentName","ShortName","Series","CompanyName","TickSize","LotSize","ExpiryDate",'
    '"OptionType","StrikePrice","Exchange","ExchangeCode"\n'
)
FUNDS = '"CompanyCode", "SchemeCode", "NAV"\n"21","TESTD","53.5963"\n'
SHARE = '"2885","RELIND","EQ","RELIANCE INDUSTRIES",0.05,1,"RELIANCE"'
OPTION = (
    '"35000","OPTIDX","CNXBAN","OPTION","29-Sep-2026","72600","CE",30,5,"NIFTY BANK","NIFTY BANK"'
)


@pytest.mark.parametrize(
    ("file", "header", "row", "expected"),
    [
        (
            "NSEScripMaster.txt", NSE, SHARE,
            ("RELIANCE", "NSE", "2885", "RELIND", "RELIANCE INDUSTRIES", "EQ", 1, 0.05, None, None,
             "EQ"),
        ),
        (
            "NSEScripMaster.txt", NSE, '"9","SGBO27","GB","GOLD BONDS, 2027",0.01,1,"SGBOCT27"',
            ("SGBOCT27-GB", "NSE", "9", "SGBO27", "GOLD BONDS, 2027", "EQ", 1, 0.01, None, None,
             "GB"),
        ),
        (
            "NSEScripMaster.txt", NSE, '"NIFTY BANK","CNXBAN","0","NIFTY BANK",0,1,"NIFTY BANK"',
            ("BANKNIFTY", "NSE_INDEX", "NIFTY BANK", "CNXBAN", "NIFTY BANK", "INDEX", 1, 0.0, None,
             None, None),
        ),
        (
            "BSEScripMaster.txt", BSE,
            '"500325","RELIND","A","RELIANCE",0.05,1,"500325","RELIANCE"',
            ("RELIANCE", "BSE", "500325", "RELIND", "RELIANCE", "EQ", 1, 0.05, None, None, None),
        ),
        (
            "FONSEScripMaster.txt", CONTRACTS, OPTION,
            ("BANKNIFTY29SEP2672600CE", "NFO", "35000", "CNXBAN:::29-SEP-2026:::72600:::CALL",
             "BANKNIFTY", "CE", 30, 0.05, date(2026, 9, 29), 72600.0, None),
        ),
        (
            "FONSEScripMaster.txt", CONTRACTS,
            '"68407","FUTIDX","NIFTY","FUTURE","29-Sep-2026","0","XX",65,10,"NIFTY 50","NIFTY 50"',
            ("NIFTY29SEP26FUT", "NFO", "68407", "NIFTY:::29-SEP-2026:::FUT", "NIFTY", "FUT", 65,
             0.1, date(2026, 9, 29), 0.0, None),
        ),
        (
            "FONSEScripMaster.txt", CONTRACTS,
            '"7","OPTIDX","NIFMID","OPTION","29-Sep-2026","12000","PE",120,5,"X","NIFTY MIDCAP"',
            ("MIDCPNIFTY29SEP2612000PE", "NFO", "7", "NIFMID:::29-SEP-2026:::12000:::PUT",
             "MIDCPNIFTY", "PE", 120, 0.05, date(2026, 9, 29), 12000.0, None),
        ),
        (
            "FOBSEScripMaster.txt", CONTRACTS,
            '"842701","OPTIND","BSESEN","OPTION","03-Sep-2026","81000","PE",20,5,"SENSEX","SENSEX"',
            ("SENSEX03SEP2681000PE", "BFO", "842701", "BSESEN:::03-SEP-2026:::81000:::PUT",
             "SENSEX", "PE", 20, 0.05, date(2026, 9, 3), 81000.0, None),
        ),
        (
            "CDNSEScripMaster.txt", CONTRACTS,
            '"16478","OPTCUR","USDINR","OPTION","28-Sep-2026","94.25","CE",1,0.0025,"US","USDINR"',
            ("USDINR28SEP2694.25CE", "CDS", "16478", "USDINR:::28-SEP-2026:::94.25:::CALL",
             "USDINR", "CE", 1, 0.0025, date(2026, 9, 28), 94.25, None),
        ),
        (
            "MCXScripMaster.txt", MCX,
            '"4001","FUTSTK","ZINC","FUTURE","ZINC",5,5,"31-Dec-2026","XX",0,"MCX","ZINC"',
            ("ZINC31DEC26FUT", "MCX", "4001", "ZINC:::31-DEC-2026:::FUT", "ZINC", "FUT", 5, 0.05,
             date(2026, 12, 31), 0.0, None),
        ),
    ],
)  # fmt: skip
def test_each_kind_of_row_becomes_its_instrument(
    file: str, header: str, row: str, expected: tuple[object, ...]
) -> None:
    found = only(read_text("breeze", header + row + "\n", f"day/{file}"))
    assert shown(found) == expected
    assert found.broker_exchange == expected[1] or found.instrument_type == "INDEX"


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (OPTION.replace("29-Sep-2026", "01-Jan-1980"), "a derivative without an expiry"),
        (OPTION.replace('"CE"', '"ZZ"'), "OptionType is unknown"),
        (OPTION.replace("CNXBAN", ""), "ShortName is blank"),
        (OPTION.replace("72600", "-1"), "strike is negative"),
        (OPTION.replace('"35000"', '""'), "token is blank"),
    ],
)
def test_a_row_that_cannot_be_mapped_is_rejected_with_a_reason(row: str, expected: str) -> None:
    found = read_text("breeze", CONTRACTS + row + "\n", "FONSEScripMaster.txt")
    assert reason(found) == expected


def test_the_archive_is_read_whole_but_for_its_funds() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as made:
        made.writestr("NSEScripMaster.txt", NSE + SHARE + "\n")
        made.writestr("MFScripMaster.txt", FUNDS)
        made.writestr("FONSEScripMaster.txt", CONTRACTS + OPTION + "\n")
    packed.seek(0)
    found = list(read_instruments("breeze", packed))
    assert [shown(row)[:2] for row in found] == [
        ("RELIANCE", "NSE"),
        ("BANKNIFTY29SEP2672600CE", "NFO"),
    ]


def test_contracts_under_another_name_are_refused_since_nothing_else_tells_the_exchange() -> None:
    with pytest.raises(InvalidInput, match="only its name could tell which exchange this is of"):
        read_text("breeze", CONTRACTS + OPTION + "\n", "download.txt")
