"""Arguments of public functions that are no value of a column."""

from typing import Any

from ..errors import InvalidInput


def not_blank(name: str, text: str) -> str:
    """The text, if it names something."""
    if isinstance(text, str) and not text.strip():
        raise InvalidInput(f"the {name} is empty: give one")
    return text


def true_or_false(name: str, value: bool) -> bool:
    """The flag, if it is one."""
    if not isinstance(value, bool):
        raise InvalidInput(f"{name} must be True or False")
    return value


def only(allowed: set[str], changes: dict[str, Any], function: str) -> dict[str, Any]:
    """The changes, if there are any and each is of a column that may change."""
    unknown = sorted(changes.keys() - allowed)
    if unknown or not changes:
        raise InvalidInput(
            f"{function} cannot change {', '.join(unknown) or 'nothing'}: "
            f"it takes {', '.join(sorted(allowed))}"
        )
    return changes
