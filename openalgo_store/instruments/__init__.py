"""Readers of brokers' instrument files: what a broker lists, under canonical names."""

from collections.abc import Iterator
from functools import partial
from itertools import chain

from ..errors import InvalidInput
from ..records.symbols import Instrument, RejectedRow
from ..values.arguments import true_or_false
from ..values.text import require_text
from .layouts import Layout, Reader
from .readers import (
    aliceblue,
    angel,
    breeze,
    dhan,
    fivepaisa,
    fyers,
    kotak,
    noren,
    upstox,
    zerodha,
)
from .reading import read_source
from .sources import Source

READERS: dict[str, Reader] = {
    "aliceblue": aliceblue.READER,
    "angel": angel.READER,
    "breeze": breeze.READER,
    "dhan": dhan.READER,
    "fivepaisa": fivepaisa.READER,
    "flattrade": noren.READER,
    "fyers": fyers.READER,
    "kotak": kotak.READER,
    "noren": noren.READER,
    "shoonya": noren.READER,
    "upstox": upstox.READER,
    "zebu": noren.READER,
    "zerodha": zerodha.READER,
}
"""The reader of each broker's files, by the broker's name."""
SEPARATORS = (",", ";", "|", "\t")


def read_instruments(broker: str, *sources: Source) -> Iterator[Instrument | RejectedRow]:
    """The instruments of a broker's files, one file after the other, and the rows left out.

    A source is a path or an open file (text or bytes), plain, gzip or a zip archive of one file or
    several; it is read as a stream, and the line of a RejectedRow counts within its file (in JSON
    it is the number of the object). Raises InvalidInput for an unknown broker at once, for a
    damaged or foreign file when it is reached.
    """
    reader = READERS.get(require_text("broker", broker))
    if reader is None:
        known = ", ".join(sorted(READERS))
        raise InvalidInput(f"no reader for the broker {broker!r}: one of {known}")
    return chain.from_iterable(map(partial(read_source, reader), sources))


def register_reader(
    broker: str, *layouts: Layout, json: bool = False, separator: str = ","
) -> None:
    """Let `read_instruments` read the files of another broker, in this process.

    Each layout says what one kind of its files has where. json: its files are arrays of objects,
    not CSV. separator: what stands between the columns of CSV, one of , ; | and a tab. A broker
    that has a reader gets this one from now on. Raises InvalidInput for a name that no broker can
    have, without a layout, and for another separator.
    """
    name = require_text("broker", broker)
    if not name or name != name.strip():
        raise InvalidInput("broker must be a name without blanks around it")
    if not layouts or not all(isinstance(each, Layout) for each in layouts):
        raise InvalidInput("give the layouts of the broker's files, each a Layout")
    if not isinstance(separator, str) or separator not in SEPARATORS:
        raise InvalidInput("separator must be one of , ; | and a tab")
    READERS[name] = Reader(name, layouts, is_json=true_or_false("json", json), separator=separator)
