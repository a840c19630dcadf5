"""Dhan's file: one CSV with a header; strikes in rupees, ticks in paise, contracts in words."""

from .listed import Listed, Written

FILE = "api-scrip-master.csv"
HEADERS = {
    FILE: "SEM_EXM_EXCH_ID,SEM_SEGMENT,SEM_SMST_SECURITY_ID,SEM_INSTRUMENT_NAME,SEM_EXPIRY_CODE,"
    "SEM_TRADING_SYMBOL,SEM_LOT_UNITS,SEM_CUSTOM_SYMBOL,SEM_EXPIRY_DATE,SEM_STRIKE_PRICE,"
    "SEM_OPTION_TYPE,SEM_TICK_SIZE,SEM_EXPIRY_FLAG,SEM_EXCH_INSTRUMENT_TYPE,SEM_SERIES,"
    "SM_SYMBOL_NAME"
}
SEGMENTS = {
    "NSE": ("NSE", "E"),
    "BSE": ("BSE", "E"),
    "NSE_INDEX": ("NSE", "I"),
    "BSE_INDEX": ("BSE", "I"),
    "MCX_INDEX": ("MCX", "I"),
    "NFO": ("NSE", "D"),
    "BFO": ("BSE", "D"),
    "CDS": ("NSE", "C"),
    "BCD": ("BSE", "C"),
    "MCX": ("MCX", "M"),
    "NCO": ("NSE", "M"),
}


def written(listed: Listed) -> Written | None:
    """How Dhan writes it."""
    if listed.exchange not in SEGMENTS:
        return None
    exchange, segment = SEGMENTS[listed.exchange]
    lot = max(listed.lot, 1)
    symbol, words, company = listed.name, listed.company.title(), listed.company
    expiry = strike = option_type = flag = ""
    series, tick = "", listed.tick * 100
    if listed.kind == "INDEX":
        kind, kind_there, series, tick = "INDEX", "INDEX", "X", 0.05
        expiry, option_type, company = "0001-01-01", "XX", symbol
        meant_tick = tick
    else:
        meant_tick = listed.tick
    if listed.kind == "EQ":
        kind, kind_there, flag = "EQUITY", "ES", "NA"
        series = listed.series if listed.exchange == "NSE" else listed.group
    if listed.expiry:
        day = f"{listed.expiry:%d%b%Y}" if exchange == "MCX" else f"{listed.expiry:%b%Y}"
        kind = ("OPT" if listed.is_option else "FUT") + _underlying(listed, segment)
        kind_there = "OP" if listed.is_option else "FUT"
        flag = "W" if listed.tag.isdigit() else "M"
        expiry = f"{listed.expiry} {'23:30' if segment == 'M' else '14:30'}:00"
        company = listed.name if segment == "M" else ""
        if listed.is_option:
            symbol += f"-{day}-{listed.strike_text}-{listed.kind}"
            side = "CALL" if listed.kind == "CE" else "PUT"
            words = f"{listed.name} {listed.expiry:%d %b} {listed.strike_text} {side}".upper()
            strike, option_type = f"{listed.strike:.5f}", listed.kind
        else:
            symbol += f"-{day}-FUT"
            words = f"{listed.name} {listed.expiry:%b} FUT".upper()
            strike, option_type = "-0.01000", "XX"
    row = [
        exchange,
        segment,
        listed.token,
        kind,
        0,
        symbol,
        f"{lot}.0",
        words,
        expiry,
        strike,
        option_type,
        f"{tick:.4f}",
        flag,
        kind_there,
        series,
        company,
    ]
    meant = listed.meant(str(listed.token), symbol, listed.name if listed.expiry else company)
    return Written(FILE, row, meant._replace(lot_size=lot, tick_size=meant_tick))


def _underlying(listed: Listed, segment: str) -> str:
    if segment == "C":
        return "CUR"
    if listed.is_on_index:
        return "IDX"
    if segment == "M":
        return "FUT" if listed.is_option else "COM"
    return "STK"
