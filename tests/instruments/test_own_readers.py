"""Readers of one's own, and files that are given to the wrong one."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from openalgo_store.errors import InvalidInput
from openalgo_store.instruments import READERS, read_instruments, register_reader
from openalgo_store.instruments.layouts import Cells, Layout
from tests.support.broker_files import Named, only, read_text, reason, shown

HEADER = "id,ticker,segment,type,on,ends,strike,lot,tick,size\n"
OWN = Layout(
    token="id",
    broker_symbol="ticker",
    exchange=Cells("segment", table={"F": "NFO", "X": "CRYPTO", "N": "NSE"}),
    kind=Cells("type", table={"F": "FUT", "C": "CE", "S": "EQ"}),
    name="on",
    expiry="ends",
    strike=Cells("strike", per=100, blank=(-1,)),
    lot_size="lot",
    tick_size=Cells("tick", per=100),
    contract_value="size",
    may_lack=frozenset({"size"}),
)


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    before = dict(READERS)
    yield
    READERS.clear()
    READERS.update(before)


def test_a_reader_of_ones_own_reads_csv() -> None:
    register_reader("own", OWN)
    row = "7,NIFTY-C,F,C,NIFTY,2026-08-25,2435050,65,5,\n"
    assert shown(only(read_text("own", HEADER + row))) == (
        "NIFTY25AUG2624350.5CE", "NFO", "7", "NIFTY-C", "NIFTY", "CE", 65, 0.05, date(2026, 8, 25),
        24350.5, None,
    )  # fmt: skip
    coin = only(read_text("own", HEADER + "8,BTC-F,X,F,BTC,2026-08-28,-1,1,50,0.001\n"))
    assert (coin.symbol, coin.exchange, coin.contract_value) == ("BTC28AUG26FUT", "CRYPTO", 0.001)
    without = HEADER.replace(",size", "") + "9,INFY-BE,N,S,INFOSYS,,-1,1,5\n"
    assert shown(only(read_text("own", without)))[:4] == ("INFY", "NSE", "9", "INFY-BE")
    padded = only(read_text("own", HEADER + row.replace("F,C", " F , C ")))
    assert padded.symbol == "NIFTY25AUG2624350.5CE"
    assert (
        reason(read_text("own", HEADER + row.replace("F,C", "F,Z"))) == "instrument_type is unknown"
    )


@pytest.mark.parametrize("separator", [";", "|", "\t"])
def test_the_columns_of_a_file_may_have_something_else_between_them(separator: str) -> None:
    register_reader("own", OWN, separator=separator)
    text = f"{HEADER}7,NIFTY-C,F,C,NIFTY,25-08-2026,2435050,65,5,\n".replace(",", separator)
    assert only(read_text("own", text)).symbol == "NIFTY25AUG2624350.5CE"
    quoted = f'{HEADER}9,INFY-BE,N,S,"INFOSYS{separator} BE",,-1,1,5,\n'.replace(",", separator)
    assert only(read_text("own", quoted)).name == f"INFOSYS{separator} BE"


@pytest.mark.parametrize("separator", ["", ";;", ",;", '"', "\n", " ", None, 7, ["|"]])
def test_no_other_separator_is_taken(separator: Any) -> None:
    with pytest.raises(InvalidInput, match="separator must be one of"):
        register_reader("own", OWN, separator=separator)
    assert "own" not in READERS


def test_a_reader_of_ones_own_reads_json_and_replaces_another() -> None:
    register_reader("zerodha", OWN, json=True)
    given = '[{"id": 7, "ticker": "INFY", "segment": "N", "type": "S", "on": null, "ends": null,'
    given += ' "strike": -1, "lot": 1, "tick": 5}]'
    assert shown(only(read_text("zerodha", given)))[:5] == ("INFY", "NSE", "7", "INFY", None)


@pytest.mark.parametrize(
    ("broker", "layouts", "message"),
    [
        ("", [OWN], "a name without blanks around it"),
        (" own", [OWN], "a name without blanks around it"),
        ("own", [], "give the layouts of the broker's files"),
        ("own", [{"token": "id"}], "give the layouts of the broker's files"),
    ],
)
def test_what_is_no_name_or_no_layout_is_refused(
    broker: str, layouts: list[Any], message: str
) -> None:
    with pytest.raises(InvalidInput, match=message):
        register_reader(broker, *layouts)
    assert broker not in READERS


FILES = {
    "aliceblue": "symbol,exch,token\nNIFTY 50,NSE,26000\n",
    "angel": '[{"token": "7", "symbol": "INFY-EQ", "name": "INFY", "expiry": "", "strike": "-1",'
    ' "lotsize": "1", "instrumenttype": "", "exch_seg": "NSE", "tick_size": "5"}]',
    "breeze": '"Token", "ShortName", "Series", "CompanyName", "ticksize", "Lotsize", "ExchangeCode"'
    '\n"1594","INFTEC","EQ","INFOSYS",0.05,1,"INFY"\n',
    "dhan": "SEM_EXM_EXCH_ID,SEM_SEGMENT,SEM_SMST_SECURITY_ID,SEM_INSTRUMENT_NAME,"
    "SEM_TRADING_SYMBOL,SEM_LOT_UNITS,SEM_CUSTOM_SYMBOL,SEM_EXPIRY_DATE,SEM_STRIKE_PRICE,"
    "SEM_OPTION_TYPE,SEM_TICK_SIZE,SEM_SERIES,SM_SYMBOL_NAME\n"
    "NSE,E,1594,EQUITY,INFY,1.0,Infosys,,,,5.0,EQ,INFOSYS\n",
    "fivepaisa": "Exch,ExchType,ScripCode,Name,Expiry,ScripType,StrikeRate,FullName,TickSize,"
    "LotSize,QtyLimit,Multiplier,SymbolRoot,BOCOAllowed,ISIN,ScripData,Series\n"
    "N,C,1594,INFY,,EQ,0,INFOSYS,0.05,1,0,1,INFY,Y,INE009A01021,INFY_EQ,EQ\n",
    "fyers": "10100000001594,INFOSYS LIMITED,0,1,0.1,INE009A01021,0915-1530|1815-1915:,2026-09-29,,"
    "NSE:INFY-EQ,10,10,1594,INFY,1594,-1.0,XX,10100000001594,None,0,0.0\n",
    "kotak": "pSymbol,pGroup,pExchSeg,pInstType,pSymbolName,pTrdSymbol,pOptionType,pISIN,"
    "dTickSize ,lLotSize,lExpiryDate ,dStrikePrice;\n"
    "1594,EQ,nse_cm,,INFY,INFY-EQ,,INE009A01021,10,1,,\n",
    "noren": "Exchange,Token,LotSize,Symbol,TradingSymbol,Instrument,TickSize,\n"
    "NSE,1594,1,INFY,INFY-EQ,EQ,0.1,\n",
    "upstox": '[{"segment": "NSE_EQ", "instrument_type": "EQ", "instrument_key": "NSE_EQ|1594",'
    ' "lot_size": 1, "tick_size": 5.0, "trading_symbol": "INFY", "name": "INFOSYS"}]',
    "zerodha": "instrument_token,exchange_token,tradingsymbol,name,last_price,expiry,strike,"
    "tick_size,lot_size,instrument_type,segment,exchange\n"
    "408065,1594,INFY,INFOSYS,0.0,,0.0,0.05,1,EQ,NSE,NSE\n",
}
NAMES = {"breeze": "NSEScripMaster.txt"}


@pytest.mark.parametrize("broker", FILES)
def test_no_broker_loads_another_ones_file(broker: str) -> None:
    assert {READERS[each].title for each in READERS} == {READERS[each].title for each in FILES}
    for owner, text in FILES.items():
        name = NAMES.get(owner, "file")
        if owner == broker:
            found = only(read_text(broker, text, name))
            assert found.symbol == ("NIFTY" if owner == "aliceblue" else "INFY")
            continue
        with pytest.raises(InvalidInput, match=r"not an instrument file of|JSON"):
            read_text(broker, text, name)


@pytest.mark.parametrize("broker", FILES)
@pytest.mark.parametrize(
    "text", ["", "\n", "<html>Bad gateway</html>", '{"status": "error"}', "holiday\n", "\0" * 99]
)
def test_what_is_no_file_of_instruments_is_refused_with_one_sentence(
    broker: str, text: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        list(read_instruments(broker, Named(text, "today")))
    assert str(refused.value).startswith("today: ")
    assert "\n" not in str(refused.value)
