"""Instrument files as they should not be: what a bad disk, line, editor or broker makes of one."""

import csv
import io
import json
from random import Random
from typing import NamedTuple

from tests.support.mutated_bytes import ON_BYTES
from tests.support.mutated_rows import ON_CSV, ON_JSON
from tests.support.packings import PACKINGS, SOUND, plain


class Mutation(NamedTuple):
    """What was done to a file, what it holds now, and that as it is packed."""

    done: str
    text: bytes
    content: bytes
    is_sound: bool
    """Whether the archive is, if it is one."""


def mutated(chance: Random, text: bytes, name: str) -> Mutation:
    """One to three things done to an unpacked file, which is then packed in one way or another.

    `name` is that of the member, if it gets into an archive.
    """
    done = []
    on_rows = ON_JSON if text[:1] == b"[" else ON_CSV
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        act = chance.choice(on_rows if chance.random() < 0.7 else ON_BYTES)
        try:
            text = act(chance, text)
        except (ValueError, LookupError, TypeError, AttributeError, csv.Error, RecursionError):
            continue  # what was done before has left nothing that this could be done to
        done.append(act.__name__.strip("_"))
    pack = chance.choice(PACKINGS) if chance.random() < 0.3 else plain
    if pack is not plain:
        done.append(pack.__name__.strip("_"))
    return Mutation(", ".join(done), text, pack(chance, text, name), pack in SOUND)


def rows_of(text: bytes, *, has_header: bool) -> range:
    """How many rows a reader may tell of: each, and no more than one for each line."""
    decoded = text.decode("utf-8-sig")
    if decoded.lstrip()[:1] == "[":
        found = len(json.loads(decoded)) or 1  # that there is none is told, too
        return range(found, found + 1)
    lines = io.StringIO(decoded, newline="").readlines()
    filled = [line for line in lines if line.strip("\r\n")]
    return range(len(filled) - has_header, len(lines) + 1)
