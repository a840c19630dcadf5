"""Secrets: passwords, API-key digests, and the cipher of broker tokens.

Nothing here appears in an error, a log line or a repr. Secrets are checked when they are first
used, so that what does not use them needs none.
"""

import base64
import hashlib
import hmac
import json
import secrets
import threading
from functools import cached_property

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from cryptography.fernet import Fernet, InvalidToken

from .config import Settings
from .errors import ConfigurationError, InvalidInput

_HASHES_AT_ONCE = 4
"""Each takes 64 MiB."""
_LEAST_PEPPER = 32
_KEY_BYTES = 32
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


def new_api_key() -> str:
    """A random API key of 256 bits that can be recognised as one."""
    return f"openalgo_{secrets.token_urlsafe(32)}"


class Secrets:
    """The secrets of the settings, each checked when it is first asked for."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @cached_property
    def pepper(self) -> bytes:
        """API_KEY_PEPPER; ConfigurationError when it is missing or short."""
        pepper = self._settings.api_key_pepper.encode(errors="surrogateescape")
        if not pepper:
            raise ConfigurationError(
                "API_KEY_PEPPER is not set, and API keys need it: `openalgo-store init` makes one"
            )
        if len(pepper) < _LEAST_PEPPER:
            raise ConfigurationError(
                f"API_KEY_PEPPER is shorter than {_LEAST_PEPPER} characters: "
                "`openalgo-store init` makes one where there is none"
            )
        return pepper

    @cached_property
    def cipher(self) -> "TokenCipher":
        """The cipher of TOKEN_ENCRYPTION_KEYS; ConfigurationError when they cannot be used."""
        keys = [each.strip() for each in self._settings.token_encryption_keys.split(",")]
        if not any(keys):
            raise ConfigurationError(
                "TOKEN_ENCRYPTION_KEYS is not set, and broker tokens need it: "
                "`openalgo-store init` makes one"
            )
        return TokenCipher(keys)

    def digest(self, api_key: str) -> str:
        """What the database holds of an API key: HMAC-SHA256 under the pepper, 64 hex digits."""
        key = api_key.encode(errors="surrogatepass")
        return hmac.digest(self.pepper, key, "sha256").hex()


class TokenCipher:
    """Seals tokens with the newest key and opens those of any key it has.

    The place (user, broker, column) is inside what is sealed, so that a value which was copied
    to another row does not open.
    """

    def __init__(self, keys: list[str]) -> None:
        self._keys: dict[str, Fernet] = {}
        for number, key in enumerate(keys, 1):
            try:
                self._keys[key_id(key)] = Fernet(key)
            except ValueError:
                raise ConfigurationError(
                    f"TOKEN_ENCRYPTION_KEYS: key {number} of {len(keys)} is no Fernet key "
                    "(32 bytes in URL-safe base64): `openalgo-store init` makes one"
                ) from None
        self.newest = key_id(keys[0])

    @property
    def key_ids(self) -> list[str]:
        """The ids of all keys, newest first."""
        return list(self._keys)

    def seal(self, token: str, user_id: int, broker: str, column: str) -> str:
        """The token, sealed with the newest key."""
        plain = json.dumps([user_id, broker, column, token])
        return self._keys[self.newest].encrypt(plain.encode()).decode()

    def open(self, sealed: str, key: str | None, user_id: int, broker: str, column: str) -> str:
        """The token; ConfigurationError for an unknown key id, InvalidInput for a foreign value."""
        fernet = self._keys.get(key or "")
        if fernet is None:
            raise ConfigurationError(
                f"TOKEN_ENCRYPTION_KEYS lacks the key {key}, which sealed the {column} of user "
                f"{user_id} at {broker}: add that key behind the others"
            )
        try:
            *place, token = json.loads(fernet.decrypt(sealed.encode()))
        except (InvalidToken, ValueError, TypeError):
            place, token = [], ""
        if place != [user_id, broker, column]:
            raise InvalidInput(
                f"the stored {column} of user {user_id} at {broker} is damaged or was moved here "
                "from another row: save it again"
            )
        return str(token)


def key_id(key: str) -> str:
    """A name for a Fernet key that tells nothing of it: 8 hex digits of its SHA-256.

    ValueError for what is not written as such a key is: else one key could have two names.
    """
    raw = base64.urlsafe_b64decode(key.encode("ascii"))
    if len(raw) != _KEY_BYTES or base64.urlsafe_b64encode(raw).decode() != key:
        raise ValueError
    return hashlib.sha256(raw).hexdigest()[:8]
