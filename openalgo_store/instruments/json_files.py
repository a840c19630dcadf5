"""Reading a broker's JSON array object by object, as a stream."""

import json
import re
from collections.abc import Callable, Iterator
from itertools import count
from typing import IO, Any, cast

from ..errors import InvalidInput
from ..records.symbols import Instrument, RejectedRow
from .choosing import layout_of
from .cleaning import Days, Rejected
from .layouts import Reader
from .rows import Rows

BLOCK = 65_536
LONGEST_OBJECT = 65_536

NO_OBJECT = "the file has no object"


def read_json(
    text: IO[str], title: str, reader: Reader, days: Days
) -> Iterator[Instrument | RejectedRow]:
    """The instrument of each object, and the objects left out; a line is the number of an object.

    The first one tells whether the file is the broker's. Raises InvalidInput for what is no array
    of objects to its end.
    """
    numbers = count(1)
    for value in _Array(text, title).values():
        number = next(numbers)
        if number == 1:
            first = value if isinstance(value, dict) else {}
            layout = layout_of(reader, first, title, "its first object lacks")
            names = dict.fromkeys((*layout.needed(), *layout.may_lack))
            rows = Rows(layout, {name: name for name in names}, days)
            blanks = dict.fromkeys(layout.may_lack)
        if not isinstance(value, dict):
            yield RejectedRow(number, "no object", _shown(value))
            continue
        try:
            instrument = rows.instrument({**blanks, **value}, number)
        except Rejected as error:
            yield RejectedRow(number, error.reason, _shown(value), *rows.whose(value))
        except KeyError:
            yield RejectedRow(number, "too few columns", _shown(value), *rows.whose(value))
        except TypeError:
            if not any(isinstance(each, (dict, list)) for each in value.values()):
                raise
            reason = "a value is neither text nor a number"
            yield RejectedRow(number, reason, _shown(value), *rows.whose(value))
        else:
            yield instrument
    if next(numbers) == 1:
        yield RejectedRow(1, NO_OBJECT, "[]")


def _shown(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


class _Array:
    """The values of a JSON array, each decoded where it begins in a buffer of a few blocks.

    The decoder of the standard library takes as long as a parser of events in C, and what has no
    end is noticed after a few blocks.
    """

    def __init__(self, text: IO[str], title: str) -> None:
        self._text = text
        self._title = title
        self._buffer = ""
        self._at = 0

    def values(self) -> Iterator[Any]:
        """Each value; raises InvalidInput where it is no array, or has no end."""
        self._open()
        if self._next() == "]":
            self._at += 1
        else:
            mark = ","
            while mark == ",":
                self._next()
                yield self._value()
                mark = self._next()
                self._at += 1
            if mark != "]":
                raise self._broken()
        if self._next():
            raise InvalidInput(f"{self._title}: text follows the JSON array: download it again")

    def _open(self) -> None:
        mark = self._next().removeprefix("\ufeff")
        if not mark and self._buffer:
            self._at += 1
            mark = self._next()
        self._at += 1
        if not mark:
            raise InvalidInput(f"{self._title}: the file is empty: download it again")
        if mark == "<":
            raise InvalidInput(
                f"{self._title}: this is an HTML page, probably an error answer or an expired "
                "login: download it again"
            )
        if mark != "[":
            raise InvalidInput(
                f"{self._title}: this is no JSON array but begins with "
                f"{self._buffer[:40].split()[0]!r}, probably an error answer or an expired login: "
                "download it again"
            )

    def _next(self) -> str:
        """The next character that is not blank, where the buffer is now; nothing at the end."""
        while True:
            self._at = _blanks(self._buffer, self._at).end()
            if self._at < len(self._buffer):
                return self._buffer[self._at]
            self._buffer, self._at = self._text.read(BLOCK), 0
            if not self._buffer:
                return ""

    def _value(self) -> Any:
        while True:
            try:
                value, end = _decode(self._buffer, self._at)
            except (ValueError, RecursionError):  # or it goes on in the next block
                end = len(self._buffer)
            if end < len(self._buffer):
                self._at = end
                return value
            if end - self._at > LONGEST_OBJECT:
                raise InvalidInput(
                    f"{self._title}: an object of it is damaged, or longer than {LONGEST_OBJECT} "
                    "characters: download it again"
                )
            more = self._text.read(BLOCK)
            if not more:
                raise self._broken()
            self._buffer, self._at = self._buffer[self._at :] + more, 0

    def _broken(self) -> InvalidInput:
        return InvalidInput(
            f"{self._title}: the JSON array is cut off or damaged: download it again"
        )


_decode = json.JSONDecoder().raw_decode
_blanks = cast(Callable[[str, int], re.Match[str]], re.compile(r"[ \t\r\n]*").match)
