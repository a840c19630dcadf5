"""Living: what is known for as long as it lives."""

from typing import Generic, TypeVar
from weakref import ref

T = TypeVar("T")


class Living(Generic[T]):
    """Things known for as long as somebody holds them, in the order in which they came.

    No lock: each step is a single one of a dict, so threads, signals, forks and the collector may
    come between any two.
    """

    def __init__(self) -> None:
        self._refs: dict[int, ref[T]] = {}

    def add(self, thing: T) -> None:
        """Know this one from now on."""
        key, refs = id(thing), self._refs
        refs[key] = ref(thing, lambda _: refs.pop(key, None))

    def discard(self, thing: T) -> None:
        """Know this one no longer; again does no harm."""
        self._refs.pop(id(thing), None)

    def all(self) -> list[T]:
        """Those that live."""
        return [thing for each in list(self._refs.values()) if (thing := each()) is not None]
