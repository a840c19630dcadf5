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
    texts = {name: text for path in files for name, text in unpacked(path).items()}
    largest = max(texts, key=lambda name: len(texts[name]))
    return Original(largest, texts[largest], bool(FORMATS[broker].HEADERS))
