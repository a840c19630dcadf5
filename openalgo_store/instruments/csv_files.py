"""Reading a broker's CSV row by row: where its columns are, and what is wrong with a row."""

import csv
import io
import re
from collections.abc import Callable, Iterator
from itertools import chain
from typing import IO

from ..errors import InvalidInput
from ..records.symbols import Instrument, RejectedRow
from .choosing import layout_of
from .cleaning import Days, Rejected
from .layouts import Layout, Reader
from .rows import Rows

LONGEST_LINE = 65_536

CUT = "the last line is cut off"
HEADER_ALONE = "the file has a header and no row"


def read_csv(
    text: IO[str], title: str, reader: Reader, days: Days
) -> Iterator[Instrument | RejectedRow]:
    """The instrument of each line, and the lines left out.

    The header says where the columns are; others are passed over. Raises InvalidInput for a
    file that cannot be read to its end, or is not this broker's.
    """
    lines = _Lines(text, title)
    each_line = iter(lines)
    blank, first = _first_line(each_line, title)
    table = csv.reader(chain([first], each_line), delimiter=reader.separator, skipinitialspace=True)
    layout, header = _headless(reader, first, title)
    line = 0
    if layout is None:
        header = next(table)
        line = 1
        layout = layout_of(reader, _places(header), title, "its first line lacks")
    width = len(",".join(header).rstrip(", ").split(","))
    rows = Rows(layout, _places(header), days)
    rejected = _rejector(rows, range(width, len(header) + 1))
    convert = rows.instrument
    for row in table:
        before, lines.row = lines.row, row
        if table.line_num != line + 1:
            yield from _swallowed(row, blank + line + 1, blank + table.line_num, rejected)
            line = table.line_num
            continue
        line += 1
        if not row:
            continue
        try:
            if lines.is_unended and _is_cut(row, before, width):
                raise Rejected(CUT)
            if len(row) > width and any(map(str.strip, row[width:])):
                raise Rejected("too many columns")
            instrument = convert(row, blank + line)
        except Rejected as error:
            yield rejected(blank + line, error.reason, row)
        except IndexError:
            yield rejected(blank + line, "too few columns", row)
        else:
            yield instrument
    if line == 1 and not layout.without_header:
        yield RejectedRow(blank + 1, HEADER_ALONE, ",".join(header))


class _Lines:
    """The lines of a text, read block by block: none is longer than any broker's.

    `row` is the row that was made of them last, `is_unended` whether the newest line has no end,
    which only the last one may lack.
    """

    def __init__(self, text: IO[str], title: str) -> None:
        self._text = text
        self._title = title
        self.row: list[str] = []
        self.is_unended = False

    def __iter__(self) -> Iterator[str]:
        return chain.from_iterable(self._blocks())

    def _blocks(self) -> Iterator[list[str]]:
        rest, row, of_row = "", None, 0
        while block := self._text.read(LONGEST_LINE):
            lines = io.StringIO(rest + block, newline="").readlines()
            if len(max(lines, key=len)) > LONGEST_LINE:
                raise InvalidInput(
                    f"{self._title}: this is no instrument file, a line of it is longer than "
                    f"{LONGEST_LINE} characters: download it again"
                )
            of_row = len(block) + (of_row if row is self.row else 0)
            if of_row > 2 * LONGEST_LINE:
                raise csv.Error("a quote is not closed")
            row = self.row
            rest = lines.pop()
            yield lines
        if rest:
            self.is_unended = rest[-1] not in "\r\n"
            yield [rest]


def _is_cut(row: list[str], before: list[str], width: int) -> bool:
    """Whether a last line without an end lacks columns or, beside the line before, letters."""
    last = row[-1].strip()
    return len(row) < width or (
        bool(before) and len(last) < len(before[-1]) and before[-1].startswith(last)
    )


def _rejector(rows: Rows, widths: range) -> Callable[[int, str, list[str]], RejectedRow]:
    """A maker of rejected rows that say whose they are, as far as their columns are in place."""

    def rejected(line: int, reason: str, row: list[str]) -> RejectedRow:
        exchange, broker_symbol = rows.whose(row)
        if len(row) not in widths:
            exchange = None
        return RejectedRow(line, reason, ",".join(row), exchange, broker_symbol)

    return rejected


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


def _headless(reader: Reader, first: str, title: str) -> tuple[Layout | None, list[str]]:
    """The layout and the names of the columns, if the files of the broker have no header."""
    layouts = [each for each in reader.layouts if each.without_header]
    for layout in layouts:
        if re.match(layout.first_line, first):
            return layout, list(layout.without_header)
    if layouts:
        raise InvalidInput(
            f"{title}: this is not an instrument file of {reader.title}: its first line is none of "
            f"an instrument: {first.strip()[:40]!r}"
        )
    return None, []


def _places(header: list[str]) -> dict[str, int]:
    """Where each column is, the first of two with one name; Kotak's names end in ; and blanks."""
    names = [name.strip(" \t;") for name in header]
    return {name: names.index(name) for name in names}


def _swallowed(
    row: list[str], first: int, last: int, rejected: Callable[[int, str, list[str]], RejectedRow]
) -> Iterator[RejectedRow]:
    """A quote that is not closed on its line takes the next lines with it: each is reported."""
    texts = ",".join(row).splitlines()
    texts += [""] * (last - first + 1 - len(texts))
    for line, text in zip(range(first, last + 1), texts, strict=False):
        yield rejected(line, "a quote is not closed", text.split(","))
