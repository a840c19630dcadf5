"""Living: what is known for as long as it lives."""

from collections.abc import Callable
from typing import Generic, TypeVar
from weakref import ref

T = TypeVar("T")


class Living(Generic[T]):
    """Things known for as long as somebody holds them, in the order in which they came.

    No lock: each step is a single one of a dict, so threads, signals, forks and the collector may
    come between any two.
    """

    def __init__(self) -> None:
        self._refs: dict[ref[T], None] = {}
        refs = self._refs
        self._gone: Callable[[ref[T]], None] = lambda gone: refs.pop(gone, None)

    def add(self, thing: T) -> None:
        """Know this one from now on."""
        self._refs[ref(thing, self._gone)] = None

    def discard(self, thing: T) -> None:
        """Know this one no longer; again does no harm."""
        self._refs.pop(ref(thing), None)

    def all(self) -> list[T]:
        """Those that live."""
        return [thing for each in list(self._refs) if (thing := each()) is not None]
