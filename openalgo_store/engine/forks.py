"""Forks: whatever must not be carried into a child process has hooks before and after each one."""

import ctypes
import logging
import os
from collections.abc import Callable, Iterable
from typing import Any, Protocol

from ..threads import get_ident
from .living import Living

_log = logging.getLogger("openalgo_store")


class ForkHooks(Protocol):
    """What has something to do at a fork."""

    def before_fork(self) -> None:
        """Leave nothing that a fork would break."""

    def after_fork_in_parent(self) -> None:
        """Go on; called only if before_fork was."""

    def after_fork_in_child(self) -> None:
        """Start anew; called without before_fork for what was made while the fork waited."""


process = os.getpid()
"""The number of this process, without a question to the system."""
_registered: Living[ForkHooks] = Living()
_prepared: dict[int, list[ForkHooks]] = {}
"""What each thread that forks now has called before_fork of."""


def register_fork_hooks(hooks: ForkHooks) -> None:
    """Call these hooks at every fork as long as they live, the first registered first."""
    _registered.add(hooks)


def abandon(connection: Any) -> None:
    """Never close this connection of a parent process, not even when the interpreter ends.

    Closing would write to a file or a socket that the parent still uses.
    """
    if connection is not None:
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(connection))


def _call(hooks: Iterable[Callable[[], None]]) -> None:
    """Call each, whatever becomes of the others."""
    for hook in hooks:
        try:
            hook()
        except Exception:
            _log.exception("a fork hook failed")


def _before() -> None:
    prepared = _prepared[get_ident()] = _registered.all()
    _call(hooks.before_fork for hooks in prepared)


def _in_parent() -> None:
    _call(hooks.after_fork_in_parent for hooks in _prepared.pop(get_ident(), ()))


def _in_child() -> None:
    global process
    process = os.getpid()
    _prepared.clear()
    _call(hooks.after_fork_in_child for hooks in _registered.all())


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before, after_in_parent=_in_parent, after_in_child=_in_child)
