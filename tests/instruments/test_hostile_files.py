"""Files that were made to fill the memory: one line without an end, bombs, nests, endless rows."""

import gzip
import json
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from openalgo_store.instruments.samples.brokers import FORMATS
from tests.support.chance import SOAK
from tests.support.originals import Original, original

MOST_MEMORY = 300
"""MiB of a process that reads such a file."""

ONE_OF_EACH = {"zerodha", "angel"}
"""CSV and JSON."""

BROKERS = [broker for broker in FORMATS if SOAK or broker in ONE_OF_EACH]
ENDLESS = {
    "zeros": (b"", b"\0"),
    "commas": (b"", b","),
    "blanks": (b"", b" "),
    "line ends": (b"", b"\n"),
    "a cell": (b"HEAD", b"x"),
    "commas behind a header": (b"HEAD", b","),
    "quoted line ends": (b"HEAD", b'"\n",'),
    "an open quote": (b'HEAD"', b"x\n"),
    "short rows": (b"HEAD", b"1,2\n"),
    "a text": (b'[{"token":"', b"x"),
    "escapes": (b'[{"token":"', b"\\u0041"),
    "a number": (b'[{"token":', b"9"),
    "a key": (b'[{"', b"k"),
    "blanks in an array": (b"[", b" "),
    "nested arrays": (b"", b"["),
    "nested objects": (b"", b'{"a":'),
    "nested in a row": (b'[{"token":', b"["),
    "empty objects": (b"HEAD", b"{},"),
    "numbers": (b"HEAD", b"1,"),
    "keys": (b"HEAD{", b'"a":1,'),
}
"""How each begins, HEAD standing for the file's own beginning, and what goes on and on."""

SLOW = {"short rows", "empty objects", "numbers"}
"""What is read row by row: a twentieth of the size will do."""


@pytest.mark.parametrize("broker", BROKERS)
def test_a_hostile_file_takes_little_memory(
    broker: str, tmp_path: Path, soak: Callable[[int], int]
) -> None:
    whole = original(broker, tmp_path)
    size = soak(100_000_000)
    paths = [*_endless(whole, tmp_path, size), _many_names(whole, tmp_path, size // 50)]
    paths.append(_bomb(whole, tmp_path, size))
    command = [sys.executable, "-m", "tests.programs.hostile", broker, *map(str, paths)]
    told = subprocess.run(command, capture_output=True, text=True, timeout=1_000, check=True)
    ended = [json.loads(line) for line in told.stdout.splitlines()]
    assert len(ended) == len(paths)
    assert [(path, how) for path, how, _ in ended if how.startswith("failed")] == []
    assert [(path, how, peak) for path, how, peak in ended if peak > MOST_MEMORY][:1] == []


def _endless(whole: Original, folder: Path, size: int) -> Iterator[Path]:
    """Gzipped files of one thing without an end, in folders, for the name may matter."""
    of_header = b"}," if whole.text[:1] == b"[" else b"\n"
    beginning = whole.text.partition(of_header)[0] + of_header
    for name, (head, unit) in ENDLESS.items():
        path = folder / name / whole.name
        path.parent.mkdir()
        length = size // 20 if name in SLOW else size
        with gzip.open(path, "wb", 1) as packed:
            packed.write(head.replace(b"HEAD", beginning))
            block = unit * (1_000_000 // len(unit))
            for _ in range(length // len(block)):
                packed.write(block)
        yield path


def _many_names(whole: Original, folder: Path, rows: int) -> Path:
    """Rows that are rejected one and all, each with another name."""
    path = folder / f"names {whole.name}" / whole.name
    path.parent.mkdir()
    with gzip.open(path, "wt", 1) as packed:
        if whole.text[:1] == b"[":
            first = json.loads(whole.text)[0]
            keys = [key for key in first if "symbol" in key]
            packed.write(f"[{json.dumps(first)}")
            for number in range(rows):
                packed.write("," + json.dumps({key: f"{key}{number}" for key in keys}))
            packed.write("]")
            return path
        header, row = whole.text.decode().splitlines()[:2]
        cells = row.count(",") + 1
        packed.write(f"{header}\n")
        for number in range(rows):
            packed.write(",".join([f"N{number}"] * cells) + "\n")
    return path


def _bomb(whole: Original, folder: Path, size: int) -> Path:
    """An archive of an archive of one letter, and of many empty files."""
    path = folder / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(whole.name, gzip.compress(b"x" * size, 1))
        for number in range(size // 5_000):
            archive.writestr(f"{number}/{whole.name}", b"")
    return path
