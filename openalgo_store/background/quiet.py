"""Quiet: what the writing of log lines logs is not for the database, it would never end."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from ..threads import get_ident

_quiet: set[int] = set()
"""The threads that are inside such a block."""


@contextmanager
def quietly() -> Iterator[None]:
    """Nothing that this thread logs within the block goes to the database."""
    thread = get_ident()
    if thread in _quiet:
        yield
        return
    _quiet.add(thread)
    try:
        yield
    finally:
        _quiet.discard(thread)


def is_quiet(thread: int | None) -> bool:
    """Whether the thread is inside such a block."""
    return thread in _quiet


def _forget_other_threads() -> None:
    _quiet.intersection_update([get_ident()])


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_other_threads)
