"""One made-up market as each broker's files have it."""

import csv
import gzip
import io
import json
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from random import Random
from typing import Any, NamedTuple, Protocol

from ...errors import InvalidInput
from ...records.symbols import Instrument
from . import aliceblue, angel, breeze, dhan, fivepaisa, fyers, kotak, noren, upstox, zerodha
from .generator import DAY, SEED, with_tokens
from .listed import Listed, Written
from .oddities import odd_market


class Format(Protocol):
    """A broker's way of writing. A file without a header is JSON, or a CSV of cells alone."""

    HEADERS: dict[str, str]

    def written(self, listed: Listed) -> Written | None:
        """A row of a file, or None for what the broker does not list."""


FORMATS: Mapping[str, Format] = {
    "zerodha": zerodha,
    "angel": angel,
    "dhan": dhan,
    "upstox": upstox,
    "fyers": fyers,
    "noren": noren,
    "kotak": kotak,
    "fivepaisa": fivepaisa,
    "aliceblue": aliceblue,
    "breeze": breeze,
}


class Sample(NamedTuple):
    """Files to give to a reader in this order, and what it has to make of them, row by row."""

    files: list[Path]
    instruments: list[Instrument]


def write_sample(
    broker: str, folder: Path, count: int = 20_000, *, seed: int = SEED, day: date = DAY
) -> Sample:
    """Write a market of `count` as the files of a broker, under the broker's names for them.

    The market is the same for every broker, but none lists all of it. The same arguments give
    the same bytes.
    """
    if broker not in FORMATS:
        raise InvalidInput(f"no sample for the broker {broker!r}: one of {', '.join(FORMATS)}")
    random = Random(seed)
    listed = with_tokens(random, odd_market(random, count, day))
    rows: dict[str, list[Written]] = {}
    for each in filter(None, map(FORMATS[broker].written, listed)):
        rows.setdefault(each.file, []).append(each)
    packed: dict[Path, dict[str, bytes]] = {}
    for file, written in rows.items():
        path, _, member = file.partition("/")
        header = FORMATS[broker].HEADERS.get(file)
        packed.setdefault(folder / path, {})[member] = _content(file, header, written)
    for made, contents in packed.items():
        _write(made, contents)
    return Sample(list(packed), [each.instrument for of_file in rows.values() for each in of_file])


def _content(file: str, header: str | None, rows: Sequence[Written]) -> bytes:
    if ".json" in file:
        return json.dumps([each.row for each in rows]).encode()
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    if header:
        text.write(f"{header}\n")
        if header[0] == '"':
            writer = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
    writer.writerows(_cells(header, rows))
    return text.getvalue().encode()


def _cells(header: str | None, rows: Sequence[Written]) -> Iterator[Sequence[Any]]:
    columns = next(csv.reader([header or ""], skipinitialspace=True))
    for each in rows:
        if isinstance(each.row, Mapping):
            yield [each.row.get(column, "") for column in columns]
        else:
            yield each.row


def _write(path: Path, contents: Mapping[str, bytes]) -> None:
    """A zip archive, gzip or plain; without times, so that the same rows are the same bytes."""
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for member, content in contents.items():
                archive.writestr(zipfile.ZipInfo(member), content, zipfile.ZIP_DEFLATED)
        return
    (content,) = contents.values()
    path.write_bytes(gzip.compress(content, mtime=0) if path.suffix == ".gz" else content)
