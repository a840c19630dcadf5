"""The sandbox database: the trading tables once more, for paper trading."""

from .columns import new_metadata
from .trading import trading_tables

metadata = new_metadata()

trading = trading_tables(metadata, prefix="sandbox_")
