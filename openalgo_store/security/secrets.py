"""The secrets of the settings: each is checked when it is first used, so that none is needed."""

import hmac
import secrets

from ..errors import ConfigurationError
from ..settings import Settings
from .cipher import TokenCipher

_LEAST_PEPPER = 32


class Secrets:
    """The secrets of the settings, each checked when it is first asked for."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        # No cached_property: Python 3.11 gives it a lock, which a child may find taken.
        self._pepper: bytes | None = None
        self._cipher: TokenCipher | None = None

    @property
    def pepper(self) -> bytes:
        """API_KEY_PEPPER; ConfigurationError when it is missing or short."""
        if self._pepper is None:
            self._pepper = self._checked_pepper()
        return self._pepper

    @property
    def cipher(self) -> TokenCipher:
        """The cipher of TOKEN_ENCRYPTION_KEYS; ConfigurationError when they cannot be used."""
        if self._cipher is None:
            self._cipher = self._new_cipher()
        return self._cipher

    def _checked_pepper(self) -> bytes:
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

    def _new_cipher(self) -> TokenCipher:
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
        return hmac.digest(self._pepper or self.pepper, key, "sha256").hex()


def new_api_key() -> str:
    """A random API key of 256 bits that can be recognised as one."""
    return f"openalgo_{secrets.token_urlsafe(32)}"
