"""Users and what they identify themselves with."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, NamedTuple

TokenName = Literal["access_token", "refresh_token", "feed_token"]
"""The three tokens of a broker."""


class User(NamedTuple):
    """Who may log in. The password's hash is in no record."""

    id: int
    username: str
    email: str
    created_at: datetime
    is_active: bool


class ApiKey(NamedTuple):
    """An API key without the key: hint is its last characters, to tell keys apart."""

    id: int
    user_id: int
    name: str | None
    hint: str | None
    created_at: datetime
    last_used: datetime | None
    is_active: bool


@dataclass(slots=True)
class CachedKey:
    """What a valid key stands for, as the cache keeps it; the use is noted from this moment of
    the monotonic clock on."""

    key_id: int
    user: User
    noted_from: float = 0.0


class IssuedApiKey(NamedTuple):
    """A new API key. api_key is shown this once: the database holds only its digest."""

    id: int
    user_id: int
    name: str | None
    hint: str
    api_key: str

    def __repr__(self) -> str:
        return f"IssuedApiKey(id={self.id}, user_id={self.user_id}, hint={self.hint!r})"


class AuthToken(NamedTuple):
    """The opened tokens of a user at a broker; repr shows none of them.

    A token that is not stored, or was not asked for, is None. auth_data is JSON.
    """

    id: int
    user_id: int
    broker: str
    access_token: str | None
    refresh_token: str | None
    feed_token: str | None
    token_expiry: datetime | None
    auth_data: Any
    created_at: datetime
    updated_at: datetime | None

    def __repr__(self) -> str:
        return f"AuthToken(id={self.id}, user_id={self.user_id}, broker={self.broker!r})"


class SealedToken(NamedTuple):
    """A row of auth_tokens as it is stored and cached; its tokens cannot be read without a key."""

    id: int
    user_id: int
    broker: str
    access_token: str | None
    refresh_token: str | None
    feed_token: str | None
    token_expiry: datetime | None
    auth_data: Any
    created_at: datetime
    updated_at: datetime | None
    key_id: str | None
