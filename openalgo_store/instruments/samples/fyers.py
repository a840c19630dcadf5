"""Fyers's files: a CSV without a header for each exchange and segment, prices in rupees."""

from datetime import UTC, datetime, time

from .listed import Listed, Written

HEADERS: dict[str, str] = {}
FILES = {
    "NSE": ("NSE_CM.csv", 10, 10),
    "NSE_INDEX": ("NSE_CM.csv", 10, 10),
    "NFO": ("NSE_FO.csv", 10, 11),
    "CDS": ("NSE_CD.csv", 10, 12),
    "NCO": ("NSE_COM.csv", 10, 20),
    "BSE": ("BSE_CM.csv", 12, 10),
    "BSE_INDEX": ("BSE_CM.csv", 12, 10),
    "BFO": ("BSE_FO.csv", 12, 11),
    "BCD": ("BSE_CD.csv", 12, 12),
    "MCX": ("MCX_COM.csv", 11, 20),
}
CODES = {10: "NSE", 11: "MCX", 12: "BSE"}
CLOSE = time(10, tzinfo=UTC)
"""Half past three in India."""


def written(listed: Listed) -> Written | None:
    """How Fyers writes it: the exchange stands before the symbol."""
    if listed.exchange not in FILES:
        return None
    file, exchange, segment = FILES[listed.exchange]
    name, long_name, isin, expiry, tick = listed.name, listed.company, "", "", listed.tick
    strike, option_type = -1.0, "XX"
    if listed.kind == "INDEX":
        symbol = long_name = f"{listed.company.replace(' ', '')}-INDEX"
        number, tick = 10, 0.05
    elif listed.expiry is None:
        symbol = f"{name}-{listed.series if listed.exchange == 'NSE' else listed.group}"
        number, isin = 0 if listed.series in ("EQ", "BE") else 5, listed.isin
    else:
        symbol = listed.exchange_symbol
        end = f"{listed.strike_text} {listed.kind}" if listed.is_option else "FUT"
        long_name = f"{name} {listed.expiry:%d %b %y} {end}"
        number = _number(listed, segment)
        expiry = str(int(datetime.combine(listed.expiry, CLOSE).timestamp()))
        if listed.is_option:
            strike, option_type = listed.strike, listed.kind
    date = f"{listed.expiry:%y%m%d}" if listed.expiry else "000000"
    token = f"{exchange}{segment}{date}{listed.token}"
    row = [
        token,
        long_name,
        number,
        listed.lot,
        tick,
        isin,
        "0915-1530|1815-1915:",
        "2026-08-14",
        expiry,
        f"{CODES[exchange]}:{symbol}",
        exchange,
        segment,
        listed.token,
        name,
        1,
        strike,
        option_type,
        f"{exchange}100000001",
        "None",
        0,
        0.0,
    ]
    meant = listed.meant(token, f"{CODES[exchange]}:{symbol}", name if expiry else long_name)
    return Written(file, row, meant._replace(tick_size=tick))


def _number(listed: Listed, segment: int) -> int:
    """What kind of contract."""
    if segment == 12:
        return 19 if listed.is_option else 16
    if segment == 20:
        return 31 if listed.is_option else 30
    return (
        (14 if listed.is_option else 11) if listed.is_on_index else (15 if listed.is_option else 13)
    )
