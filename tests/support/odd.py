"""Values of every kind that an argument may have by mistake."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any


class Opaque:
    """Something that is nothing the store knows."""

    def __repr__(self) -> str:
        return "<opaque>"


class Ambiguous:
    """As an array: it says of itself neither what it equals nor whether it is true."""

    __hash__ = None  # type: ignore[assignment]

    def __bool__(self) -> bool:
        raise ValueError("the truth value of several is ambiguous")

    def __eq__(self, other: object) -> Any:
        return Ambiguous()

    def __repr__(self) -> str:
        return "<ambiguous>"


def deep_list(levels: int = 100_000) -> list[Any]:
    """Lists in lists, more than Python follows."""
    found: list[Any] = []
    for _ in range(levels):
        found = [found]
    return found


ODD: list[Any] = [
    None, True, -1, 0, 2**31, 2**63, 2**70, 10**400, 1.5, float("nan"), float("inf"), 1j,
    Decimal("1.5"), Decimal("NaN"), Decimal("sNaN"), "", " ", "x\0", "\ud800", "x" * 300, b"bytes",
    [], [1], [None], [[]], ["xy"], {}, {"a": 1}, {1: 2}, (), set(), Opaque(), Opaque,
    date(2026, 3, 2), date.min, date.max, datetime(2026, 3, 2), datetime.min.replace(tzinfo=UTC),
    datetime.max.replace(tzinfo=UTC), timedelta(1), timedelta.max, iter([1]), lambda: 1,
    Ambiguous(), [Ambiguous()], {"a": Ambiguous()}, deep_list(), {"a": 10**5000},
]  # fmt: skip
