"""Forks: every open store is told before and after one."""

import ctypes
import os
import weakref
from typing import Any, Protocol


class ForkHooks(Protocol):
    """What has something to do at a fork."""

    def before_fork(self) -> None:
        """Leave nothing that a fork would break."""

    def after_fork_in_parent(self) -> None:
        """Go on."""

    def after_fork_in_child(self) -> None:
        """Start anew."""


_aware: "weakref.WeakSet[ForkHooks]" = weakref.WeakSet()


def register_fork_hooks(thing: ForkHooks) -> None:
    """Tell this one of every fork as long as it lives."""
    _aware.add(thing)


def abandon(connection: Any) -> None:
    """Never close this connection of a parent process, not even when the interpreter ends.

    Closing would write to a file or a socket that the parent still uses.
    """
    if connection is not None:
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(connection))


def _before() -> None:
    for thing in list(_aware):
        thing.before_fork()


def _in_parent() -> None:
    for thing in list(_aware):
        thing.after_fork_in_parent()


def _in_child() -> None:
    for thing in list(_aware):
        thing.after_fork_in_child()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before, after_in_parent=_in_parent, after_in_child=_in_child)
