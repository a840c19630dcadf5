"""Mutation: a mistake that can be put into the product, and the tests that must notice it."""

from typing import NamedTuple


class Mutation(NamedTuple):
    """A mistake: in `file` the text `old`, which occurs there once, becomes `new`.

    `tests` are what pytest is given; with one of the engines at least one of them must fail.
    """

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]
    engines: tuple[str, ...] = ("sqlite",)

    def applied(self, source: str) -> str:
        """The source with the mistake in it; LookupError when it no longer fits."""
        if source.count(self.old) != 1:
            raise LookupError(f"{self.file} has this {source.count(self.old)} times:\n{self.old}")
        return source.replace(self.old, self.new)
