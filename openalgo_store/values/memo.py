"""What a function made of each distinct value, remembered."""

from collections.abc import Callable, Hashable
from typing import Any, TypeVar

V = TypeVar("V")

MOST_MEMORIES = 100_000


class Memo(dict[Any, V]):
    """What `convert` made of each distinct value, made once and shared; emptied when full."""

    def __init__(self, convert: Callable[[Any], V]) -> None:
        super().__init__()
        self._convert = convert

    def __missing__(self, key: Hashable) -> V:
        value = self._convert(key)
        if len(self) >= MOST_MEMORIES:
            self.clear()
        self[key] = value
        return value
