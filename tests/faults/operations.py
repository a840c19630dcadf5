"""Every operation, and the settings that they need."""

from dataclasses import replace

from openalgo_store import Settings
from tests.faults.accounts import ACCOUNTS, ONE, OTHER
from tests.faults.feeds import FEEDS
from tests.faults.operation import Operation
from tests.faults.trading import TRADING

OPERATIONS: list[Operation] = [*ACCOUNTS, *TRADING, *FEEDS]
CORE = ("create_api_key", "rotate_encryption_keys", "record_fill", "replace_symbols")
"""What the default suite calls: a few statements, several transactions, much in one, COPY."""


def with_secrets(settings: Settings) -> Settings:
    """These settings with the same secrets in every process."""
    return replace(settings, api_key_pepper="p" * 40, token_encryption_keys=f"{ONE},{OTHER}")
