"""Passwords: Argon2id, a few at a time since each takes 64 MiB."""

import os
from itertools import count

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from ..errors import InvalidInput
from ..threads import Lock, in_real_thread
from ..values.text import require_text

_HASHES_AT_ONCE = 4
_hasher = PasswordHasher()
_numbers = count()
_slots = [Lock() for _ in range(_HASHES_AT_ONCE)]
"""Taken one after the other. A semaphore would lose one where a signal handler raises."""


def hash_password(password: str) -> str:
    """The Argon2id hash of a password, with its parameters and a salt of its own.

    It takes 64 MiB and, on purpose, a tenth of a second or more. InvalidInput for what is no text.
    """
    with _slot():
        return in_real_thread(_hasher.hash, _encoded(password))


def verify_password(password: str, password_hash: str) -> bool:
    """Whether the hash is that of the password; false for a hash that is none."""
    if not (isinstance(password, str) and isinstance(password_hash, str)):
        return False
    with _slot():
        try:
            return in_real_thread(_hasher.verify, password_hash, _encoded(password))
        except (VerificationError, InvalidHashError, UnicodeEncodeError):
            return False


def is_outdated(password_hash: str) -> bool:
    """Whether today's parameters would give another hash."""
    return _hasher.check_needs_rehash(password_hash)


def _slot() -> Lock:
    return _slots[next(_numbers) % _HASHES_AT_ONCE]


def _encoded(password: str) -> bytes:
    try:
        return require_text("the password", password).encode()
    except UnicodeEncodeError:
        raise InvalidInput("the password holds a lone surrogate: it is not valid text") from None


def _free_slots() -> None:
    """In a child process: the threads that held them are the parent's."""
    _slots[:] = [Lock() for _ in range(_HASHES_AT_ONCE)]


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_free_slots)
