"""Kotak's files: a CSV for each segment, prices in whole units, some seconds since 1980."""

from datetime import UTC, date, datetime, time
from typing import Any

from .listed import Listed, Written

HEADER = (
    "pSymbol,pGroup,pExchSeg,pInstType,pSymbolName,pTrdSymbol,pOptionType,pScripRefKey,pISIN,"
    "pAssetCode,pSubGroup,pCombinedSymbol,pDesc,pAmcCode,pContractId,dTickSize ,lLotSize,"
    "lExpiryDate ,lMultiplier ,lPrecision,dStrikePrice;,pExchange,pInstName,pExpiryDate"
)
"""The beginning: what follows is of no use here."""

SEGMENTS = {
    "NSE": "nse_cm",
    "NSE_INDEX": "nse_cm",
    "BSE": "bse_cm",
    "BSE_INDEX": "bse_cm",
    "NFO": "nse_fo",
    "BFO": "bse_fo",
    "CDS": "cde_fo",
    "MCX": "mcx_fo",
    "NCO": "nse_com",
}
FILES = {
    segment: f"{segment}-v1.csv" if segment.endswith("cm") else f"{segment}.csv"
    for segment in SEGMENTS.values()
}
HEADERS = dict.fromkeys(FILES.values(), HEADER)
SINCE_1970 = ("bse_fo", "mcx_fo")
FIRST_OF_1980 = datetime(1980, 1, 1, tzinfo=UTC)


def written(listed: Listed) -> Written | None:
    """How Kotak writes it."""
    segment = SEGMENTS.get(listed.exchange)
    if segment is None:
        return None
    precision = 4 if segment == "cde_fo" else 2
    lot = max(listed.lot, 1)
    name, symbol = listed.name, listed.name
    row: dict[str, Any] = {
        "pSymbol": listed.token,
        "pExchSeg": segment,
        "pSymbolName": listed.name,
        "pDesc": listed.company,
        "dTickSize ": round(listed.tick * 10**precision),
        "lLotSize": lot,
        "lPrecision": precision,
    }
    if listed.expiry is None:
        name = listed.company
        if listed.kind != "INDEX":
            group = listed.series if segment == "nse_cm" else listed.group
            row |= {"pGroup": group, "pISIN": listed.isin}
            symbol += f"-{group}" if segment == "nse_cm" else ""
    else:
        symbol = listed.symbol if segment == "mcx_fo" else listed.exchange_symbol
        row |= {"pGroup": "" if segment == "mcx_fo" else "XX", "pInstType": _type(listed, segment)}
        row["lExpiryDate "] = _seconds(listed.expiry, segment)
        row["pOptionType"] = "" if segment == "mcx_fo" else "XX"
        row["dStrikePrice;"] = "" if segment == "mcx_fo" else "-1"
        if listed.is_option:
            row["pOptionType"] = listed.kind
            row["dStrikePrice;"] = _number(round(listed.strike * 10**precision))
    row["pTrdSymbol"] = symbol
    meant = listed.meant(str(listed.token), symbol, name)
    return Written(FILES[segment], row, meant._replace(lot_size=lot))


def _seconds(day: date, segment: str) -> int:
    """Since 1970, to the end of the day; or since 1980, by the clock in India."""
    if segment in SINCE_1970:
        return int(datetime.combine(day, time(18, 29, 59, tzinfo=UTC)).timestamp())
    close = datetime.combine(day, time(14, 30, tzinfo=UTC))
    return int((close - FIRST_OF_1980).total_seconds())


def _number(value: int) -> str:
    """2.1e+06 where six digits hold it."""
    short = f"{value:.6g}"
    return short if float(short) == value else str(value)


def _type(listed: Listed, segment: str) -> str:
    if segment == "bse_fo":
        return ("I" if listed.is_on_index else "S") + ("O" if listed.is_option else "F")
    kind = "OPT" if listed.is_option else "FUT"
    if segment == "cde_fo":
        return f"{kind}CUR"
    if listed.is_on_index:
        return f"{kind}IDX"
    if segment == "nse_fo":
        return f"{kind}STK"
    return f"{kind}FUT" if listed.is_option else f"{kind}COM"
