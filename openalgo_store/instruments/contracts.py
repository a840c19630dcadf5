"""What a contract's symbol tells of it: two contracts at once, or another than its columns say."""

import re
from datetime import date, timedelta

from .canonical_names import expiry_text, strike_text
from .cleaning import MONTHS, Rejected

SPREAD = "a calendar spread: its symbol has two months"

_MONTH = "|".join(MONTHS)
_LEG = re.compile(
    rf"\d\d[- ]?(?:{_MONTH})|(?:{_MONTH})[- ]?\d\d|(?<=\d\d(?:{_MONTH}))(?:{_MONTH})", re.ASCII
)
_KNOWN_FORM = re.compile(
    rf".+?(\d\d({_MONTH})(\d\d)?|\d\d[1-9OND][0-3]\d)(\d+(\.\d+)?(CE|PE)|FUT)",
    re.ASCII | re.DOTALL,
)
_DAY, _NAMED = r"(?P<day>\d\d)", rf"(?P<month>{_MONTH})"
_SIDE, _STRIKE = "(?P<side>[CP])", r"(?P<strike>\d+(\.\d+)?)"
_OTHER_FORMS = [
    re.compile(f"(?P<name>.*?){form}", re.ASCII | re.DOTALL).fullmatch
    for form in (
        rf"{_DAY}{_NAMED}(?P<year>\d\d)({_SIDE}{_STRIKE}|F?)",
        rf" ({_STRIKE} {_SIDE}E|FUT) {_DAY} {_NAMED} (?P<year>\d\d)",
        rf" {_DAY} {_NAMED} \d\d(?P<year>\d\d)( {_SIDE}E {_STRIKE})?",
        rf"-{_DAY}?{_NAMED}\d\d(?P<year>\d\d)-({_STRIKE}-{_SIDE}E|FUT)",
    )
]
"""NIFTY01SEP26C24350, NIFTY 24350 CE 01 SEP 26, NIFTY 01 Sep 2026 CE 24350.00, and
NIFTY-Sep2026-24350-CE: as other brokers write them."""
_OF_A_CONTRACT = re.compile(
    rf"\d\d(?:{_MONTH})(?:\d\d|.*(?:FUT|CE|PE)$)|\d(?:CE|PE)$", re.ASCII | re.DOTALL
)
_OF_COMMODITIES = frozenset({"MCX", "NCDEX", "NCO"})
_DAYS_MOVED = 3
"""How far a holiday may move the expiry of a week away from the day in its symbol."""


def is_spread(broker_symbol: str, name: str | None) -> bool:
    """Whether a future's symbol has two months: GOLD21JAN21FEBFUT, SILVERDEC19MAR20FUT."""
    return len(_LEG.findall(broker_symbol.removeprefix(name or "").upper())) > 1


def heads_of(name: str | None, expiry: date) -> dict[str, int]:
    """How a symbol of this contract begins, and how well that tells the expiry (0 is best).

    Raises Rejected for a name that is a contract's itself: its column holds symbols.
    """
    if name is None:
        return {}
    if _OF_A_CONTRACT.search(name):
        raise Rejected("name is the symbol of a contract")
    days = {name + expiry_text(expiry): 0, name + _week_text(expiry): 0}
    return days | {name + _month_text(expiry): 1}


def closeness(
    broker_symbol: str, name: str | None, expiry: date | None, strike: float | None, kind: str
) -> int:
    """How well a broker's symbol tells its contract: 0 all, 1 but for the day, 2 not for sure."""
    if expiry is None:
        return 2
    return heads_of(name, expiry).get(broker_symbol.removesuffix(tail_of(strike, kind)), 2)


def tail_of(strike: float | None, kind: str) -> str:
    """How it ends: 24500CE, or FUT."""
    return kind if kind == "FUT" or strike is None else strike_text(strike) + kind


def in_known_form(symbol: str, name: str | None, kind: str) -> str:
    """A broker's symbol in a form that `check_contract` judges, if it tells as much."""
    name = name if name and symbol.startswith(name) else ""
    rest = symbol[len(name) :].upper()
    for form in _OTHER_FORMS:
        if found := form(rest):
            more, day, month, year = found.group("name", "day", "month", "year")
            head = f"{name}{more}{day}{month}{year}" if day else f"{name}{more}{year}{month}"
            if side := found["side"]:
                strike = found["strike"]
                return f"{head}{strike.rstrip('0').rstrip('.') if '.' in strike else strike}{side}E"
            return f"{head}FUT" if kind == "FUT" else symbol  # which need not name its kind
    return symbol


def check_contract(
    symbol: str, exchange: str, expiry: date, strike: float | None, kind: str
) -> None:
    """Reject a contract that cannot be the one which the symbol names.

    Judges the forms NIFTY26AUG24350CE (month), NIFTY2681824350CE (week), NIFTY18AUG2624350CE, and
    futures of the same. A commodity's may expire in the month before the one in its symbol.
    """
    if not _KNOWN_FORM.fullmatch(symbol):
        return
    if not symbol.endswith(kind):
        raise Rejected("the symbol and its option type disagree")
    tails = {tail_of(strike, kind)}
    if kind != "FUT" and strike is not None:
        tails.update(f"{strike:.{places}f}{kind}" for places in (1, 2, 4))
    told = [symbol.removesuffix(tail) for tail in tails if symbol.endswith(tail)]
    if not told:
        raise Rejected("the symbol and its strike disagree")
    moved = range(-_DAYS_MOVED, _DAYS_MOVED + 1)
    dates = (
        expiry_text(expiry),
        _month_text(expiry),
        *(_week_text(expiry + timedelta(days=number)) for number in moved),
    )
    if exchange in _OF_COMMODITIES:
        dates += (_month_text(expiry.replace(day=1) + timedelta(days=31)),)
    if not any(head.endswith(dates) for head in told):
        raise Rejected("the symbol and its expiry disagree")


def _month_text(day: date) -> str:
    return f"{day.year % 100:02}{MONTHS[day.month - 1]}"


def _week_text(day: date) -> str:
    return f"{day.year % 100:02}{'123456789OND'[day.month - 1]}{day.day:02}"
