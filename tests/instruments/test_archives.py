"""Zip archives: with one file or several, and those that cannot be read."""

import gzip
import io
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import IO, cast

import pytest

from openalgo_store.errors import InvalidInput
from openalgo_store.instruments import read_instruments
from openalgo_store.records.symbols import RejectedRow
from tests.support.chance import chance_of
from tests.support.zerodha_rows import HEADER, RELIANCE, instrument

TEXT = HEADER + RELIANCE
OTHER = RELIANCE.replace("738561,2885,RELIANCE", "738817,2886,TCS")


def archive(*texts: str | bytes, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Files of these contents, in a folder."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", method) as made:
        made.mkdir("day")
        for number, text in enumerate(texts):
            made.writestr(f"day/{number}.txt", text)
    return packed.getvalue()


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA])
def test_a_zip_archive_is_read_from_a_path_and_from_an_open_file(
    tmp_path: Path, method: int
) -> None:
    path = tmp_path / "NSE_symbols.txt"  # what it is, not what it is called, decides
    path.write_bytes(archive(TEXT, method=method))
    with path.open("rb") as opened:
        found = list(read_instruments("zerodha", path, opened, io.BytesIO(path.read_bytes())))
        assert not opened.closed
    assert found == [instrument(RELIANCE)] * 3


def test_each_file_of_an_archive_has_a_header_and_counts_its_lines() -> None:
    bad = RELIANCE.replace("738561", "")
    packed = archive(TEXT, HEADER + bad + OTHER, gzip.compress(TEXT.encode()), HEADER)
    found = list(read_instruments("zerodha", io.BytesIO(packed)))
    rejected = [(row.line, row.reason) for row in found if isinstance(row, RejectedRow)]
    assert rejected == [(2, "token is blank"), (1, "the file has a header and no row")]
    assert found[0] == found[3] == instrument(RELIANCE)
    assert found[2] == instrument(OTHER)._replace(line=3)


class Pipe(io.RawIOBase):
    """Bytes that come one after the other, and never again."""

    def __init__(self, content: bytes) -> None:
        self._content = io.BytesIO(content)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        return self._content.readinto(buffer)


def locked() -> bytes:
    """An archive that says of itself that it is encrypted."""
    content = bytearray(archive(TEXT))
    for signature, place in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        at = content.rindex(signature)
        content[at + place] |= 1
    return bytes(content)


def test_the_name_of_a_file_in_an_archive_cannot_forge_a_line_of_the_log() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as made:
        made.writestr("x" * 60_000 + "\n\x1b[2Jloaded\u202e.txt", "a,b\n1,2\n")
    with pytest.raises(InvalidInput, match=r"x\?\?\[2Jloaded\?\.txt: this is not an") as refused:
        list(read_instruments("zerodha", io.BytesIO(packed.getvalue())))
    assert len(str(refused.value)) < 400


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (archive(TEXT)[:-30], "the zip archive is cut off or damaged: download it again"),
        (archive(TEXT * 99)[:200], "the zip archive is cut off or damaged"),
        (archive(), "the zip archive is empty: download it again"),
        (archive(TEXT, "a,b\n1,2\n"), r"day/1\.txt: this is not an instrument file of Zerodha"),
        (archive("<html>"), r"day/0\.txt: this is an HTML page"),
        (archive("," * 1_000_000), r"day/0\.txt: .* longer than 65536 characters"),
        (locked(), r"this zip archive cannot be read .*encrypted"),
        (b"PK\3\4" + b"junk" * 50, "the zip archive is cut off or damaged"),
    ],
)
def test_an_archive_that_cannot_be_read_is_refused_with_one_sentence(
    content: bytes, message: str
) -> None:
    with pytest.raises(InvalidInput, match=message):
        list(read_instruments("zerodha", io.BytesIO(content)))


def test_an_archive_needs_a_file_that_can_be_sought_in() -> None:
    with pytest.raises(InvalidInput, match="a zip archive is read from a path: save it first"):
        list(read_instruments("zerodha", cast(IO[bytes], Pipe(archive(TEXT)))))
    plain = cast(IO[bytes], Pipe(TEXT.encode()))
    assert list(read_instruments("zerodha", plain)) == [instrument(RELIANCE)]


def test_a_damaged_archive_is_read_or_refused_and_nothing_else() -> None:
    chance = chance_of("damaged archives")
    for _ in range(300):
        content = bytearray(archive(TEXT, HEADER + OTHER, method=chance.choice([0, 8, 12, 14])))
        for _ in range(chance.randrange(1, 4)):
            content[chance.randrange(4, len(content))] = chance.randrange(256)
        with suppress(InvalidInput):
            list(read_instruments("zerodha", io.BytesIO(bytes(content))))
