"""Passwords: Argon2id, a few at a time since each takes 64 MiB."""

import threading

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from ..errors import InvalidInput

_HASHES_AT_ONCE = 4
_turns = threading.BoundedSemaphore(_HASHES_AT_ONCE)
_hasher = PasswordHasher()


def hash_password(password: str) -> str:
    """The Argon2id hash of a password, with its parameters and a salt of its own."""
    with _turns:
        return _hasher.hash(_encoded(password))


def verify_password(password: str, password_hash: str) -> bool:
    """Whether the hash is that of the password; false for a hash that is none."""
    with _turns:
        try:
            return _hasher.verify(password_hash, _encoded(password))
        except (VerificationError, InvalidHashError):
            return False


def is_outdated(password_hash: str) -> bool:
    """Whether today's parameters would give another hash."""
    return _hasher.check_needs_rehash(password_hash)


def _encoded(password: str) -> bytes:
    try:
        return password.encode()
    except UnicodeEncodeError:
        raise InvalidInput("the password holds a lone surrogate: it is not valid text") from None
