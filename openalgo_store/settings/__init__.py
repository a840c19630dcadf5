"""Settings: every environment variable, checked when they are read."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import time
from pathlib import Path
from typing import Any

from ..errors import ConfigurationError
from ..values.clock import SESSION_END
from ..values.text import storable
from .urls import hide_password, normalise_url

DATABASES = ("main", "sandbox", "latency", "logs", "telegram")
"""The five databases, in the order in which they are opened."""


def project_folder(name: str) -> Path:
    """`sql` or `migrations`: inside the package in a wheel, beside it in a checkout."""
    package = Path(__file__).resolve().parent.parent
    inside = package / name
    return inside if inside.is_dir() else package.parent / name


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How the store is set up. Each field is the environment variable of the same name.

    SQLite URLs are kept absolute, so that a later change of folder moves no database.
    Raises ConfigurationError, which names the variable, for a value that cannot work.
    """

    database_url: str = "sqlite:///databases/openalgo.db"
    sandbox_database_url: str = "sqlite:///databases/openalgo_sandbox.db"
    latency_database_url: str = "sqlite:///databases/latency.db"
    logs_database_url: str = "sqlite:///databases/logs.db"
    telegram_database_url: str = "sqlite:///databases/telegram.db"
    read_database_url: str = ""
    db_pool_size: int = 50
    db_max_overflow: int = 100
    db_pool_timeout: float = 30
    db_pool_recycle: int = 1800
    db_sqlite_busy_timeout: float = 30
    db_sqlite_synchronous: str = "NORMAL"
    db_sqlite_idle: int = 4
    db_lock_timeout: float = 30
    db_statement_timeout: float = 0
    db_pooler: str = "none"
    db_slow_statement: float = 1
    cache_lease: float | None = None
    read_replica_max_lag: float = 10
    read_replica_pin: float = 5
    api_key_pepper: str = ""
    token_encryption_keys: str = ""
    session_expiry_time: time = SESSION_END

    def __post_init__(self) -> None:
        for each in fields(self):
            _check_kind(each.name, value := getattr(self, each.name), each.type)
            if each.name.endswith("database_url") and (value or each.name != "read_database_url"):
                object.__setattr__(self, each.name, normalise_url(value, each.name.upper()))
        for name, least in _LEAST.items():
            if (value := getattr(self, name)) is not None and value < least:
                raise _refused(name, f"{value} is less than {least}", f"{least} or more")
        synchronous = self.db_sqlite_synchronous.upper()
        if synchronous not in ("OFF", "NORMAL", "FULL", "EXTRA"):
            raise _refused(
                "db_sqlite_synchronous", repr(synchronous), "one of OFF, NORMAL, FULL, EXTRA"
            )
        object.__setattr__(self, "db_sqlite_synchronous", synchronous)
        pooler = self.db_pooler.lower()
        if pooler not in ("none", "transaction"):
            raise _refused("db_pooler", repr(pooler), "none or transaction")
        object.__setattr__(self, "db_pooler", pooler)

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> "Settings":
        """The settings of an environment; an absent or blank variable keeps its default."""
        if not isinstance(environ, Mapping):
            raise ConfigurationError(f"give a mapping, as os.environ, not {type(environ).__name__}")
        values: dict[str, object] = {}
        for each in fields(cls):
            raw = environ.get(each.name.upper(), "")
            if not isinstance(raw, str):
                raise _refused(each.name, f"{type(raw).__name__} is no text", "it as text")
            if raw := raw.strip():
                values[each.name] = _converted(each.name, raw, each.type)
        return cls(**values)  # type: ignore[arg-type]

    def url(self, database: str) -> str:
        """The URL of one of the five databases."""
        return str(getattr(self, variable_of(database).lower()))

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={hide_password(self.url(name))}" for name in DATABASES)
        return f"Settings({shown})"


def chosen_settings(given: Settings | None) -> Settings:
    """These; without any, those of the environment."""
    return Settings.from_env(os.environ) if given is None else check_settings(given)


def check_settings(given: Settings) -> Settings:
    """The settings, if they are some."""
    if not isinstance(given, Settings):
        raise ConfigurationError(
            f"give Settings, as Settings.from_env(os.environ), not {type(given).__name__}"
        )
    return given


_BEYOND = 10**9
"""More than any number of a setting."""

_LEAST = {
    "db_pool_size": 1,
    "db_max_overflow": 0,
    "db_pool_timeout": 0,
    "db_pool_recycle": -1,
    "db_sqlite_busy_timeout": 0,
    "db_sqlite_idle": 0,
    "db_lock_timeout": 0,
    "db_statement_timeout": 0,
    "db_slow_statement": 0,
    "cache_lease": 0,
    "read_replica_max_lag": 0,
    "read_replica_pin": 0,
}


def variable_of(database: str) -> str:
    """The environment variable that holds the URL of a database."""
    if not isinstance(database, str) or database not in DATABASES:
        shown = repr(database) if isinstance(database, str) else type(database).__name__
        raise ConfigurationError(f"unknown database {shown}: one of {', '.join(DATABASES)}")
    return "DATABASE_URL" if database == "main" else f"{database.upper()}_DATABASE_URL"


def _converted(name: str, raw: str, kind: object) -> object:
    if kind is int:
        if not re.fullmatch(r"-?\d{1,9}", raw):
            raise _refused(name, f"{raw!r} is not a whole number", "digits only")
        return int(raw)
    if kind in (float, float | None):
        if not re.fullmatch(r"-?\d{1,9}(\.\d+)?", raw):
            raise _refused(name, f"{raw!r} is not a number of seconds", "digits, as in 30 or 2.5")
        return float(raw)
    if kind is time:
        if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", raw):
            raise _refused(name, f"{raw!r} is not a time of day", "HH:MM, as in 03:00")
        return time.fromisoformat(raw)
    return raw


def _check_kind(name: str, value: Any, kind: object) -> None:
    """ConfigurationError for a value that no variable of this kind could give."""
    given = type(value).__name__
    if kind is time:
        if not isinstance(value, time) or value.tzinfo is not None:
            raise _refused(name, f"{given} is no time of day in India", "a time without a zone")
    elif kind is str:
        if not isinstance(value, str):
            raise _refused(name, f"{given} is no text", "it as text")
        if storable(value) != value:
            raise _refused(name, "it has a character that is none", "it as text")
    elif not (kind == float | None and value is None):
        numbers = int if kind is int else (int, float)
        if isinstance(value, bool) or not isinstance(value, numbers) or not abs(value) < _BEYOND:
            raise _refused(name, f"{given} is no number of at most 9 digits", "such a number")


def _refused(name: str, problem: str, mend: str) -> ConfigurationError:
    return ConfigurationError(f"{name.upper()}: {problem}: write {mend}")
