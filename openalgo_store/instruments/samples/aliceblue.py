"""Alice Blue's files: a CSV for each exchange and one of the indices, prices in rupees."""

from typing import Any

from .listed import Listed, Written

SHARES = (
    "Exch,Exchange Segment,Group Name,Symbol,Token,Instrument Type,Instrument Name,"
    "Formatted Ins Name,Trading Symbol,Lot Size,Tick Size"
)
CONTRACTS = (
    "Exch,Exchange Segment,Symbol,Token,Instrument Type,Option Type,Strike Price,Instrument Name,"
    "Formatted Ins Name,Trading Symbol,Expiry Date,Lot Size,Tick Size"
)
HEADERS = {
    "NSE.csv": SHARES,
    "BSE.csv": SHARES,
    "NFO.csv": CONTRACTS,
    "BFO.csv": CONTRACTS,
    "CDS.csv": CONTRACTS,
    "BCD.csv": CONTRACTS,
    "MCX.csv": CONTRACTS,
    "INDICES.csv": "symbol,exch,token",
}
SEGMENTS = {
    "NSE": "nse_cm",
    "BSE": "bse_cm",
    "NFO": "nse_fo",
    "BFO": "bse_fo",
    "CDS": "cde_fo",
    "BCD": "bcs_fo",
    "MCX": "mcx_fo",
}


def written(listed: Listed) -> Written | None:
    """How Alice Blue writes it."""
    token = str(listed.token)
    if listed.kind == "INDEX":
        row: dict[str, Any] = {
            "symbol": listed.company,
            "exch": listed.exchange.removesuffix("_INDEX"),
            "token": token,
        }
        meant = listed.meant(token, listed.company, listed.company)
        return Written("INDICES.csv", row, meant._replace(lot_size=None, tick_size=None))
    exchange = listed.exchange
    if exchange not in SEGMENTS:
        return None
    row = {
        "Exch": exchange,
        "Exchange Segment": SEGMENTS[exchange],
        "Symbol": listed.name,
        "Token": token,
        "Lot Size": listed.lot,
        "Tick Size": f"{listed.tick:g}",
    }
    name = listed.name
    if listed.expiry is None:
        series = listed.series if exchange == "NSE" else listed.group
        symbol = f"{name}-{series}" if exchange == "NSE" else name
        name = listed.company
        row |= {"Group Name": series, "Instrument Type": 0, "Formatted Ins Name": symbol}
    else:
        symbol = _symbol(listed)
        row |= {
            "Instrument Type": _type(listed),
            "Option Type": listed.kind if listed.is_option else "",
            "Strike Price": listed.strike if listed.is_option else -1.0,
            "Formatted Ins Name": f"{name} {listed.day_text} {_words(listed)}",
            "Expiry Date": str(listed.expiry),
        }
        if exchange == "BFO":
            row["Symbol"] = f"{name[:3]}{'OPT' if listed.is_option else 'FUT'}"
    row |= {"Trading Symbol": symbol, "Instrument Name": name}
    return Written(f"{exchange}.csv", row, listed.meant(token, symbol, name))


def _symbol(listed: Listed) -> str:
    if listed.exchange == "BFO":
        return listed.exchange_symbol
    ending = "" if listed.exchange == "MCX" else "F"
    if listed.is_option:
        ending = f"{listed.kind[0]}{listed.strike_text}"
    return f"{listed.name}{listed.day_text}{ending}"


def _words(listed: Listed) -> str:
    return f"{listed.strike_text} {listed.kind}" if listed.is_option else "FUT"


def _type(listed: Listed) -> str:
    if listed.exchange == "BFO":
        return ("I" if listed.is_on_index else "S") + ("O" if listed.is_option else "F")
    kind = "OPT" if listed.is_option else "FUT"
    if listed.exchange in ("CDS", "BCD"):
        return f"{kind}CUR"
    if listed.is_on_index:
        return f"{kind}IDX"
    if listed.exchange == "NFO":
        return f"{kind}STK"
    return "OPTFUT" if listed.is_option else "FUTCOM"
