"""Reading a source with a broker's reader: each file of it as CSV or as JSON."""

from collections.abc import Iterator
from contextlib import closing

from ..errors import InvalidInput
from ..records.symbols import Instrument, RejectedRow
from .choosing import file_name
from .cleaning import Days
from .csv_files import read_csv
from .json_files import read_json
from .layouts import Reader
from .sources import Source, refusing, texts_of, title_of


def read_source(reader: Reader, source: Source) -> Iterator[Instrument | RejectedRow]:
    """The instruments of a file, or of each file of an archive, and the rows left out."""
    read = read_json if reader.is_json else read_csv
    title = title_of(source)
    days = Days()
    with refusing(title), closing(texts_of(source)) as texts:
        for name, text in texts:
            if not file_name(name).startswith(reader.passed_over):
                yield from read(text, name, reader, days)
    if fault := days.fault():
        raise InvalidInput(f"{title}: {fault}: give its expiries as YYYY-MM-DD")
