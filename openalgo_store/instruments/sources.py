"""Opening what a broker publishes: a path or an open file, text or bytes, plain, gzip or zip."""

import csv
import gzip
import io
import lzma
import os
import struct
import zipfile
import zlib
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, TypeAlias, cast

from ..errors import InvalidInput

Source: TypeAlias = str | os.PathLike[str] | IO[str] | IO[bytes]

GZIP_MAGIC = b"\x1f\x8b"
ZIP_MAGICS = b"PK\3\4", b"PK\5\6"
"""Of an archive, and of an empty one."""


def title_of(source: Source) -> str:
    """What a message calls the source."""
    if isinstance(source, (str, os.PathLike)):
        return str(source)
    return str(getattr(source, "name", "the open file"))


@contextmanager
def refusing(title: str) -> Iterator[None]:
    """Turn what can go wrong while reading into InvalidInput that names the source."""
    try:
        yield
    except zipfile.BadZipFile as error:
        raise InvalidInput(
            f"{title}: the zip archive is cut off or damaged: download it again"
        ) from error
    except (EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile) as error:
        raise InvalidInput(
            f"{title}: the gzip data is cut off or damaged: download again"
        ) from error
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{title}: this is not UTF-8 text: download it again") from error
    except csv.Error as error:
        raise InvalidInput(f"{title}: this is not CSV ({error}): download it again") from error
    except OSError as error:
        raise InvalidInput(f"{title}: cannot be read: {error.strerror or error}") from error


def texts_of(source: Source) -> Generator[tuple[str, IO[str]], None, None]:
    """The title and the text of a source, or of each file of a zip archive; read one by one.

    A file that the caller opened stays open.
    """
    title = title_of(source)
    if isinstance(source, (str, os.PathLike)):
        with Path(source).open("rb") as file:
            yield from _files(file, title)
    elif not callable(getattr(source, "read", None)):
        raise InvalidInput(f"give a path or an open file, not {type(source).__name__}")
    elif isinstance(source.read(0), str):
        yield title, cast(IO[str], source)
    else:
        buffered = io.BufferedReader(cast(io.RawIOBase, source))
        try:
            yield from _files(buffered, title)
        finally:
            buffered.detach()


def _files(file: "io.BufferedReader[Any]", title: str) -> Iterator[tuple[str, IO[str]]]:
    if file.peek(4)[:4] not in ZIP_MAGICS:
        with _decoded(file) as text:
            yield title, text
        return
    if not file.seekable():
        raise InvalidInput(f"{title}: a zip archive is read from a path: save it first")
    with _unpacking(title):
        archive = zipfile.ZipFile(file)
    with archive:
        members = [each for each in archive.infolist() if not each.is_dir()]
        if not members:
            raise InvalidInput(f"{title}: the zip archive is empty: download it again")
        for member in members:
            with _unpacking(title):
                opened = archive.open(member)
            with opened, _decoded(io.BufferedReader(cast(io.RawIOBase, opened))) as text:
                yield f"{title}: {_on_one_line(member.filename)}", text


def _on_one_line(name: str) -> str:
    """The end of a member's name as a message may hold it: whoever made the archive chose it."""
    return "".join(sign if sign.isprintable() else "?" for sign in name[-100:])


@contextmanager
def _unpacking(title: str) -> Iterator[None]:
    """What zipfile raises for archives that it cannot make out, beside BadZipFile."""
    try:
        yield
    except (RuntimeError, ValueError, OverflowError, struct.error) as error:
        raise InvalidInput(f"{title}: this zip archive cannot be read ({error})") from error


@contextmanager
def _decoded(file: "io.BufferedReader[Any]") -> Iterator[IO[str]]:
    packed = file.peek(2)[:2] == GZIP_MAGIC
    text = io.TextIOWrapper(gzip.GzipFile(fileobj=file) if packed else file, "utf-8", newline="")
    try:
        yield text
    finally:
        text.detach()
