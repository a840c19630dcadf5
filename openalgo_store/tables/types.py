"""Column types that give both engines the same rules: checked on the way in, equal on the way out.

A value that breaks a rule raises InvalidInput before the database sees it; the message never
shows the value, which may be a secret.
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

from sqlalchemy import JSON, BigInteger, DateTime, Double, String
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

from ..errors import InvalidInput
from ..values.arguments import one_of
from ..values.days import check_moment
from ..values.json import check_json
from ..values.money import check_rupees
from ..values.numbers import check_finite, check_quantity, check_whole
from ..values.text import check_text


def _as_float(value: float | None) -> float | None:
    return None if value is None else float(value)


def _to_text(value: datetime | None) -> str | None:
    return None if value is None else stored_moment(check_moment(value))


def stored_moment(moment: datetime) -> str:
    """A moment where there is no type for it: UTC, of fixed width, sorted as time is."""
    return moment.astimezone(UTC).isoformat(" ", "microseconds")[:26]


def _from_text(value: str | None) -> datetime | None:
    """A moment as it is stored where there is no type for it, in UTC without saying so."""
    return None if value is None else datetime.fromisoformat(f"{value}+00:00")


def _in_utc(value: datetime | None) -> datetime | None:
    return None if value is None else value.astimezone(UTC)


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

    def __init__(self, column: str, words: tuple[str, ...], length: int) -> None:
        super().__init__(length)
        self.column = column
        self.words = words

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        if value is None or (type(value) is str and value in self.words):
            return value
        return one_of(self.column, value, self.words)


class Whole(TypeDecorator[int]):
    """A 64-bit whole number."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: int | None, dialect: Dialect) -> int | None:
        return None if value is None else check_whole(value)


class Quantity(Whole):
    """How many units are ordered or traded: a whole number, 1 or more."""

    cache_ok = True

    def process_bind_param(self, value: int | None, dialect: Dialect) -> int | None:
        return None if value is None else check_quantity(value)


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

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], float | None]:
        """SQLite's RETURNING gives an int where the amount is a whole one."""
        return _as_float


class Average(Rupees):
    """An amount that follows from whole sums, with all the digits of that."""

    cache_ok = True

    def process_bind_param(self, value: float | None, dialect: Dialect) -> float | None:
        return None if value is None else check_finite(value)


class UTCDateTime(TypeDecorator[datetime]):
    """A moment: aware in Python, UTC in the database.

    timestamptz on PostgreSQL; on SQLite text of fixed width with six decimals, which sorts as
    time does.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else check_moment(value)

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any]:
        """As text where there is no type for it: six times faster than SQLAlchemy's way."""
        is_text = self.impl_instance.dialect_impl(dialect).bind_processor(dialect)
        return _to_text if is_text else partial(self.process_bind_param, dialect=dialect)

    def result_processor(
        self, dialect: Dialect, coltype: object
    ) -> Callable[[Any], datetime | None]:
        """In UTC: PostgreSQL tells a moment in the zone of the session, which may be any."""
        is_text = self.impl_instance.dialect_impl(dialect).result_processor(dialect, coltype)
        return _from_text if is_text else _in_utc


class Many(TypeDecorator[list[Any]]):
    """Values of a type in one, on their way out: an array, or JSON; [] for NULL."""

    impl = JSON
    cache_ok = True

    def __init__(self, of: TypeEngine[Any]) -> None:
        super().__init__()
        self.of = of

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], list[Any]]:
        read_one = self.of.dialect_impl(dialect).result_processor(dialect, coltype)

        def read(values: Any) -> list[Any]:
            found = json.loads(values) if isinstance(values, str) else values or []
            return list(map(read_one, found)) if read_one else found

        return read


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
