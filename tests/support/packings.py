"""Archives of an instrument file, sound ones and damaged ones."""

import bz2
import gzip
import io
import tarfile
import zipfile
from pathlib import Path
from random import Random

from tests.support.mutated_bytes import cut, flip


def unpacked(path: Path) -> dict[str, bytes]:
    """What a sound file holds, by the names that its contents have unpacked."""
    content = path.read_bytes()
    if path.suffix == ".gz":
        return {path.stem: gzip.decompress(content)}
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive:
            return {name: archive.read(name) for name in archive.namelist()}
    return {path.name: content}


def zipped(content: bytes, name: str = "file.txt") -> bytes:
    """An archive of one file."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return packed.getvalue()


def plain(chance: Random, content: bytes, name: str) -> bytes:
    return content


def _gzip(chance: Random, content: bytes, name: str) -> bytes:
    return gzip.compress(content, 1)


def _cut_gzip(chance: Random, content: bytes, name: str) -> bytes:
    return cut(chance, gzip.compress(content, 1))


def _flipped_gzip(chance: Random, content: bytes, name: str) -> bytes:
    return flip(chance, gzip.compress(content, 1))


def _gzip_with_a_tail(chance: Random, content: bytes, name: str) -> bytes:
    return gzip.compress(content, 1) + chance.choice((b"\0" * 512, b"junk", gzip.compress(b"x")))


def _gzip_of_gzip(chance: Random, content: bytes, name: str) -> bytes:
    return gzip.compress(gzip.compress(content, 1), 1)


def _zip(chance: Random, content: bytes, name: str) -> bytes:
    return zipped(content, name)


def _cut_zip(chance: Random, content: bytes, name: str) -> bytes:
    return cut(chance, zipped(content, name))


def _flipped_zip(chance: Random, content: bytes, name: str) -> bytes:
    return flip(chance, zipped(content, name))


def _zip_of_zip(chance: Random, content: bytes, name: str) -> bytes:
    return zipped(zipped(content, name), name)


def _zip_with_others(chance: Random, content: bytes, name: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
        archive.writestr(chance.choice(("../out.txt", "README", "é/\u202e", name + "2")), b"hello")
    return packed.getvalue()


def _tar(chance: Random, content: bytes, name: str) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode=chance.choice(("w", "w:gz"))) as archive:
        member = tarfile.TarInfo("file")
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def _bzip2(chance: Random, content: bytes, name: str) -> bytes:
    return bz2.compress(content, 1)


SOUND = (plain, _gzip, _zip)
PACKINGS = (
    *(_gzip, _cut_gzip, _flipped_gzip, _gzip_with_a_tail, _gzip_of_gzip),
    *(_zip, _cut_zip, _flipped_zip, _zip_of_zip, _zip_with_others, _tar, _bzip2),
)
