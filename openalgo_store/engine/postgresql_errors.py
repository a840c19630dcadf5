"""PostgreSQL's errors as the store's."""

import psycopg

from ..errors import ConfigurationError, InvalidInput, SessionMisuse, StoreError, Unavailable
from . import constraints
from .dialect import Sent

_UNAVAILABLE = {
    "08": "cannot be reached",
    "28": "refused the user or the password",
    "3D": "does not exist on the server",
    "40": "ended the transaction to resolve a deadlock or a conflict: run it again",
    "53": "has no room for it (connections, memory or disk)",
    "55": "is locked by another transaction: try again",
    "57": "ended the statement or is restarting: try again",
    "58": "cannot read or write its files: check the server",
    "F0": "has a configuration file that cannot work: check the server",
    "XX": "failed by itself: look into its log",
}
"""SQLSTATE classes in which nothing is wrong with the statement."""

_UNAVAILABLE_STATES = {
    "26000": "does not know what this session has prepared: behind a pooler set DB_POOLER",
    "42P05": "has what another session prepared: behind a pooler set DB_POOLER",
    "25P03": "ended a session that was idle inside its transaction: make sessions shorter",
    "25P04": "ended a transaction that took longer than its transaction_timeout: make it shorter",
    "25006": "is read-only, as a standby is: write to its primary (among several hosts of a URL "
    "target_session_attrs=read-write finds it)",
    "42501": "does not let this user do so: GRANT what is missing (docs/migrations.md)",
    "53100": "has a full disk: make room there",
    "53200": "is out of memory: try again, or give it more",
    "53300": "allows no further connection: lower DB_POOL_SIZE and DB_MAX_OVERFLOW, or raise its "
    "max_connections",
    "55P03": "is locked by another transaction for longer than DB_LOCK_TIMEOUT: try again",
    "57014": "was not done with the statement within DB_STATEMENT_TIMEOUT: ask for less",
    "57P01": "is shutting down, or somebody ended the session: try again",
    "57P02": "crashed and is restarting: try again",
    "57P03": "is starting, stopping or recovering: try again",
    "57P04": "was dropped",
    "57P05": "ended a session that was idle: try again",
    "XX001": "holds damaged data: look into its log, and restore a backup",
    "XX002": "has a damaged index: look into its log, and REINDEX",
}
"""Single states of them, and of others, that say more."""

_RETRYABLE = ("40001", "40P01")
"""What ends one of several transactions that cannot all be kept: serialisation, deadlock."""


def translate(place: str, error: Exception, sent: Sent | None) -> StoreError:
    """The store's error for one of the driver's, which keeps nothing that may be a row's."""
    state = getattr(error, "sqlstate", None) or ""
    diag = getattr(error, "diag", None)
    if "unsupported startup parameter" in str(error):
        return ConfigurationError(
            f"PostgreSQL {place} is behind a pooler: set DB_POOLER=transaction"
        )
    constraint = getattr(diag, "constraint_name", None)
    lost = (psycopg.OperationalError, psycopg.InterfaceError)
    is_lost = is_out_of_step(error) or (not state and isinstance(error, lost))
    message = _reason(error) if is_lost else getattr(diag, "message_primary", None)
    message = message or type(error).__name__
    error.args = (message,)  # the rest may hold whole rows, and with them what is secret
    if state == "23505":
        return constraints.not_unique(constraint)
    if state == "23503":
        return constraints.not_referenced(constraint)
    if state == "23514":
        return constraints.not_allowed(constraint)
    if state == "23502":
        return constraints.missing(
            getattr(diag, "table_name", None), getattr(diag, "column_name", None)
        )
    if state == "25006" and sent is not None and sent.readonly:
        return SessionMisuse("a read session cannot write: use get_write_session")
    if state == "22003":
        return constraints.too_large()
    if state[:2] == "22":
        return InvalidInput("a value does not fit its column: check its size and its form")
    if is_lost:
        what = "gives no connection" if "FATAL:" in message else _UNAVAILABLE["08"]
    else:
        what = _UNAVAILABLE_STATES.get(state) or _UNAVAILABLE.get(state[:2], "")
    if what:
        unavailable = Unavailable(f"PostgreSQL {place} {what} ({message})")
        unavailable.retryable = state in _RETRYABLE
        return unavailable
    return StoreError(f"PostgreSQL {place}: {message}")


def is_out_of_step(error: Exception) -> bool:
    """Whether the driver got what cannot be the answer, as two results of a COMMIT: a pooler sends
    the end of its server and its own. What comes next on this connection is nobody's answer.
    """
    return isinstance(error, psycopg.InternalError) and not error.sqlstate


def _reason(error: Exception) -> str:
    """Why a connection was not made, or broke: such errors carry no SQLSTATE, but a text.

    Of several attempts it is that of the last; libpq puts no password into it.
    """
    first = str(error).partition("\n")[0]
    return " ".join(first.rpartition("failed: ")[2].split())
