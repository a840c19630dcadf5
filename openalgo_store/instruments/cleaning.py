"""Plain values from what brokers and callers write: a value, None for a blank, or Rejected."""

import math
import re
import sys
from datetime import UTC, date, datetime
from numbers import Complex, Integral, Number

from ..values.clock import trading_day

BLANK = frozenset({"", "NaN", "nan", "NaT", "None"})
MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
FIRST_YEAR, LAST_YEAR = 1990, 2200

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
_EPOCH = re.compile(r"-?\d{9,}(\.0*)?", re.ASCII)
_NUMERIC = re.compile(r"(\d\d)[-/](\d\d)[-/](\d{4})", re.ASCII)
_DAY_MONTH_YEAR = re.compile(rf"(\d\d)-?({'|'.join(MONTHS)})-?(\d{{4}}|\d\d)", re.ASCII)


class Rejected(ValueError):
    """A row cannot be kept; the reason is a short fixed phrase, so that reasons can be counted."""

    @property
    def reason(self) -> str:
        """The rule that the row breaks."""
        return str(self.args[0])


def text_of(value: object, column: str, longest: int = sys.maxsize) -> str | None:
    """Stripped text that both engines can hold."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if not isinstance(value, str):
        raise Rejected(f"{column} is not text")
    text = str.strip(value)
    if text in BLANK:
        return None
    if not text.isprintable():
        if "\0" in text:
            raise Rejected(f"{column} holds a NUL character")
        if any("\ud800" <= character <= "\udfff" for character in text):
            raise Rejected(f"{column} is not valid Unicode")
    if len(text) > longest:
        raise Rejected(f"{column} is longer than {longest}")
    return text


def token_of(value: object, column: str = "token", longest: int = sys.maxsize) -> str | None:
    """A token as text: 2885, 2885.0 and "2885.0" are all "2885"."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, Integral) and not isinstance(value, bool):
        if not 0 <= int(value) < 2**63:
            raise Rejected(f"{column} is out of range")
        value = str(int(value))
    text = text_of(value, column, longest)
    if text is not None and text.endswith(".0") and text[:-2].isdecimal():
        return text[:-2]
    return text


def number_of(value: object, column: str) -> float | None:
    """A finite number, 0 or more."""
    if isinstance(value, str):
        value = value.strip()
        if value in BLANK:
            return None
        if not _NUMBER.fullmatch(value):
            raise Rejected(f"{column} is not a number")
    elif value is None:
        return None
    elif type(value) is not float:
        if not isinstance(value, Number):
            raise Rejected(f"{column} is not a number")
        if isinstance(value, Complex) and not value.imag:
            value = value.real  # 0j equals 0, and what was remembered of the one serves the other
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise Rejected(f"{column} is not a number") from None
    except OverflowError:
        number = math.inf
    if math.isnan(number):
        return None
    if number < 0:
        raise Rejected(f"{column} is negative")
    if math.isinf(number):
        raise Rejected(f"{column} is out of range")
    return number + 0.0  # -0.0 becomes 0.0


def whole_of(value: object, column: str) -> int | None:
    """A whole number of 31 bits: 75, 75.0, "75" and "75.0" alike."""
    number = number_of(value, column)
    if number is None:
        return None
    if not number.is_integer():
        raise Rejected(f"{column} is not a whole number")
    if number >= 2**31:
        raise Rejected(f"{column} is out of range")
    return int(number)


def day_of(value: object, column: str = "expiry") -> date | None:
    """A calendar day, the Indian one where a moment is given.

    Takes a date, a datetime, ISO text, 28MAR2024 (28-MAR-24), and seconds or milliseconds since
    1970. An epoch in the wrong unit ends up far from today, so distant years are refused.
    """
    try:
        day = _day(value)
    except (ValueError, TypeError, OverflowError):
        raise Rejected(f"{column} is not a date") from None
    if day is not None and not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise Rejected(f"{column} is out of range")
    return day


class Days:
    """The days of one file: 05-08-2026 is 5 August in it if a day like 25-08-2026 tells so."""

    def __init__(self) -> None:
        self._told = False
        self._unclear = self._month_first = ""

    def day_of(self, text: str, column: str = "expiry") -> date | None:
        """A calendar day as the function of this name, or DD-MM-YYYY; raises Rejected."""
        found = _NUMERIC.fullmatch(text.strip())
        if found is None:
            return day_of(text, column)
        first, second, year = map(int, found.groups())
        if first > 12:
            self._told = True
        elif second > 12:
            self._month_first = found[0]
        elif first != second:
            self._unclear = found[0]
        return day_of(f"{year:04}-{second:02}-{first:02}", column)

    def fault(self) -> str | None:
        """Once all are read: why they cannot be relied on, if they cannot."""
        if self._month_first:
            return f"a date like {self._month_first} has the month first"
        if self._unclear and not self._told:
            return f"nothing tells whether {self._unclear} begins with the day or the month"
        return None


def _day(value: object) -> date | None:
    if value is None or value != value:
        return None
    if isinstance(value, datetime):
        return trading_day(value) if value.tzinfo else value.date()
    if isinstance(value, date):
        return date(value.year, value.month, value.day)
    if isinstance(value, Number):
        return _day_of_epoch(float(value))  # type: ignore[arg-type]
    if not isinstance(value, str):
        raise ValueError
    text = value.strip()
    if text in BLANK:
        return None
    if _EPOCH.fullmatch(text):
        return _day_of_epoch(float(text))
    if found := _DAY_MONTH_YEAR.fullmatch(text.upper()):
        year = int(found[3])
        if year < 100:
            year += 1900 if year >= 70 else 2000  # 01-JAN-70 is an epoch that went wrong
        return date(year, MONTHS.index(found[2]) + 1, int(found[1]))
    return _day(datetime.fromisoformat(text))


def _day_of_epoch(epoch: float) -> date:
    seconds = epoch / 1000 if abs(epoch) >= 1e11 else epoch
    if not 0 <= seconds < 8e9:
        return date.min
    return trading_day(datetime.fromtimestamp(seconds, UTC))
