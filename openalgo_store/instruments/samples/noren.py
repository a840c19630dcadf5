"""Noren's files (Shoonya, Flattrade, Zebu): a zipped CSV for each exchange, prices in rupees."""

from .listed import Listed, Written

CASH = "Exchange,Token,LotSize,Symbol,TradingSymbol,Instrument,TickSize,"
CONTRACTS = (
    "Exchange,Token,LotSize,Symbol,TradingSymbol,Expiry,Instrument,OptionType,StrikePrice,TickSize,"
)
COMMODITIES = CONTRACTS.replace("LotSize,", "LotSize,GNGD,")
CURRENCIES = CONTRACTS.replace("LotSize,", "LotSize,Precision,Multiplier,")
HEADERS = {
    f"{exchange}_symbols.txt.zip/{exchange}_symbols.txt": header
    for exchange, header in {
        "NSE": CASH,
        "BSE": CASH,
        "NFO": CONTRACTS,
        "BFO": CONTRACTS,
        "MCX": COMMODITIES,
        "CDS": CURRENCIES,
    }.items()
}
INDICES = {
    "NIFTY": ("Nifty 50", "NIFTY INDEX"),
    "BANKNIFTY": ("Nifty Bank", "NIFTY BANK"),
    "INDIAVIX": ("INDIAVIX", "INDIA VIX"),
    "FINNIFTY": ("Nifty Fin Services", "FINNIFTY"),
    "MIDCPNIFTY": ("NIFTY MID SELECT", "MIDCPNIFTY"),
}
"""What it lists of NSE's: as Symbol and TradingSymbol."""


def written(listed: Listed) -> Written | None:
    """How Noren writes it."""
    exchange = listed.exchange.removesuffix("_INDEX")
    file = f"{exchange}_symbols.txt.zip/{exchange}_symbols.txt"
    name, lot = listed.name, max(listed.lot, 1)
    if file not in HEADERS:
        return None
    row = {"Exchange": exchange, "Token": listed.token, "LotSize": lot}
    row |= {"GNGD": 1, "Precision": 4, "Multiplier": 1000, "TickSize": f"{listed.tick:g}"}
    if listed.kind == "INDEX":
        if listed.exchange != "NSE_INDEX" or name not in INDICES:
            return None
        name, symbol = INDICES[name]
        row |= {"Symbol": name, "Instrument": "INDEX"}
    elif listed.expiry is None:
        of_nse = exchange == "NSE"
        symbol = f"{name}-{listed.series}" if of_nse else name
        row |= {"Symbol": name, "Instrument": listed.series if of_nse else listed.group}
    else:
        symbol = _contract(listed)
        row |= {
            "Symbol": _mnemonic(listed) if exchange == "BFO" else name,
            "Expiry": f"{listed.expiry:%d-%b-%Y}".upper(),
            "Instrument": ("OPT" if listed.is_option else "FUT") + _underlying(listed),
            "OptionType": listed.kind if listed.is_option else "XX",
            "StrikePrice": listed.strike_text if listed.is_option else _no_strike(exchange),
        }
    row["TradingSymbol"] = symbol
    return Written(file, row, listed.meant(str(listed.token), symbol, name)._replace(lot_size=lot))


def _contract(listed: Listed) -> str:
    if listed.exchange == "BFO":
        return listed.exchange_symbol
    ending = "" if listed.exchange == "MCX" else "F"
    if listed.is_option:
        ending = f"{listed.kind[0]}{listed.strike_text}"
    return f"{listed.name}{listed.day_text}{ending}"


def _mnemonic(listed: Listed) -> str:
    short = {"SENSEX": "BSX", "BANKEX": "BKX", "SENSEX50": "SX5"}.get(listed.name, listed.name[:4])
    return short + ("OPT" if listed.is_option else "FUT")


def _underlying(listed: Listed) -> str:
    match listed.exchange:
        case "CDS":
            return "CUR"
        case "MCX" if not listed.is_on_index:
            return "FUT" if listed.is_option else "COM"
    return "IDX" if listed.is_on_index else "STK"


def _no_strike(exchange: str) -> str:
    return {"NFO": "-0.01", "CDS": "-1e-07"}.get(exchange, "0")
