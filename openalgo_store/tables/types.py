"""Column types that give both engines the same rules: checked on the way in, equal on the way out.

A value that breaks a rule raises InvalidInput before the database sees it; the message never
shows the value, which may be a secret.
"""

import json
import math
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, DateTime, Double, String
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

from .clock import require_aware
from .errors import InvalidInput

MOST_MILLIONTHS = 2**61
"""What an amount stays below, in millionths of a rupee, so that sums of it keep to 64 bits."""


_LONGEST_INT = 3_300
"""Bits, some thousand digits: Python refuses to write much longer ones."""


def check_text(text: str) -> str:
    """The text, if both engines can hold it: no NUL, no lone surrogate."""
    if "\0" in text:
        raise InvalidInput("text with a NUL character: PostgreSQL cannot hold it; remove it")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise InvalidInput(
                "text with a lone surrogate is not valid Unicode: decode it properly"
            ) from None
    return text


def check_json(value: Any) -> Any:
    """The value, if it is JSON to the letter: string keys, finite numbers, storable text."""
    if isinstance(value, str):
        check_text(value)
    elif isinstance(value, float):
        check_finite(value)
    elif isinstance(value, int) and value.bit_length() > _LONGEST_INT:
        raise InvalidInput("JSON with a number of a thousand digits: write it as text")
    elif isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise InvalidInput("JSON keys must be text")
            check_text(key)
            check_json(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            check_json(item)
    elif value is not None and not isinstance(value, (bool, int)):
        raise InvalidInput(f"{type(value).__name__} is not JSON: convert it first")
    return value


def check_finite(value: float) -> float:
    """The number as a float, if it is one and neither NaN nor infinite."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise InvalidInput(f"a number is needed, not {type(value).__name__}")
    try:
        number = float(value)
    except OverflowError:
        raise InvalidInput("a number of more digits than a double holds: check it") from None
    if not math.isfinite(number):
        raise InvalidInput("NaN and infinity are not numbers the store keeps")
    return number


def check_moment(value: datetime) -> datetime:
    """The moment in UTC, if it is an aware datetime."""
    if not isinstance(value, datetime):
        raise InvalidInput(f"a datetime is needed, not {type(value).__name__}")
    try:
        return require_aware(value)
    except (ValueError, OverflowError) as error:
        raise InvalidInput(str(error)) from None


def check_quantity(value: int) -> int:
    """The number of units, if it is whole and 1 or more."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidInput(f"a whole number is needed, not {type(value).__name__}")
    if value < 1:
        raise InvalidInput("a quantity must be 1 or more: the action tells bought from sold")
    return value


def check_rupees(value: float) -> float:
    """The amount to the millionth of a rupee, if it is a number of which many can be added up."""
    amount = check_finite(value)
    if abs(amount) >= MOST_MILLIONTHS / 1_000_000:
        raise InvalidInput("an amount of more than two million million rupees: check it")
    return round(amount, 6)


def to_millionths(rupees: float) -> int:
    """An amount as a whole number: such sums come out alike in any order."""
    return round(check_finite(rupees) * 1_000_000)


class PlainText(TypeDecorator[str]):
    """Text of at most `length` characters (unbounded without one), compared by code point."""

    impl = String
    cache_ok = True

    def __init__(self, length: int | None = None) -> None:
        super().__init__(length)
        self.length = length

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        if value is None:
            return None
        if not isinstance(value, str):
            raise InvalidInput(f"text is needed, not {type(value).__name__}")
        if self.length is not None and len(value) > self.length:
            raise InvalidInput(
                f"text of {len(value)} characters where the column holds {self.length}: shorten it"
            )
        return check_text(value)


class OneOf(PlainText):
    """One of a few words, as an order's action."""

    cache_ok = True

    def __init__(self, what: str, words: tuple[str, ...], length: int) -> None:
        super().__init__(length)
        self.what = what
        self.words = words

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        if value is not None and value not in self.words:
            raise InvalidInput(f"{self.what} must be one of {', '.join(self.words)}")
        return value


class Whole(TypeDecorator[int]):
    """A 64-bit whole number."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: int | None, dialect: Dialect) -> int | None:
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int):
            raise InvalidInput(f"a whole number is needed, not {type(value).__name__}")
        if not -(2**63) <= value < 2**63:
            raise InvalidInput("a whole number of more than 64 bits")
        return value


class Quantity(Whole):
    """How many units are ordered or traded: a whole number, 1 or more."""

    cache_ok = True

    def process_bind_param(self, value: int | None, dialect: Dialect) -> int | None:
        return super().process_bind_param(None if value is None else check_quantity(value), dialect)


class Finite(TypeDecorator[float]):
    """A double that is neither NaN nor infinite."""

    impl = Double
    cache_ok = True

    def process_bind_param(self, value: float | None, dialect: Dialect) -> float | None:
        return None if value is None else check_finite(value)


class Rupees(Finite):
    """An amount or a price, kept to the millionth of a rupee so that both engines hold the same."""

    cache_ok = True

    def process_bind_param(self, value: float | None, dialect: Dialect) -> float | None:
        return None if value is None else check_rupees(value)

    def process_result_value(self, value: float | None, dialect: Dialect) -> float | None:
        """SQLite's RETURNING gives an int where the amount is a whole one."""
        return None if value is None else float(value)


class UTCDateTime(TypeDecorator[datetime]):
    """A moment: aware in Python, UTC in the database.

    timestamptz on PostgreSQL; on SQLite text of fixed width with six decimals, which sorts as
    time does.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else check_moment(value)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.replace(tzinfo=UTC)


class StrictJson(TypeDecorator[Any]):
    """JSON as text; None is SQL NULL; no NaN, NUL or lone surrogate, however deep.

    No number alone: SQLite would keep it as one of its own, and 1.0 would come back as 1.
    """

    impl: TypeEngine[Any] | type[TypeEngine[Any]] = JSON(none_as_null=True)
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            raise InvalidInput("JSON that is a number alone: put it into an object")
        try:
            return check_json(value)
        except RecursionError:
            raise InvalidInput("JSON of too many levels: flatten it") from None


def to_json(value: Any) -> str:
    """The serializer of every engine: compact, and readable for any script."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
