"""What tests of accounts start from: a cheap hasher, a user with a password, a store with a key."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from argon2 import PasswordHasher
from cryptography.fernet import Fernet
from sqlalchemy import select

from openalgo_store import Store, get_read_session, get_write_session, use_store
from openalgo_store.engine.queries import Query
from openalgo_store.records.accounts import User
from openalgo_store.repositories.accounts import users as users_module
from openalgo_store.repositories.accounts.auth_tokens import get_auth_token
from openalgo_store.repositories.accounts.users import create_user
from openalgo_store.security import passwords
from openalgo_store.security.passwords import hash_password
from openalgo_store.store import current_store
from openalgo_store.tables.accounts import users
from tests.support.rows import add_user
from tests.support.watching import watching

PASSWORD = "correct horse"
MARKS = "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaA"
"""The form of a hash, where no password is checked."""
KEY = Fernet.generate_key().decode()


class CountingHasher(PasswordHasher):
    """Remembers the hashes that it checked a password against."""

    def __init__(self, time_cost: int = 1, salt_len: int = 8) -> None:
        super().__init__(time_cost, memory_cost=8, parallelism=1, hash_len=4, salt_len=salt_len)
        self.checked: list[str] = []

    def verify(self, hash: str | bytes, password: str | bytes) -> Any:
        self.checked.append(str(hash))
        return super().verify(hash, password)


@pytest.fixture
def hasher(monkeypatch: pytest.MonkeyPatch) -> Iterator[CountingHasher]:
    """A hasher that takes no time."""
    cheap = CountingHasher()
    monkeypatch.setattr(passwords, "_hasher", cheap)
    users_module._stand_in_hash.cache_clear()
    yield cheap
    users_module._stand_in_hash.cache_clear()


@pytest.fixture
def asha(store: Store, hasher: CountingHasher) -> Iterator[User]:
    """A user in a store whose secrets are set."""
    with Store(replace(store.settings, api_key_pepper="p" * 40)) as peppered:
        use_store(peppered)
        yield create_user("Asha", "asha@example.org", hash_password(PASSWORD))
        use_store(store)


@pytest.fixture
def queries(asha: object) -> Iterator[list[str]]:
    """Every statement that looks a key up, as it is sent."""
    sent: list[str] = []

    def note(sql: str, values: Any) -> None:
        if "JOIN users" in sql:
            sent.append(sql)

    with watching(current_store(), before=note):
        yield sent


def stored_hash(user_id: int) -> str:
    with get_read_session() as tx:
        stored = select(users.c.password_hash).where(users.c.id == user_id)
        return tx.value(Query.of(stored, str)) or ""


@pytest.fixture
def sealing(store: Store) -> Iterator[Store]:
    """A store with a key, which is the current one; asha is user 1, binod user 2."""
    with Store(replace(store.settings, token_encryption_keys=KEY)) as sealing:
        use_store(sealing)
        with get_write_session() as tx:
            add_user(tx, "asha")
            add_user(tx, "binod")
        yield sealing
        use_store(store)


@pytest.fixture
def statements(sealing: Store) -> Iterator[list[str]]:
    """The statements on auth_tokens that the store sends, as they come."""
    seen: list[str] = []

    def note(sql: str, values: Any) -> None:
        if "auth_tokens" in sql:
            seen.append(sql)

    with watching(sealing, before=note):
        yield seen


def access_token(user_id: int = 1, broker: str = "zerodha") -> str | None:
    found = get_auth_token(user_id, broker)
    return found.access_token if found else None
