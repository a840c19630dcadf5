"""Quiet: what the writing of log lines logs is not for the database, it would never end."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class _Here(threading.local):
    quiet = False


_here = _Here()


@contextmanager
def quietly() -> Iterator[None]:
    """Nothing that this thread logs within the block goes to the database."""
    before, _here.quiet = _here.quiet, True
    try:
        yield
    finally:
        _here.quiet = before


def is_quiet() -> bool:
    """Whether this thread is inside such a block."""
    return _here.quiet
