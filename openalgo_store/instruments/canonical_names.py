"""Canonical symbols: NIFTY28MAR2420800CE is name, DDMMMYY, strike, CE or PE (or FUT)."""

import re
from datetime import date

from .cleaning import MONTHS

DERIVATIVES = frozenset({"FUT", "CE", "PE"})
SERIES_OF_SHARES = ("EQ", "BE", "BZ", "SM", "ST", "SZ", "IT")
"""A share trades in one of these at a time: the suffix is no part of its name. Where two still
meet, the first one has the bare name."""

_CONTRACT = re.compile(
    rf"(.+?)(\d\d({'|'.join(MONTHS)})(\d\d)?|\d\d[1-9OND][0-3]\d)", re.ASCII | re.DOTALL
)


def expiry_text(day: date) -> str:
    """28MAR24."""
    return f"{day.day:02}{MONTHS[day.month - 1]}{day.year % 100:02}"


def strike_text(strike: float) -> str:
    """20800 or 292.5."""
    return str(int(strike)) if strike.is_integer() else repr(strike)


def name_in(broker_symbol: str, kind: str, strike: float | None) -> str | None:
    """The underlying of a contract, read from its symbol.

    Knows NIFTY26AUG24350CE (month), NIFTY2681824350CE (week: O N D for the last months) and
    NIFTY18AUG2624350CE. The strike has to be known: digits run into each other.
    """
    head = broker_symbol.removesuffix(kind)
    if kind != "FUT" and strike is not None:
        for text in (strike_text(strike), f"{strike:.2f}", f"{strike:.1f}"):
            if head.endswith(text):
                head = head.removesuffix(text)
                break
    found = _CONTRACT.fullmatch(head)
    return found[1].strip() or None if found else None


def share_name(broker_symbol: str) -> tuple[str, str]:
    """The canonical symbol of a share and its series: CDSL-BE is (CDSL, BE).

    Series that trade beside the share keep their suffix: ELECTCAST-W1 is (ELECTCAST-W1, W1).
    BAJAJ-AUTO is a name.
    """
    if broker_symbol[-3:-2] != "-" or len(broker_symbol) < 4:
        return broker_symbol, "EQ"
    series = broker_symbol[-2:]
    return (broker_symbol[:-3] if series in SERIES_OF_SHARES else broker_symbol), series
