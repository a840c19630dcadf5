"""What an HTTP client is told of an error of the store: a status, a sentence, headers."""

import logging
from typing import NamedTuple

from openalgo_store import (
    Conflict,
    IllegalOrderState,
    InvalidInput,
    NotFound,
    StoreError,
    Unavailable,
)

log = logging.getLogger("trading_app")

STATUSES: tuple[tuple[type[StoreError], int], ...] = (
    (InvalidInput, 400),
    (NotFound, 404),
    (Conflict, 409),
    (IllegalOrderState, 409),
    (Unavailable, 503),
)
"""Any other is a mistake of the application: 500."""


class Answer(NamedTuple):
    """What goes out, in the order in which a view of Flask returns it."""

    body: dict[str, str]
    status: int
    headers: dict[str, str]


def answer_to(error: StoreError) -> Answer:
    """The answer; what the client can do nothing about stands in the log alone.

    No message of a StoreError holds a password, a key or a token: they may be logged and sent.
    """
    status = next((status for kind, status in STATUSES if isinstance(error, kind)), 500)
    if status < 500:
        return Answer({"error": str(error)}, status, {})
    log.error("%s: %s", type(error).__name__, error)
    if isinstance(error, Unavailable) and not error.outcome_unknown:
        body = {"error": "nothing was stored, the database cannot serve now: try again"}
        return Answer(body, status, {"Retry-After": "2"})
    return Answer({"error": "this failed: look what was stored before a second try"}, status, {})
