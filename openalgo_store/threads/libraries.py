"""Libraries of green threads: which one has patched this process, and what Python was before."""

import sys
from collections.abc import Callable
from typing import Any, NamedTuple

from ..errors import ConfigurationError


class Library(NamedTuple):
    """What is asked of eventlet and of gevent."""

    name: str
    original: Callable[[str, str], Any]
    """A name of a module as it was before the patch."""
    sleep: Callable[[float], object]
    """Let other green threads run."""
    spawn: Callable[[Callable[[], None]], object]
    """Start a green thread."""
    hub: Callable[[], object]
    """The greenlet of this thread that waits for all others, and must not wait for one."""


def find_library() -> Library | None:
    """The library that has replaced Python's threads, None if they are real ones."""
    patcher = sys.modules.get("eventlet.patcher")
    if patcher is not None and patcher.is_monkey_patched("thread"):
        return _eventlet(patcher)
    monkey = sys.modules.get("gevent.monkey")
    if monkey is not None and monkey.is_module_patched("threading"):
        return _gevent(monkey)
    return None


def _eventlet(patcher: Any) -> Library:
    import eventlet

    return Library(
        "eventlet",
        lambda module, name: getattr(patcher.original(module), name),
        eventlet.sleep,
        eventlet.spawn_n,
        lambda: eventlet.hubs.get_hub().greenlet,
    )


def _gevent(monkey: Any) -> Library:
    import gevent

    return Library("gevent", monkey.get_original, gevent.sleep, gevent.spawn, gevent.get_hub)


LIBRARY = find_library()
"""The one that had patched when this package was imported."""


def refuse_late_patch() -> None:
    """ConfigurationError if Python's threads were replaced after this package was imported."""
    found = find_library()
    if found is not None and LIBRARY is None:
        patch = {"eventlet": "eventlet.monkey_patch()", "gevent": "gevent.monkey.patch_all()"}
        raise ConfigurationError(
            f"{found.name} has patched Python after openalgo_store was imported, so that both "
            f"would wait for each other for ever: call {patch[found.name]} in the first line of "
            "the program, before every other import (under gunicorn: start it without --preload)"
        )
