"""What books are kept by: a known exchange, and names that are written as everybody writes them."""

from ...instruments.validation import EXCHANGES
from ...values.arguments import one_of, trimmed


def check_instrument(broker: str, symbol: str, exchange: str) -> None:
    """InvalidInput for what would be an instrument, and so a position, of its own."""
    trimmed("broker", broker)
    trimmed("symbol", symbol)
    check_exchange(exchange)


def check_exchange(exchange: str) -> None:
    """InvalidInput for an exchange that no symbol can be of."""
    if isinstance(exchange, str):
        one_of("the exchange", exchange, sorted(EXCHANGES))
