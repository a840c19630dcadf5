"""The two engines: everything in which they differ, and nothing else."""

from typing import TYPE_CHECKING, Any

from sqlalchemy.engine import make_url

from ..settings import Settings, chosen_settings
from ..settings.urls import normalise_url
from ..threads import IS_GREEN
from .dialect import Dialect
from .sqlite.dialect import SQLite

if TYPE_CHECKING:
    from .postgresql import PostgreSQL

__all__ = ["get_engine_options", "open_dialect"]


def open_dialect(url: str, settings: Settings) -> Dialect:
    """The database at a URL; no connection is made yet."""
    return _kind(url)(url, settings)


def get_engine_options(url: str, settings: Settings | None = None) -> dict[str, Any]:
    """The pool options with which `sqlalchemy.create_engine` is called for a URL.

    Without settings those of the environment count.
    """
    chosen = chosen_settings(settings)
    return _kind(normalise_url(url, "url")).pool_options(chosen)


def _kind(url: str) -> "type[SQLite | PostgreSQL]":
    if make_url(url).get_backend_name() == SQLite.name:
        return SQLite
    if IS_GREEN:
        from .green_postgresql import GreenPostgreSQL

        return GreenPostgreSQL
    from .postgresql import PostgreSQL  # its driver takes 10 MiB that SQLite need not have

    return PostgreSQL
