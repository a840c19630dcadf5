"""A believable market, made from a seed: indices, shares, contracts.

The well-known indices, RELIANCE and the contracts of commodities and currencies bear their real
names; every other company is invented.
"""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from itertools import count as count_up
from itertools import islice
from random import Random
from typing import NamedTuple

from .listed import Listed

TUESDAY, THURSDAY = 1, 3
INDICES = {
    "NSE_INDEX": {
        "NIFTY": "NIFTY 50",
        "BANKNIFTY": "NIFTY BANK",
        "FINNIFTY": "NIFTY FIN SERVICE",
        "MIDCPNIFTY": "NIFTY MID SELECT",
        "NIFTYNXT50": "NIFTY NEXT 50",
    },
    "BSE_INDEX": {"SENSEX": "SENSEX", "BANKEX": "BANKEX", "SENSEX50": "SNSX50"},
    "MCX_INDEX": {"MCXBULLDEX": "MCXBULLDEX", "MCXMETLDEX": "MCXMETLDEX"},
}
"""Canonical and long names."""


class Underlying(NamedTuple):
    """What contracts are written on: prices in rupees, `weeks` of weekly expiries.

    An underlying of depth 4 has four times as many strikes as one of depth 1. Its options expire
    `options_before` days before the futures whose month they bear.
    """

    name: str
    exchange: str
    price: float
    step: float
    lot: int
    tick: float = 0.05
    weekday: int = TUESDAY
    weeks: int = 0
    depth: int = 1
    options_before: int = 0


INDEX_UNDERLYINGS = (
    Underlying("NIFTY", "NFO", 24500, 50, 65, weeks=5, depth=4),
    Underlying("BANKNIFTY", "NFO", 55500, 100, 30, depth=4),
    Underlying("FINNIFTY", "NFO", 26500, 50, 60, depth=4),
    Underlying("MIDCPNIFTY", "NFO", 13700, 25, 120, depth=4),
    Underlying("NIFTYNXT50", "NFO", 68000, 100, 25, depth=4),
    Underlying("SENSEX", "BFO", 80500, 100, 20, weekday=THURSDAY, weeks=5, depth=4),
    Underlying("BANKEX", "BFO", 62500, 100, 30, weekday=THURSDAY, depth=4),
)
COMMODITIES = (
    Underlying("GOLD", "MCX", 100000, 100, 1, 1.0),
    Underlying("SILVER", "MCX", 114000, 250, 1, 1.0),
    Underlying("CRUDEOIL", "MCX", 5600, 50, 1, 1.0),
    Underlying("NATURALGAS", "MCX", 245, 2.5, 1, 0.1),
    Underlying("COPPER", "MCX", 890, 5, 1, 0.05),
    Underlying("ZINC", "MCX", 268, 2.5, 1, 0.05),
)
CURRENCIES = (
    Underlying("USDINR", "CDS", 87.5, 0.25, 1, 0.0025, weekday=THURSDAY, weeks=5),
    Underlying("EURINR", "CDS", 102, 0.25, 1, 0.0025, weekday=THURSDAY),
    Underlying("GBPINR", "CDS", 118, 0.25, 1, 0.0025, weekday=THURSDAY),
    Underlying("JPYINR", "CDS", 59.25, 0.25, 1, 0.0025, weekday=THURSDAY),
)

HEADS = ("ABHI", "AMRI", "BHAV", "CHAN", "DEVA", "HARI", "INDR", "KAVE", "MADH", "NAND", "SAGA")
MIDDLES = ("", "NI", "RO", "SU", "TI", "VA", "KO", "DE", "LA", "MI", "PU", "GO")
LATER_SERIES = ("EQ", "EQ", "EQ", "EQ", "BE", "SM", "ST", "BZ")
TAILS = ("BEAM", "CEM", "CHEM", "FORGE", "GLASS", "INFRA", "LABS", "MILLS", "MOTO", "STEEL")


def market(random: Random, total: int, day: date) -> list[Listed]:
    """Indices and shares 3%, commodities 10%, currencies 7%, index and share contracts the rest.

    Their tokens are still 0.
    """
    shares = max(20, total * 3 // 100)
    names = _company_names(random, shares // 2 + 1)
    listed = [*_indices(), *islice(_shares(random, names), shares)]
    companies = [
        Underlying(name, "NFO", price, _step(price), random.randrange(75, 3000, 25))
        for name in names[: min(193, shares // 4)]
        for price in [float(random.randrange(120, 9000, 10))]
    ]
    commodities = list(islice(contracts(COMMODITIES, day), total // 10))
    currencies = list(islice(contracts(CURRENCIES, day), total * 7 // 100))
    rest = total - len(listed) - len(commodities) - len(currencies)
    equity = list(islice(contracts((*INDEX_UNDERLYINGS, *companies), day), rest))
    for segment in (equity, commodities, currencies):
        listed += sorted(segment, key=lambda each: (each.exchange, each.exchange_symbol))
    return listed


def _indices() -> Iterator[Listed]:
    for exchange, names in INDICES.items():
        for name, long_name in names.items():
            yield Listed(exchange, "INDEX", name, long_name, 0.0, 0)


def _company_names(random: Random, number: int) -> list[str]:
    """RELIANCE and invented ones, all different."""
    invented = [head + middle + tail for head in HEADS for middle in MIDDLES for tail in TAILS]
    random.shuffle(invented)
    numbered = (f"{name}{series}" for series in count_up(2) for name in invented)
    return ["RELIANCE", *islice((*invented, *islice(numbered, number)), number - 1)]


def _shares(random: Random, names: Sequence[str]) -> Iterator[Listed]:
    """Each company on NSE and on BSE; the later ones in other series, or beside a bond."""
    for at, name in enumerate(names):
        company = f"{name.title()} Limited"
        series = (
            "EQ" if at < 200 else random.choice(("EQ", "EQ", "EQ", "EQ", "BE", "SM", "ST", "BZ"))
        )
        yield Listed("NSE", "EQ", name, company, 0.05, 1, series)
        yield Listed("BSE", "EQ", name, company, 0.01, 1)
        if at % 10 == 9:
            bond = random.choice(("N1", "N8", "W1", "GB"))
            yield Listed("NSE", "EQ", name, company, 0.01, 1, bond)


def contracts(underlyings: Sequence[Underlying], day: date) -> Iterator[Listed]:
    """Futures first, then options, strike by strike outwards from the price, without end."""
    chains = []
    for underlying in underlyings:
        months = _last_days(day, underlying.weekday, 3)
        for expiry in months:
            yield _contract(underlying, "FUT", expiry, _tag(expiry, True))
        first = _next_day(day, underlying.weekday)
        weeks = {first + timedelta(weeks=number) for number in range(underlying.weeks)}
        for expiry in sorted(weeks.union(months)):
            tag = _tag(expiry, expiry in months)
            last = expiry - timedelta(days=underlying.options_before)
            if last >= day:
                chains.append((underlying, last, tag))
    for distance in count_up():
        for underlying, expiry, tag in chains:
            for steps in range(distance * underlying.depth, (distance + 1) * underlying.depth):
                for strike in sorted({_strike(underlying, -steps), _strike(underlying, steps)}):
                    for kind in ("CE", "PE") if strike > 0 else ():
                        yield _contract(underlying, kind, expiry, tag, strike)


def _strike(underlying: Underlying, steps: int) -> float:
    return round(float(underlying.price + steps * underlying.step), 4)


def _contract(
    underlying: Underlying, kind: str, expiry: date, tag: str, strike: float = 0.0
) -> Listed:
    name, exchange = underlying.name, underlying.exchange
    return Listed(
        exchange, kind, name, name, underlying.tick, underlying.lot, "", expiry, tag, strike
    )


def _step(price: float) -> float:
    """The distance of strikes, wider for a dearer share."""
    steps = ((250, 2.5), (1000, 10), (3000, 20))
    return next((step for limit, step in steps if price < limit), 50)


def _next_day(day: date, weekday: int) -> date:
    return day + timedelta(days=(weekday - day.weekday()) % 7)


def _last_days(day: date, weekday: int, months: int) -> list[date]:
    """The last Tuesday, or whichever weekday, of the coming months."""
    last: list[date] = []
    year, month = day.year, day.month
    while len(last) < months:
        year, month = (year, month + 1) if month < 12 else (year + 1, 1)
        found = _next_day(date(year, month, 1) - timedelta(weeks=1), weekday)
        if found >= day:
            last.append(found)
    return last


def _tag(expiry: date, monthly: bool) -> str:
    """26AUG for the month's last expiry, 26818 for a week's."""
    if monthly:
        return f"{expiry:%y%b}".upper()
    return f"{expiry:%y}{'123456789OND'[expiry.month - 1]}{expiry:%d}"
