"""What real files have and a plain market lacks: odd names, series, strikes, ticks and months."""

from collections.abc import Iterator
from datetime import date
from itertools import islice
from random import Random

from .listed import Listed
from .market import THURSDAY, Underlying, contracts, market

SHARES = {
    "EQ": "3MINDIA 20MICRONS 360ONE M&M M&MFIN ARE&M J&KBANK BAJAJ-AUTO NAM-INDIA MCDOWELL-N "
    "MOTHERSON ELECTCAST CHOLAFIN SETFNIF50 031NSETEST BSE NIFTYBEES",
    "BE": "5PAISA UNIDT UMIYA-MRO PATELENG-RE",
    "BZ": "63MOONS",
    "SM": "GOLDSTAR",
    "ST": "PRITIKA",
    "SZ": "21STCENMGM",
    "IT": "NIFTYITETF",
    "D1": "MOTHERSON CHOLAFIN",
    "W1": "ELECTCAST",
    "BL": "CENTRALBK",
    "GB": "SGBOCT27 SGBJAN27",
    "SG": "656MH32 702AP30",
    "GS": "757GS2033",
    "TB": "364D311024",
    "YL": "94SFL28",
    "N1": "862HHFL29",
    "MF": "HDFC1406RG",
    "IV": "OSEINTRUST",
    "RR": "EMBASSY",
    "P1": "AARTISURF",
}
"""Names by series of NSE."""

LOTS = {"GOLDSTAR": 11250, "PRITIKA": 2000, "656MH32": 100, "757GS2033": 100, "OSEINTRUST": 200000}
ON_BSE = ("3MINDIA", "20MICRONS", "M&M", "BAJAJ-AUTO", "774IRFC38", "63MOONS", "UMIYA-MRO")
INDICES = {"INDIAVIX": "INDIA VIX"}

UNDERLYINGS = (
    Underlying("360ONE", "NFO", 1100, 10, 500),
    Underlying("M&M", "NFO", 3200, 20, 200),
    Underlying("BAJAJ-AUTO", "NFO", 9050, 50, 75),
    Underlying("ASHOKLEY", "NFO", 172.5, 2.5, 5000, 0.01),
    Underlying("IDEA", "NFO", 7, 0.5, 71475, 0.01),
    Underlying("M&M", "BFO", 3200, 20, 200, weekday=THURSDAY),
    Underlying("SENSEX50", "BFO", 26800, 100, 75, weekday=THURSDAY, weeks=3),
    Underlying("EURUSD", "CDS", 1.09, 0.005, 1, 0.0001, weekday=THURSDAY),
    Underlying("USDJPY", "CDS", 146, 0.5, 1, 0.01, weekday=THURSDAY, weeks=3),
    Underlying("USDINR", "BCD", 94.25, 0.25, 1, 0.0025, weekday=THURSDAY, weeks=4),
    Underlying("CRUDEOILM", "MCX", 5600, 50, 10, 1.0, options_before=2),
    Underlying("GOLDM", "MCX", 100000, 100, 10, 1.0, options_before=33),
    Underlying("NATGASMINI", "MCX", 245, 2.5, 250, 0.1, options_before=5),
    Underlying("MCXBULLDEX", "MCX", 34100, 100, 30, 1.0),
    Underlying("GOLD10G", "NCO", 100000, 500, 1, 1.0),
    Underlying("ZINC", "NCO", 292.5, 2.5, 1, 0.01, options_before=33),
)


def odd_market(random: Random, total: int, day: date) -> list[Listed]:
    """A market of `total` rows of which an eighth is odd in one way or another."""
    shares = list(_shares())
    odd = [*shares, *islice(contracts(UNDERLYINGS, day), max(100, total // 8 - len(shares)))]
    return [*market(random, total - len(odd), day), *odd]


def _shares() -> Iterator[Listed]:
    for name, long_name in INDICES.items():
        yield Listed("NSE_INDEX", "INDEX", name, long_name, 0.0, 0)
    for series, names in SHARES.items():
        for name in names.split():
            yield Listed("NSE", "EQ", name, f"{name} LTD.", 0.05, LOTS.get(name, 1), series)
    for name in ON_BSE:
        yield Listed("BSE", "EQ", name, f"{name} LTD.", 0.05, 1)
