"""5paisa's file: one gzipped CSV with a header, symbols in words, prices in rupees."""

from .listed import Listed, Written

FILE = "ScripMaster.csv.gz"
HEADERS = {
    FILE: "Exch,ExchType,ScripCode,Name,Expiry,ScripType,StrikeRate,FullName,TickSize,LotSize,"
    "QtyLimit,Multiplier,SymbolRoot,BOCOAllowed,ISIN,ScripData,Series"
}
SEGMENTS = {
    "NSE": "NC",
    "NSE_INDEX": "NC",
    "BSE": "BC",
    "BSE_INDEX": "BC",
    "NFO": "ND",
    "BFO": "BD",
    "CDS": "NU",
    "BCD": "BU",
    "MCX": "MD",
    "NCO": "NY",
}
FIRST_INDEX = 999_900_000


def written(listed: Listed) -> Written | None:
    """How 5paisa writes it."""
    segment = SEGMENTS.get(listed.exchange)
    if segment is None:
        return None
    token, lot, root = listed.token, max(listed.lot, 1), listed.name
    symbol, company, data, series = listed.name, listed.company, listed.name, "EQ"
    expiry, kind, strike, isin = "1980-01-01 00:00:00", "EQ", "0", ""
    if listed.kind == "INDEX":
        token += FIRST_INDEX
        root = listed.company
    elif listed.expiry is None:
        series = listed.series if listed.exchange == "NSE" else listed.group
        expiry, isin, data = "", listed.isin, f"{symbol}_{series}"
    else:
        kind, series = "XX", "XX" if segment == "ND" else "  "
        symbol += f" {listed.expiry:%d %b %Y}"
        if listed.is_option:
            kind, strike = listed.kind, listed.strike_text
            symbol += f" {kind} {listed.strike:.2f}"
        company, data = symbol, f"{root}_{listed.expiry:%Y%m%d}"
        expiry = f"{listed.expiry} {'00:00' if segment == 'MD' else '14:30'}:00"
    row = [
        segment[0],
        segment[1],
        token,
        symbol,
        expiry,
        kind,
        strike,
        company,
        f"{listed.tick:g}",
        lot,
        0,
        1,
        root,
        "N",
        isin,
        data,
        series,
    ]
    meant = listed.meant(str(token), symbol, root if listed.expiry else company)
    return Written(FILE, row, meant._replace(lot_size=lot))
