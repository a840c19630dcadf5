"""How a SQLite file gets damaged."""

from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import NamedTuple

_PAGE = 4096
_LEAVES = (10, 13)
"""First bytes of pages that hold what an index, or a table, says."""
_FLIPPED = 24


class Damage(NamedTuple):
    """What is done to a file, and how often in a whole run."""

    name: str
    do: Callable[[Path, Random], None]
    cases: int = 1


def _flip(path: Path, chance: Random) -> None:
    """Bytes in a page that holds something; SQLite keeps no checksums, so it may not notice."""
    content = bytearray(path.read_bytes())
    pages = [at for at in range(_PAGE, len(content), _PAGE) if _is_used(content, at)]
    page = chance.choice(pages)
    for _ in range(_FLIPPED):
        at = page + chance.randrange(_PAGE)
        content[at] ^= 1 << chance.randrange(8)
    path.write_bytes(content)


def _is_used(content: bytearray, at: int) -> bool:
    cells = int.from_bytes(content[at + 3 : at + 5])
    return content[at] in _LEAVES and cells > 0


def _destroy(path: Path, chance: Random) -> None:
    """The header of each page that holds something, but for the first."""
    content = bytearray(path.read_bytes())
    for at in range(_PAGE, len(content), _PAGE):
        if _is_used(content, at):
            content[at : at + 8] = chance.randbytes(8)
    path.write_bytes(content)


def _cut(path: Path, chance: Random) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: chance.randrange(1, len(content))])


def _empty(path: Path, chance: Random) -> None:
    path.write_bytes(b"")


def _foreign(path: Path, chance: Random) -> None:
    path.write_bytes(b"symbol,token\n" * 2000)


DAMAGES = [
    Damage("flipped bits in a page", _flip, cases=4),
    Damage("rubbish in page headers", _destroy),
    Damage("a cut file", _cut, cases=2),
    Damage("an empty file", _empty),
    Damage("a foreign file", _foreign),
]
