"""A broker's instrument file as it should be, for tests that damage it."""

from pathlib import Path
from typing import NamedTuple

from openalgo_store.instruments.samples.brokers import FORMATS, write_sample
from tests.support.packings import unpacked


class Original(NamedTuple):
    """A file that is as it should be: its name, its content, whether it has a header."""

    name: str
    text: bytes
    has_header: bool


def original(broker: str, folder: Path, rows: int = 500) -> Original:
    """The largest file of a broker's sample, unpacked and under the name that it has then."""
    files, _ = write_sample(broker, folder, rows)
    largest = max(files, key=lambda path: path.stat().st_size)
    headers = FORMATS[broker].HEADERS
    members = [file.partition("/")[2] for file in headers if file.startswith(largest.name)]
    name = next(filter(None, members), largest.name.removesuffix(".gz"))
    return Original(name, unpacked(largest, name), bool(headers))
