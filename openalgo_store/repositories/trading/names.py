"""What books are kept by: a known exchange, and names that are written as everybody writes them."""

from ...errors import InvalidInput
from ...instruments.validation import EXCHANGES
from ...values.arguments import trimmed


def check_instrument(broker: str, symbol: str, exchange: str) -> None:
    """InvalidInput for what would be an instrument, and so a position, of its own."""
    trimmed("broker", broker)
    trimmed("symbol", symbol)
    check_exchange(exchange)


def check_exchange(exchange: str) -> None:
    """InvalidInput for an exchange that no symbol can be of."""
    if isinstance(exchange, str) and exchange not in EXCHANGES:
        raise InvalidInput(f"the exchange must be one of {', '.join(sorted(EXCHANGES))}")
