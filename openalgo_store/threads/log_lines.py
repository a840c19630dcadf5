"""Log lines of the store's own real threads under a patch: a green thread logs them.

The locks of logging are green then, and serve the green threads of one real thread alone: a real
one that meets them there never comes back.
"""

import logging
from collections import deque
from collections.abc import Callable
from functools import partial
from threading import get_ident

OWN_THREADS: set[int] = set()
"""The real threads that the store has started."""

_NAMES = ("openalgo_store", "openalgo_store.statements")
_INTERVAL = 0.1
"""Seconds after which a line is logged."""

_waiting: deque[Callable[[], object]] = deque()


def hand_over_lines() -> None:
    """From now on the store's loggers keep what its real threads say until a green one comes."""
    for name in _NAMES:
        logger = logging.getLogger(name)
        logger.handle = partial(_handle, logger.handle)  # type: ignore[method-assign]
        logger.isEnabledFor = partial(_is_enabled, logger)  # type: ignore[method-assign]


def _handle(handle: Callable[[logging.LogRecord], None], record: logging.LogRecord) -> None:
    if get_ident() in OWN_THREADS:
        _waiting.append(partial(handle, record))
    else:
        handle(record)


def _is_enabled(logger: logging.Logger, level: int) -> bool:
    """Without the cache of the logger, which has a lock."""
    return logger.manager.disable < level and level >= logger.getEffectiveLevel()


def carry_lines(goes_on: Callable[[], bool], sleep: Callable[[float], object]) -> None:
    """Log what waits, again and again; a green thread does so beside each real one."""
    while goes_on():
        sleep(_INTERVAL)
        log_waiting_lines()
    log_waiting_lines()


def log_waiting_lines() -> None:
    """Log what waits."""
    while _waiting:
        _waiting.popleft()()


def is_all_logged() -> bool:
    """Whether nothing waits."""
    return not _waiting
