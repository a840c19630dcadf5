"""Readers of brokers' instrument files: what a broker lists, under canonical names."""

from collections.abc import Callable, Iterator
from itertools import chain

from ..errors import InvalidInput
from ..records.symbols import Instrument, RejectedRow
from ..values.text import require_text
from .readers import zerodha
from .sources import Source

READERS: dict[str, Callable[[Source], Iterator[Instrument | RejectedRow]]] = {
    "zerodha": zerodha.read,
}


def read_instruments(broker: str, *sources: Source) -> Iterator[Instrument | RejectedRow]:
    """The instruments of a broker's files, one file after the other, and the rows left out.

    A source is a path or an open file (text or bytes), plain, gzip or a zip archive of one file or
    several; it is read as a stream, and the line of a RejectedRow counts within its file. Raises
    InvalidInput for an unknown broker at once, for a damaged or foreign file when it is reached.
    """
    reader = READERS.get(require_text("broker", broker))
    if reader is None:
        raise InvalidInput(f"no reader for the broker {broker!r}: one of {', '.join(READERS)}")
    return chain.from_iterable(map(reader, sources))
