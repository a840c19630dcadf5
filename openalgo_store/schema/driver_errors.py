"""Errors of the drivers as those of migrations."""

import sqlite3

from ..errors import ConfigurationError, MigrationRefused, StoreError, Unavailable


def explain(error: Exception, place: str) -> StoreError:
    """What a driver's error means for a migration at this place."""
    message = " ".join(str(error).split())
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
        return ConfigurationError(
            f"{place}: {message}: name another file, or restore this one from a backup"
        )
    state = getattr(error, "sqlstate", "") or ("" if isinstance(error, sqlite3.Error) else "08")
    if state == "42501":
        message += ": GRANT this user what is missing, or migrate as the owner of the tables"
    if state == "25006":
        message += ": migrate its primary (target_session_attrs=read-write finds it among several)"
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
        message += ": check the rights of the file and of its folder"
    if code in _SQLITE_UNAVAILABLE or {state, state[:2]} & _POSTGRESQL_UNAVAILABLE:
        return Unavailable(f"{place} cannot serve: {message}")
    return MigrationRefused(f"{place} was rolled back: {message}")


_SQLITE_UNAVAILABLE = {
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_CANTOPEN,
}
# Connection, login, no such database, deadlock, resources, locked, shut down, system, internal;
# read-only, idle for too long, in a transaction for too long.
_POSTGRESQL_UNAVAILABLE = {
    "08", "28", "3D", "40", "53", "55", "57", "58", "F0", "XX", "25006", "25P03", "25P04",
}  # fmt: skip
