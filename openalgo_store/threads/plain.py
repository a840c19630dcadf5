"""Without a patch: threads are real, and each waits for itself alone."""

import select
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")

poll: Callable[[], Any] | None = getattr(select, "poll", None)


def in_real_thread(function: Callable[..., T], *arguments: Any) -> T:
    """What the function gives."""
    return function(*arguments)


def let_others_run() -> None:
    """Nothing to do: they do."""


def wait_until_logged() -> None:
    """Nothing to do: who has something to say logs it."""
