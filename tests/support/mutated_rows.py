"""What is done to the rows of an instrument file: to those of a CSV, to the objects of JSON."""

import csv
import io
import json
from collections.abc import Callable
from random import Random
from typing import Any

NASTY = (
    *("", " ", "NaN", "None", "null", "-1", "0", "-0.0", "1e999", "-1e-07", "inf", "1e5", "0x10"),
    *("2885.0", "1,5", "1_000", "١٢٣", "²", "9" * 400, "9" * 5_000, "1e-400", "31-02-2026"),
    *("05-08-2026", "2026-13-01", "0001-01-01", "9999-12-31", "01-JAN-70", "-62135596800"),
    *("1788287399000", "99999999999999999999", "a\0b", "\ufeff", "\u202e", "é", "💥", "\ud800"),
    *("x" * 70_000, "=cmd()", "'", '"', '"a', 'a"b', "a\nb", "a\rb", "\x1a", "CE", "FUT", "XX"),
    *("NSE", "NOWHERE", "{}", "[]", "true", "%s", "{0}", "../../etc/passwd", "'; DROP TABLE x"),
)
NASTY_VALUES: tuple[Any, ...] = (
    *NASTY,
    None,
    True,
    False,
    0,
    -1,
    0.5,
    1e308,
    10**30,
    [],
    {},
    [1],
    {"a": 1},
)


def _of_table(
    act: Callable[[Random, list[list[str]]], object],
) -> Callable[[Random, bytes], bytes]:
    """What is done to the rows of a CSV, the header among them."""

    def acted(chance: Random, content: bytes) -> bytes:
        rows = list(csv.reader(io.StringIO(content.decode(), newline="")))
        act(chance, rows)
        text = io.StringIO(newline="")
        csv.writer(text, lineterminator="\n").writerows(rows)
        return text.getvalue().encode(errors="surrogatepass")

    acted.__name__ = act.__name__
    return acted


def _column(chance: Random, rows: list[list[str]]) -> int:
    return chance.randrange(len(rows[0]))


def _drop_a_column(chance: Random, rows: list[list[str]]) -> None:
    at = _column(chance, rows)
    for row in rows:
        del row[at : at + 1]


def _double_a_column(chance: Random, rows: list[list[str]]) -> None:
    at = _column(chance, rows)
    for row in rows:
        row[at:at] = row[at : at + 1]


def _swap_columns(chance: Random, rows: list[list[str]]) -> None:
    _swap(chance, rows, 0)


def _swap_columns_but_not_the_header(chance: Random, rows: list[list[str]]) -> None:
    _swap(chance, rows, 1)


def _swap(chance: Random, rows: list[list[str]], first: int) -> None:
    left, right = _column(chance, rows), _column(chance, rows)
    for row in rows[first:]:
        if max(left, right) < len(row):
            row[left], row[right] = row[right], row[left]


def _shift_some_rows(chance: Random, rows: list[list[str]]) -> None:
    for row in chance.choices(rows, k=9):
        row.insert(chance.randrange(len(row) + 1), "12:")


def _rename_a_column(chance: Random, rows: list[list[str]]) -> None:
    at = _column(chance, rows)
    rows[0][at] = chance.choice((rows[0][at].lower(), rows[0][at - 1], *NASTY))


def _nasty_cells(chance: Random, rows: list[list[str]]) -> None:
    for row in chance.choices(rows, k=chance.choice((1, 9))):
        row[chance.randrange(len(row))] = chance.choice(NASTY)


def _nasty_column(chance: Random, rows: list[list[str]]) -> None:
    at, value = _column(chance, rows), chance.choice(NASTY[:-1])
    for row in rows[1:]:
        row[at : at + 1] = [value[:9]]


def _another_rows_cells(chance: Random, rows: list[list[str]]) -> None:
    at = _column(chance, rows)
    for row in chance.choices(rows, k=20):
        row[at : at + 1] = chance.choice(rows)[at : at + 1]


def _rows_lost_doubled_moved(chance: Random, rows: list[Any]) -> None:
    for _ in range(chance.choice((1, 9, 200))):
        at = chance.randrange(len(rows))
        rows.insert(chance.randrange(len(rows)), rows[at])
        if chance.random() < 0.6:
            del rows[chance.randrange(len(rows))]


def _other_separator(chance: Random, content: bytes) -> bytes:
    return content.replace(b",", chance.choice((b";", b"\t", b"|", b", ", b",,")))


def _indented(chance: Random, content: bytes) -> bytes:
    return b"".join(b"   " + line for line in content.splitlines(keepends=True))


def _of_objects(
    act: Callable[[Random, list[dict[str, Any]]], object],
) -> Callable[[Random, bytes], bytes]:
    """What is done to the objects of a JSON array."""

    def acted(chance: Random, content: bytes) -> bytes:
        rows = json.loads(content)
        act(chance, rows)
        return json.dumps(rows).encode()

    acted.__name__ = act.__name__
    return acted


def _nasty_values(chance: Random, rows: list[dict[str, Any]]) -> None:
    for row in chance.choices(rows, k=chance.choice((1, 9))):
        row[chance.choice(list(row))] = chance.choice(NASTY_VALUES)


def _nasty_key(chance: Random, rows: list[dict[str, Any]]) -> None:
    key, value = chance.choice(list(rows[0])), chance.choice(NASTY_VALUES)
    for row in rows:
        row[key] = value


def _drop_a_key(chance: Random, rows: list[dict[str, Any]]) -> None:
    key = chance.choice(list(rows[0]))
    for row in rows:
        row.pop(key, None)


def _swap_keys(chance: Random, rows: list[dict[str, Any]]) -> None:
    left, right = chance.sample(list(rows[0]), 2)
    for row in rows:
        row[left], row[right] = row.get(right), row.get(left)


def _rename_a_key(chance: Random, rows: list[dict[str, Any]]) -> None:
    key = chance.choice(list(rows[0]))
    for row in rows:
        row[chance.choice((key.upper(), "", "é"))] = row.pop(key, None)


def _objects_that_are_none(chance: Random, rows: list[Any]) -> None:
    for _ in range(chance.choice((1, 9))):
        rows.insert(chance.randrange(len(rows)), chance.choice(NASTY_VALUES))


def _wrapped(chance: Random, content: bytes) -> bytes:
    before, after = chance.choice(
        ((b'{"data":', b"}"), (b"[", b"]"), (b"data=", b";"), (b"", b"]"), (b"[", b""), (b"", b","))
    )
    return before + content + after


def _one_object_a_line(chance: Random, content: bytes) -> bytes:
    return b"\n".join(json.dumps(row).encode() for row in json.loads(content))


def _no_array(chance: Random, content: bytes) -> bytes:
    return json.dumps({str(at): row for at, row in enumerate(json.loads(content))}).encode()


def _values_in_python(chance: Random, content: bytes) -> bytes:
    return content.replace(b'"', b"'", chance.choice((1, 2, -1)))


def _lone_surrogate(chance: Random, content: bytes) -> bytes:
    return content.replace(b'": "', b'": "\\ud800', chance.choice((1, 9)))


ON_CSV = (
    *map(
        _of_table,
        (
            *(_drop_a_column, _double_a_column, _swap_columns, _swap_columns_but_not_the_header),
            *(_shift_some_rows, _rename_a_column, _nasty_cells, _nasty_column),
            *(_another_rows_cells, _rows_lost_doubled_moved),
        ),
    ),
    *(_other_separator, _indented),
)
ON_JSON = (
    *map(
        _of_objects,
        (
            *(_nasty_values, _nasty_key, _drop_a_key, _swap_keys, _rename_a_key),
            *(_objects_that_are_none, _rows_lost_doubled_moved),
        ),
    ),
    *(_wrapped, _one_object_a_line, _no_array, _values_in_python, _lone_surrogate),
)
