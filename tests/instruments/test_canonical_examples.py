"""Ten instruments as brokers write them: one symbol and exchange, whichever broker it is."""

import pytest

from openalgo_store.records.symbols import Instrument
from tests.support.broker_files import read_objects, read_text

ZERODHA = (
    "instrument_token", "exchange_token", "tradingsymbol", "name", "expiry", "strike", "tick_size",
    "lot_size", "instrument_type", "segment", "exchange",
)  # fmt: skip
ANGEL = (
    "token", "symbol", "name", "expiry", "strike", "lotsize", "instrumenttype", "exch_seg",
    "tick_size",
)  # fmt: skip
DHAN = (
    "SEM_EXM_EXCH_ID", "SEM_SEGMENT", "SEM_SMST_SECURITY_ID", "SEM_INSTRUMENT_NAME",
    "SEM_TRADING_SYMBOL", "SEM_LOT_UNITS", "SEM_TICK_SIZE", "SEM_SERIES", "SEM_EXPIRY_DATE",
    "SEM_CUSTOM_SYMBOL", "SEM_STRIKE_PRICE", "SEM_OPTION_TYPE", "SM_SYMBOL_NAME",
)  # fmt: skip
UPSTOX = (
    "instrument_key", "trading_symbol", "instrument_type", "expiry", "strike_price", "lot_size",
    "tick_size", "segment", "underlying_symbol",
)  # fmt: skip
NOREN = (
    "Exchange", "Token", "LotSize", "Symbol", "TradingSymbol", "Instrument", "TickSize", "Expiry",
    "OptionType", "StrikePrice",
)  # fmt: skip

EXAMPLES = {
    ("M&M", "NSE"): {
        "zerodha": "519937,2031,M&M,MAHINDRA & MAHINDRA,,0,0.1,1,EQ,NSE,NSE",
        "angel": "2031,M&M-EQ,M&M,,-1.000000,1,,NSE,10.000000",
        "dhan": "NSE,E,2031,EQUITY,M&M,1,10,EQ",
        "upstox": "NSE_EQ|INE101A01026,M&M,EQ,,0,1,10",
        "noren": "NSE,2031,1,M&M,M&M-EQ,EQ,0.1",
    },
    ("UNIDT", "NSE"): {
        "zerodha": "52225,204,UNIDT-BE,UNITED DRILLING TOOLS,,0,0.01,1,EQ,NSE,NSE",
        "angel": "201,UNIDT-EQ,UNIDT,,-1.000000,1,,NSE,1.000000",
        "dhan": "NSE,E,204,EQUITY,UNIDT,1,1,BE",
        "upstox": "NSE_EQ|INE961D01019,UNIDT,BE,,0,1,1",
        "noren": "NSE,204,1,UNIDT,UNIDT-BE,BE,0.01",
    },
    ("GOLDSTAR", "NSE"): {
        "zerodha": "257,1,GOLDSTAR-SM,GOLDSTAR POWER,,0,0.05,11250,EQ,NSE,NSE",
        "dhan": "NSE,E,1,EQUITY,GOLDSTAR,11250,5,SM",
        "upstox": "NSE_EQ|INE405Y01021,GOLDSTAR,SM,,0,11250,5",
        "noren": "NSE,1,11250,GOLDSTAR,GOLDSTAR-SM,SM,0.05",
    },
    ("SGBOCT27-GB", "NSE"): {
        "zerodha": "3579137,13981,SGBOCT27-GB,2.50%GOLDBONDS2027SR-V,,0,0.01,1,EQ,NSE,NSE",
        "angel": "13981,SGBOCT27-GB,SGBOCT27,,-1.000000,1,,NSE,1.000000",
        "dhan": "NSE,E,13981,EQUITY,SGBOCT27,1,1,GB",
        "upstox": "NSE_EQ|IN0020190370,SGBOCT27,GB,,0,1,1",
        "noren": "NSE,13981,1,SGBOCT27,SGBOCT27-GB,GB,0.01",
    },
    ("MOTHERSON-D1", "NSE"): {
        "zerodha": "6530561,25510,MOTHERSON-D1,,,0,0.05,1,EQ,NSE,NSE",
        "dhan": "NSE,E,25510,EQUITY,MOTHERSON,1,5,D1",
        "upstox": "NSE_EQ|INE775A08105,MOTHERSON,D1,,0,1,5",
        "noren": "NSE,25510,1,MOTHERSON,MOTHERSON-D1,D1,0.05",
    },
    ("BANKNIFTY", "NSE_INDEX"): {
        "zerodha": "260105,1016,NIFTY BANK,NIFTY BANK,,0,0,0,EQ,INDICES,NSE",
        "angel": "99926009,Nifty Bank,BANKNIFTY,,0.000000,1,AMXIDX,NSE,0.000000",
        "dhan": "NSE,I,25,INDEX,BANKNIFTY,1,0.05,X,0001-01-01",
        "upstox": "NSE_INDEX|Nifty Bank,BANKNIFTY,INDEX",
        "noren": "NSE,26009,1,Nifty Bank,NIFTY BANK,INDEX,0",
    },
    ("NIFTY01SEP2624350CE", "NFO"): {
        "zerodha": "12031746,46999,NIFTY2690124350CE,NIFTY,2026-09-01,24350,0.05,65,CE,NFO-OPT,NFO",
        "upstox": "NSE_FO|46999,NIFTY 24350 CE 01 SEP 26,CE,1788287399000,24350,65,5",
    },
    ("ASHOKLEY25AUG26172.5CE", "NFO"): {
        "zerodha": (
            "21671426,84654,ASHOKLEY26AUG172.5CE,ASHOKLEY,2026-08-25,172.5,0.01,5000,CE,NFO-OPT,NFO"
        ),
        "upstox": "NSE_FO|84654,ASHOKLEY 172.5 CE 25 AUG 26,CE,1787682599000,172.5,5000,1",
    },
    ("USDINR28SEP2694.25CE", "CDS"): {
        "upstox": "NCD_FO|16478,USDINR 94.25 CE 28 SEP 26,CE,1790620199000,94.25,1,0.25",
        "noren": "CDS,16478,1,USDINR,USDINR28SEP26C94.25,OPTCUR,0.0025,28-SEP-2026,CE,94.25",
    },
    ("CRUDEOILM21SEP26FUT", "MCX"): {
        "angel": "565900,CRUDEOILM21SEP26FUT,CRUDEOILM,21SEP2026,0.000000,10,FUTCOM,MCX,100.000000",
        "noren": "MCX,565900,10,CRUDEOILM,CRUDEOILM21SEP26,FUTCOM,1,21-SEP-2026,XX,0",
    },
}


def as_csv(columns: tuple[str, ...], line: str) -> str:
    cells = line.split(",")
    return ",".join(columns) + "\n" + ",".join(cells + [""] * (len(columns) - len(cells))) + "\n"


def upstox_object(line: str) -> dict[str, object]:
    found: dict[str, object] = dict(zip(UPSTOX, line.split(","), strict=False))
    segment, _, _ = line.partition("|")
    numbers = {key: float(str(found[key])) for key in UPSTOX[3:7] if found.get(key)}
    underlying = str(found["trading_symbol"]).partition(" ")[0]
    more = {"segment": segment, "underlying_symbol": underlying}
    return {key: value for key, value in found.items() if value} | numbers | more


def read(broker: str, line: str) -> Instrument:
    if broker == "angel":
        found = read_objects(broker, [dict(zip(ANGEL, line.split(","), strict=True))])
    elif broker == "upstox":
        found = read_objects(broker, [upstox_object(line)])
    else:
        columns = {"zerodha": ZERODHA, "dhan": DHAN, "noren": NOREN}[broker]
        found = read_text(broker, as_csv(columns, line))
    (row,) = found
    assert isinstance(row, Instrument), row
    return row


@pytest.mark.parametrize(("symbol", "exchange"), EXAMPLES)
def test_an_instrument_has_one_symbol_exchange_lot_and_tick_at_every_broker(
    symbol: str, exchange: str
) -> None:
    rows = {broker: read(broker, line) for broker, line in EXAMPLES[symbol, exchange].items()}
    assert {(row.symbol, row.exchange) for row in rows.values()} == {(symbol, exchange)}
    if exchange != "NSE_INDEX":
        assert len({(row.lot_size, row.tick_size, row.expiry) for row in rows.values()}) == 1
        assert len({row.strike or None for row in rows.values()}) == 1
