"""Reading a broker's CSV file row by row: path or open file, text or bytes, plain or gzip."""

import csv
import gzip
import io
import os
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from operator import itemgetter
from pathlib import Path
from typing import IO, Any, TypeAlias, cast

from ..errors import InvalidInput
from ..records.symbols import Instrument, RejectedRow
from .cleaning import Rejected

Source: TypeAlias = str | os.PathLike[str] | IO[str] | IO[bytes]
Cells: TypeAlias = tuple[str, ...]

GZIP_MAGIC = b"\x1f\x8b"


def read_csv(
    source: Source, broker: str, columns: Sequence[str], convert: Callable[[Cells, int], Instrument]
) -> Iterator[Instrument | RejectedRow]:
    """What `convert` makes of each row; it gets the cells of `columns` and may raise Rejected.

    The header says where the columns are; others are passed over. Raises InvalidInput for a
    file that cannot be read to its end, or is not this broker's.
    """
    title = str(source) if isinstance(source, (str, os.PathLike)) else _name_of(source)
    with _refusing(title), _lines(source) as lines:
        blank, first = _first_line(lines, title)
        rows = csv.reader(chain([first], lines), skipinitialspace=True)
        pick, width = _header(next(rows), columns, broker, title)
        line = 1
        for row in rows:
            if rows.line_num != line + 1:
                yield from _swallowed(row, blank + line + 1, blank + rows.line_num)
                line = rows.line_num
                continue
            line += 1
            if not row:
                continue
            try:
                if len(row) > width and any(map(str.strip, row[width:])):
                    raise Rejected("too many columns")
                instrument = convert(pick(row), blank + line)
            except Rejected as rejected:
                yield RejectedRow(blank + line, rejected.reason, ",".join(row))
            except IndexError:
                yield RejectedRow(blank + line, "too few columns", ",".join(row))
            else:
                yield instrument


def _name_of(source: IO[Any]) -> str:
    return str(getattr(source, "name", "the open file"))


@contextmanager
def _refusing(title: str) -> Iterator[None]:
    """Turn what can go wrong while reading into InvalidInput that names the source."""
    try:
        yield
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InvalidInput(
            f"{title}: the gzip data is cut off or damaged: download again"
        ) from error
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{title}: this is not UTF-8 text: download it again") from error
    except csv.Error as error:
        raise InvalidInput(f"{title}: this is not CSV ({error}): download it again") from error
    except OSError as error:
        raise InvalidInput(f"{title}: cannot be read: {error.strerror or error}") from error


@contextmanager
def _lines(source: Source) -> Iterator[Iterator[str]]:
    """The lines of a source, decoded; a file that the caller opened stays open."""
    if isinstance(source, (str, os.PathLike)):
        with Path(source).open("rb") as file, _decoded(file) as text:
            yield text
    elif not callable(getattr(source, "read", None)):
        raise InvalidInput(f"give a path or an open file, not {type(source).__name__}")
    elif isinstance(source.read(0), str):
        yield iter(cast(IO[str], source))
    else:
        buffered = io.BufferedReader(cast(io.RawIOBase, source))
        try:
            with _decoded(buffered) as text:
                yield text
        finally:
            buffered.detach()


@contextmanager
def _decoded(file: "io.BufferedReader[Any]") -> Iterator[Iterator[str]]:
    packed = file.peek(2)[:2] == GZIP_MAGIC
    text = io.TextIOWrapper(gzip.GzipFile(fileobj=file) if packed else file, "utf-8", newline="")
    try:
        yield text
    finally:
        text.detach()


def _first_line(lines: Iterator[str], title: str) -> tuple[int, str]:
    """How many blank lines come first, and the header's line."""
    for blank, line in enumerate(lines):
        if text := line.removeprefix("\ufeff").strip():
            if text[0] == "<":
                raise InvalidInput(
                    f"{title}: this is an HTML page, probably an error answer or an expired login: "
                    "download it again"
                )
            if text[0] in "{[":
                raise InvalidInput(
                    f"{title}: this is JSON, probably an error answer or an expired login: "
                    "download it again"
                )
            return blank, line.removeprefix("\ufeff")
    raise InvalidInput(f"{title}: the file is empty: download it again")


def _header(
    row: list[str], columns: Sequence[str], broker: str, title: str
) -> tuple[Callable[[list[str]], Cells], int]:
    """A getter of the wanted cells, and how many columns a row may have."""
    present = [cell.strip() for cell in row]
    missing = [column for column in columns if column not in present]
    if missing:
        raise InvalidInput(
            f"{title}: this is not an instrument file of {broker}: its first line lacks "
            f"{', '.join(missing)}"
        )
    return itemgetter(*map(present.index, columns)), len(present)


def _swallowed(row: list[str], first: int, last: int) -> Iterator[RejectedRow]:
    """A quote that is not closed on its line takes the next lines with it: each is reported."""
    texts = ",".join(row).splitlines()
    texts += [""] * (last - first + 1 - len(texts))
    for line, text in zip(range(first, last + 1), texts, strict=False):
        yield RejectedRow(line, "a quote is not closed", text)
