"""What is done to the bytes of an instrument file, whatever they mean."""

from random import Random

ENCODINGS = ("utf-16", "utf-16-le", "utf-32", "utf-8-sig", "latin-1", "cp1252", "cp037", "utf-7")
FOREIGN = (
    b"",
    b"\n",
    b"\r\n \r\n",
    b"\xef\xbb\xbf",
    b"\0" * 5_000,
    b"<!DOCTYPE html><html><body>Login</body></html>",
    b'{"status":"error","message":"token expired"}',
    b"null",
    b"[]",
    b"[[]]",
    b'"text"',
    b"[1, 2, 3]",
    b"[" * 100_000,
    b'{"a":' * 100_000,
    b'[{"a":' * 50_000,
    b"[1e999999999]",
    b"[" + b"9" * 100_000 + b"]",
    b"a,b,c\n1,2,3\n",
    b"\x89PNG\r\n\x1a\n" + bytes(range(256)),
    b"7z\xbc\xaf\x27\x1c" + bytes(200),
    b"%PDF-1.7\n",
    b"\x1f\x8b",
    b"PK\3\4",
    b"PK\5\6" + bytes(18),
    bytes(range(256)) * 20,
)


def flip(chance: Random, content: bytes) -> bytes:
    changed = bytearray(content)
    for _ in range(chance.choice((1, 3, 30))):
        changed[chance.randrange(len(changed))] = chance.randrange(256)
    return bytes(changed)


def _flip_one_bit(chance: Random, content: bytes) -> bytes:
    changed = bytearray(content)
    changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def cut(chance: Random, content: bytes) -> bytes:
    return content[: chance.randrange(len(content))]


def _cut_off_the_beginning(chance: Random, content: bytes) -> bytes:
    return content[chance.randrange(len(content)) :]


def _hole(chance: Random, content: bytes) -> bytes:
    at = chance.randrange(len(content))
    return content[:at] + content[at + chance.randrange(1, 5_000) :]


def _insert(chance: Random, content: bytes) -> bytes:
    at = chance.randrange(len(content))
    junk = chance.choice(
        (b"\0", b'"', b"\n", b"\r", b",", b"\xff", b"\x1a", b"[", b"{", b"\\", b"}")
    )
    return content[:at] + junk * chance.choice((1, 1, 2, 1_000)) + content[at:]


def _zeros(chance: Random, content: bytes) -> bytes:
    at = chance.randrange(len(content))
    length = chance.choice((1, 512, 4_096))
    return content[:at] + bytes(length) + content[at + length :]


def _twice(chance: Random, content: bytes) -> bytes:
    return content + content


def _foreign(chance: Random, content: bytes) -> bytes:
    return chance.choice(FOREIGN)


def _foreign_in_the_middle(chance: Random, content: bytes) -> bytes:
    at = chance.randrange(len(content))
    return content[:at] + chance.choice(FOREIGN)[:10_000] + content[at:]


def _encoding(chance: Random, content: bytes) -> bytes:
    text = content.decode()
    at = chance.randrange(len(text))
    return (text[:at] + "é" + text[at:]).encode(chance.choice(ENCODINGS), "replace")


def _line_ends(chance: Random, content: bytes) -> bytes:
    return content.replace(
        b"\n", chance.choice((b"\r\n", b"\r", b"\n\n", b"\r\r\n", b"\x0b", b" "))
    )


ON_BYTES = (
    *(flip, _flip_one_bit, cut, _cut_off_the_beginning, _hole, _insert, _zeros, _twice),
    *(_foreign, _foreign_in_the_middle, _encoding, _line_ends),
)
