"""ICICI Breeze's archive: a CSV for each segment, texts quoted, short names of its own."""

from typing import Any
from zlib import crc32

from .listed import Listed, Written

NSE = ("Token", "ShortName", "Series", "CompanyName", "ticksize", "Lotsize", "ISINCode")
BSE = ("Token", "ShortName", "Series", "CompanyName", "TickSize", "LotSize", "ScripCode")
CONTRACTS = (
    *("Token", "InstrumentName", "ShortName", "Series", "ExpiryDate", "StrikePrice", "OptionType"),
    *("MinimumLotQty", "LotSize", "TickSize", "CompanyName", "AssetName"),
)
COMMODITIES = (
    *("Token", "InstrumentName", "ShortName", "Series", "CompanyName", "TickSize", "LotSize"),
    *("ExpiryDate", "OptionType", "StrikePrice", "Exchange"),
)
"""The columns that are of use here."""

FILES = {
    "NSE": "NSEScripMaster.txt",
    "NSE_INDEX": "NSEScripMaster.txt",
    "BSE": "BSEScripMaster.txt",
    "NFO": "FONSEScripMaster.txt",
    "BFO": "FOBSEScripMaster.txt",
    "CDS": "CDNSEScripMaster.txt",
    "MCX": "MCXScripMaster.txt",
}
FILES = {exchange: f"SecurityMaster.zip/{file}" for exchange, file in FILES.items()}
HEADERS = {
    FILES[exchange]: between.join(f'"{column}"' for column in (*columns, "ExchangeCode"))
    for exchange, columns, between in (
        ("NSE", NSE, ", "),
        ("BSE", BSE, ","),
        ("NFO", CONTRACTS, ","),
        ("BFO", CONTRACTS, ","),
        ("CDS", CONTRACTS, ","),
        ("MCX", COMMODITIES, ","),
    )
}
INDICES = {
    "NIFTY": "NIFTY 50",
    "BANKNIFTY": "NIFTY BANK",
    "FINNIFTY": "NIFTY FINANCIAL",
    "MIDCPNIFTY": "NIFTY MIDCAP",
    "NIFTYNXT50": "NIFTY NEXT 50",
}
"""What it calls the underlyings."""


def written(listed: Listed) -> Written | None:
    """How Breeze writes it: a contract is asked for by its short name, day, strike and side."""
    file = FILES.get(listed.exchange)
    if file is None:
        return None
    short, lot = _short(listed.name), max(listed.lot, 1)
    row: dict[str, Any] = {
        "Token": str(listed.token),
        "ShortName": short,
        "ExchangeCode": listed.name,
    }
    row |= {"Lotsize": lot, "LotSize": lot, "ticksize": listed.tick, "TickSize": listed.tick}
    row["CompanyName"] = listed.company
    if listed.kind == "INDEX":
        row |= dict.fromkeys(("Token", "CompanyName", "ExchangeCode"), listed.company)
        row["Series"] = "0"
        return Written(
            file, row, listed.meant(row["Token"], short, listed.company)._replace(lot_size=lot)
        )
    if listed.expiry is None:
        row["Series"] = listed.series if listed.exchange == "NSE" else listed.group
        return Written(file, row, listed.meant(row["Token"], short, listed.company))
    day = f"{listed.expiry:%d-%b-%Y}"
    symbol = f"{short}:::{day.upper()}:::"
    if listed.is_option:
        symbol += f"{listed.strike_text}:::{'CALL' if listed.kind == 'CE' else 'PUT'}"
    else:
        symbol += "FUT"
    row |= {
        "InstrumentName": _type(listed),
        "Series": "OPTION" if listed.is_option else "FUTURE",
        "ExpiryDate": day,
        "StrikePrice": listed.strike_text,
        "OptionType": listed.kind if listed.is_option else "XX",
        "ExchangeCode": INDICES.get(listed.name, listed.name),
    }
    if listed.exchange != "CDS":
        row["TickSize"] = round(listed.tick * 100, 4)
    return Written(file, row, listed.meant(row["Token"], symbol, listed.name))


def _short(name: str) -> str:
    """Six signs for a name."""
    letters = "".join(filter(str.isalnum, name))
    return f"{letters[:2]}{crc32(name.encode()) % 10_000:04}"


def _type(listed: Listed) -> str:
    kind = "OPT" if listed.is_option else "FUT"
    match listed.exchange:
        case "CDS":
            return f"{kind}CUR"
        case "BFO" if listed.is_on_index:
            return f"{kind}IND"
    return f"{kind}IDX" if listed.is_on_index else f"{kind}STK"
