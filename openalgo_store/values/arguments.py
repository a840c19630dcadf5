"""Arguments of public functions that are no value of a column."""

from collections.abc import Collection, Iterable, Iterator
from datetime import timedelta
from typing import Any, TypeVar

from ..errors import InvalidInput
from .numbers import check_finite, check_whole
from .text import check_text

T = TypeVar("T")

_LONGEST = timedelta(days=10_000)


def not_blank(name: str, text: str) -> str:
    """The text, if it names something."""
    if isinstance(text, str) and not text.strip():
        raise InvalidInput(f"the {name} is empty: give one")
    return text


def trimmed(name: str, text: str) -> str:
    """The text, if it names something and has no blanks around it, nor what cannot be seen."""
    if isinstance(text, str) and not (text.isprintable() and text and text == text.strip()):
        ends = (text[:1] + text[-1:]).replace("\0", "")  # which another rule tells of
        if text != not_blank(name, text).strip() or not ends.isprintable():
            raise InvalidInput(f"the {name} has blanks around it: strip them")
    return text


def one_of(name: str, value: T, words: Collection[T]) -> T:
    """The word, if it is one of these. An array is none: it cannot tell what it equals."""
    if not isinstance(value, str) or value not in words:
        raise InvalidInput(f"{name} must be one of {', '.join(map(str, words))}")
    return value


def true_or_false(name: str, value: bool) -> bool:
    """The flag, if it is one."""
    if not isinstance(value, bool):
        raise InvalidInput(f"{name} must be True or False")
    return value


def check_bound(value: T) -> T:
    """What a statement binds without a type that checks it, if both engines can hold it."""
    if isinstance(value, str):
        check_text(value)
    elif isinstance(value, int) and not isinstance(value, bool):
        check_whole(value)
    return value


def one_or_more(name: str, value: int) -> int:
    """The number, if it is whole and 1 or more."""
    try:
        number = check_whole(value)
    except InvalidInput as error:
        raise InvalidInput(f"{name}: {error}") from None
    if number < 1:
        raise InvalidInput(f"{name} must be 1 or more")
    return number


def number_or_none(name: str, value: float | None) -> float | None:
    """The number, if it is a finite one; None for what is not given."""
    if value is None:
        return None
    try:
        return check_finite(value)
    except InvalidInput as error:
        raise InvalidInput(f"{name}: {error}") from None


def duration(name: str, value: timedelta, *, at_least: timedelta = timedelta()) -> timedelta:
    """The time, if it is one, no shorter than this and of no more than some years."""
    if not isinstance(value, timedelta) or not at_least <= value <= _LONGEST:
        raise InvalidInput(
            f"{name}: a timedelta from {at_least.total_seconds():g} s to {_LONGEST.days} days "
            "is needed"
        )
    return value


def iterated(name: str, values: Iterable[T]) -> Iterator[T]:
    """What is iterated over, if it can be."""
    try:
        return iter(values)
    except TypeError:
        raise InvalidInput(f"{name}: several are needed, as in a list") from None


def only(allowed: set[str], changes: dict[str, Any], function: str) -> dict[str, Any]:
    """The changes, if there are any and each is of a column that may change."""
    unknown = sorted(changes.keys() - allowed)
    if unknown or not changes:
        raise InvalidInput(
            f"{function} cannot change {', '.join(unknown) or 'nothing'}: "
            f"it takes {', '.join(sorted(allowed))}"
        )
    return changes
