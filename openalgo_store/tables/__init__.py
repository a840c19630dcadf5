"""The tables of the five databases, one MetaData each; the migrations make them."""

from . import accounts, cache_epochs, messaging, strategies, symbols, telemetry, trading  # noqa: F401  # fill METADATA
from .metadata import METADATA

__all__ = ["METADATA"]
