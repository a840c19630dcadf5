"""Reading a broker's CSV row by row: where its columns are, and what is wrong with a row."""

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from itertools import chain
from operator import itemgetter
from typing import IO, Protocol, TypeAlias

from ..errors import InvalidInput
from ..records.symbols import Instrument, RejectedRow
from .cleaning import Days, Rejected
from .sources import Source, refusing, texts_of, title_of

Cells: TypeAlias = tuple[str, ...]

LONGEST_LINE = 65_536

CUT = "the last line is cut off"
HEADER_ALONE = "the file has a header and no row"


class Rows(Protocol):
    """How a broker's rows become instruments: made for one source.

    `columns` are the cells that are needed, `known_by` the two of them by which the broker knows an
    instrument: its exchange and its symbol.
    """

    columns: Sequence[str]
    known_by: tuple[str, str]
    days: Days

    def instrument(self, cells: Cells, line: int) -> Instrument:
        """The cells of `columns` under their canonical names; raises Rejected."""


def read_csv(source: Source, broker: str, rows: Rows) -> Iterator[Instrument | RejectedRow]:
    """What `rows` makes of each line.

    The header says where the columns are; others are passed over. Raises InvalidInput for a
    file that cannot be read to its end, or is not this broker's.
    """
    title = title_of(source)
    with refusing(title), closing(texts_of(source)) as texts:
        for name, text in texts:
            yield from _instruments(_Lines(text, name), broker, rows, name)
    if fault := rows.days.fault():
        raise InvalidInput(f"{title}: {fault}: give its expiries as YYYY-MM-DD")


def _instruments(
    lines: "_Lines", broker: str, rows: Rows, title: str
) -> Iterator[Instrument | RejectedRow]:
    each_line = iter(lines)
    blank, first = _first_line(each_line, title)
    table = csv.reader(chain([first], each_line), skipinitialspace=True)
    header = next(table)
    pick, width = _header(header, rows.columns, broker, title)
    rejected = _rejector(header, rows.known_by)
    convert = rows.instrument
    line = 1
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
            instrument = convert(pick(row), blank + line)
        except Rejected as error:
            yield rejected(blank + line, error.reason, row)
        except IndexError:
            yield rejected(blank + line, "too few columns", row)
        else:
            yield instrument
    if line == 1:
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


def _rejector(
    header: list[str], known_by: tuple[str, str]
) -> Callable[[int, str, list[str]], RejectedRow]:
    """A maker of rejected rows that say whose they are, as far as their columns are in place."""
    names = list(map(str.strip, header))
    exchange_at, symbol_at = map(names.index, known_by)

    def rejected(line: int, reason: str, row: list[str]) -> RejectedRow:
        exchange = row[exchange_at].strip() if len(row) == len(header) else None
        broker_symbol = row[symbol_at].strip() if len(row) > symbol_at else None
        return RejectedRow(line, reason, ",".join(row), exchange or None, broker_symbol or None)

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


def _header(
    header: list[str], columns: Sequence[str], broker: str, title: str
) -> tuple[Callable[[list[str]], Cells], int]:
    """A getter of the wanted cells, and how many columns a row may have."""
    present = list(map(str.strip, header))
    missing = [column for column in columns if column not in present]
    if missing:
        raise InvalidInput(
            f"{title}: this is not an instrument file of {broker}: its first line lacks "
            f"{', '.join(missing)}"
        )
    pick = itemgetter(*map(present.index, columns))
    return pick, len(",".join(header).rstrip(", ").split(","))


def _swallowed(
    row: list[str], first: int, last: int, rejected: Callable[[int, str, list[str]], RejectedRow]
) -> Iterator[RejectedRow]:
    """A quote that is not closed on its line takes the next lines with it: each is reported."""
    texts = ",".join(row).splitlines()
    texts += [""] * (last - first + 1 - len(texts))
    for line, text in zip(range(first, last + 1), texts, strict=False):
        yield rejected(line, "a quote is not closed", text.split(","))
