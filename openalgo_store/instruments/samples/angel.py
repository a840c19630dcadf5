"""Angel's file: one JSON array, every value a text, prices in paise."""

from .listed import Listed, Written

FILE = "OpenAPIScripMaster.json"
HEADERS: dict[str, str] = {}
INDEX_SPELLINGS = {"SNSX50": "SENSEX50"}
NOTHING = "-1.000000"


def written(listed: Listed) -> Written | None:
    """How Angel writes it. Symbols of NFO and MCX have the day, others the form of the exchange."""
    exchange, symbol, name, strike, lot = listed.exchange, "", listed.name, NOTHING, listed.lot
    match listed.exchange:
        case "NSE":
            symbol = f"{listed.name}-{listed.series}"
        case "BSE":
            symbol = listed.name
        case "NSE_INDEX" | "BSE_INDEX" | "MCX_INDEX":
            exchange, lot = exchange.removesuffix("_INDEX"), 1
            symbol = INDEX_SPELLINGS.get(listed.company, listed.company)
            symbol, strike = symbol.title() if " " in symbol else symbol, "0.000000"
        case "NFO" | "MCX":
            symbol = listed.symbol
        case "BFO" | "CDS" | "BCD" | "NCO":
            symbol = listed.exchange_symbol
        case _:
            return None
    unit = 10_000_000 if exchange in ("CDS", "BCD") else 100
    if listed.is_option:
        strike = f"{listed.strike * unit:.6f}"
    elif exchange in ("BFO", "MCX"):
        strike = "0.000000"
    row = {
        "token": str(listed.token),
        "symbol": symbol,
        "name": name,
        "expiry": f"{listed.expiry:%d%b%Y}".upper() if listed.expiry else "",
        "strike": strike,
        "lotsize": str(lot),
        "instrumenttype": _type(listed),
        "exch_seg": exchange,
        "tick_size": f"{listed.tick * 100:.6f}",
    }
    meant = listed.meant(str(listed.token), symbol, name)
    return Written(FILE, row, meant._replace(lot_size=lot))


def _type(listed: Listed) -> str:
    if listed.kind == "INDEX":
        return "AMXIDX"
    if not listed.is_contract:
        return ""
    option = listed.is_option
    match listed.exchange:
        case "CDS" | "BCD":
            return "OPTCUR" if option else "FUTCUR"
        case "MCX" if listed.name.startswith("MCX"):
            return "OPTIDX" if option else "FUTIDX"
        case "MCX":
            return "OPTFUT" if option else "FUTCOM"
        case "NCO":
            return "OPTFUT" if option else "FUTBLN"
    return f"{'OPT' if option else 'FUT'}{'IDX' if listed.is_on_index else 'STK'}"
