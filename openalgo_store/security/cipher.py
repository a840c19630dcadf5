"""The cipher of broker tokens."""

import base64
import hashlib
import json

from cryptography.fernet import Fernet, InvalidToken

from ..errors import ConfigurationError, InvalidInput

_KEY_BYTES = 32


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
