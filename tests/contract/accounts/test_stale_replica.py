"""A replica that lags behind lets nobody in: every read of accounts asks the primary.

The replica is a copy of the database from before everything changed.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import NamedTuple

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import Table, delete

from openalgo_store import (
    ConfigurationError,
    Settings,
    Store,
    Transaction,
    WrongDatabase,
    authenticate_user,
    create_api_key,
    create_user,
    delete_user,
    get_auth_token,
    get_read_session,
    get_user,
    get_user_by_api_key,
    get_user_by_email,
    get_user_by_username,
    get_write_session,
    hash_password,
    list_api_keys,
    list_auth_tokens,
    list_users,
    revoke_api_key,
    rotate_encryption_keys,
    save_auth_token,
    update_user,
    use_store,
    warm_api_key_cache,
)
from openalgo_store.engine.queries import Query
from openalgo_store.repositories import accounts
from openalgo_store.repositories.accounts.sentinels import check_secrets
from openalgo_store.tables.accounts import auth_tokens, secret_sentinels
from tests.contract.accounts.conftest import KEY, PASSWORD, CountingHasher

REVOKED, NEW = "the key that was revoked", "the key that was issued since"
ASHA, BINOD = 1, 2
Ask = Callable[[Transaction | None], object]


def active(user: accounts.User | None) -> bool | None:
    return user and user.is_active


ASKS: dict[str, tuple[Ask, object, object]] = {
    "a revoked key": (
        lambda tx: get_user_by_api_key(REVOKED, tx=tx) is not None, True, False),
    "a new key": (
        lambda tx: get_user_by_api_key(NEW, tx=tx) is not None, False, True),
    "the keys": (
        lambda tx: [each.is_active for each in list_api_keys(ASHA, tx=tx)], [True], [False, True]),
    "the old password": (
        lambda tx: authenticate_user("asha", PASSWORD, tx=tx) is not None, True, False),
    "the new password": (
        lambda tx: authenticate_user("asha", "changed", tx=tx) is not None, False, True),
    "a deactivated user's login": (
        lambda tx: authenticate_user("binod", PASSWORD, tx=tx) is not None, True, False),
    "a token": (
        lambda tx: getattr(get_auth_token(ASHA, "zerodha", tx=tx), "access_token", None),
        "old", "new"),
    "a deactivated user's token": (
        lambda tx: get_auth_token(BINOD, "zerodha", tx=tx) is not None, True, False),
    "the tokens": (
        lambda tx: [each.access_token for each in list_auth_tokens(ASHA, tx=tx)], ["old"], ["new"]),
    "a user by id": (lambda tx: active(get_user(BINOD, tx=tx)), True, False),
    "a user by name": (lambda tx: active(get_user_by_username("binod", tx=tx)), True, False),
    "a user by e-mail": (lambda tx: active(get_user_by_email("b@x", tx=tx)), True, False),
    "the users": (lambda tx: list(map(active, list_users(tx=tx))), [True, True], [True, False]),
}  # fmt: skip
"""What is asked; the answer of the replica; the answer of the primary."""


class Behind(NamedTuple):
    """Settings of a primary and of its replica, each as if it were alone."""

    primary: Settings
    replica: Settings


@pytest.fixture
def behind(
    migrated_settings: Settings, copy_of_main: Callable[[], str], hasher: CountingHasher
) -> Iterator[Behind]:
    """The current store has a replica from before the keys, tokens and passwords changed."""
    secrets = {"api_key_pepper": "p" * 40, "token_encryption_keys": KEY}
    primary = replace(migrated_settings, read_replica_pin=0, **secrets)  # type: ignore[arg-type]
    with Store(primary) as store:
        use_store(store)
        for name, email in (("asha", "a@x"), ("binod", "b@x")):
            user = create_user(name, email, hash_password(PASSWORD))
            save_auth_token(user.id, "zerodha", "old")
        issued = create_api_key(ASHA, generate=lambda: REVOKED)
    replica = replace(primary, database_url=copy_of_main())
    with Store(replace(primary, read_database_url=replica.database_url)) as store:
        use_store(store)
        revoke_api_key(issued.id)
        create_api_key(ASHA, generate=lambda: NEW)
        save_auth_token(ASHA, "zerodha", "new")
        update_user(ASHA, password_hash=hash_password("changed"))
        delete_user(BINOD)
        yield Behind(primary, replica)
    use_store(None)


def answers(tx: Transaction | None) -> dict[str, object]:
    return {name: ask(tx) for name, (ask, _, _) in ASKS.items()}


OLD = {name: old for name, (_, old, _) in ASKS.items()}
TRUE = {name: true for name, (_, _, true) in ASKS.items()}


def test_the_replica_would_answer_otherwise(behind: Behind) -> None:
    with Store(behind.replica) as alone:
        use_store(alone)
        assert answers(None) == OLD


def test_without_a_session_every_answer_is_the_primarys(behind: Behind) -> None:
    assert answers(None) == TRUE


def test_a_session_of_the_primary_serves(behind: Behind) -> None:
    with get_read_session(primary=True) as tx:
        assert answers(tx) == TRUE
    with get_write_session() as tx:
        assert answers(tx) == TRUE


def test_a_session_of_the_replica_is_refused_with_the_mend(behind: Behind) -> None:
    with get_read_session() as tx:
        assert tx.on_replica
        for ask, _, _ in ASKS.values():
            with pytest.raises(WrongDatabase, match=r"pass a tx of get_read_session\(primary=True"):
                ask(tx)


def test_without_a_replica_any_read_session_serves(behind: Behind) -> None:
    with Store(behind.primary) as alone:
        use_store(alone)
        with get_read_session() as tx:
            assert answers(tx) == TRUE


def test_a_warm_cache_holds_what_the_primary_has(behind: Behind) -> None:
    assert warm_api_key_cache() == 1
    assert get_user_by_api_key(REVOKED) is None
    assert get_user_by_api_key(NEW) is not None


def empty_replica(behind: Behind, table: Table, **settings: str) -> Store:
    """A store with these settings whose replica has nothing in this table."""
    with Store(behind.replica) as alone, alone.transaction("main", readonly=False) as tx:
        tx.run(Query.of(delete(table)))
    url = behind.replica.database_url
    return Store(replace(behind.primary, read_database_url=url, **settings))  # type: ignore[arg-type]


def test_a_wrong_secret_is_noticed_though_the_replica_has_no_proof_yet(behind: Behind) -> None:
    wrong = empty_replica(behind, secret_sentinels, api_key_pepper="another" * 6)
    with wrong as store, pytest.raises(ConfigurationError, match="API_KEY_PEPPER is not"):
        check_secrets(store)


def test_a_rotation_seals_what_the_replica_has_not_heard_of(behind: Behind) -> None:
    keys = f"{Fernet.generate_key().decode()},{KEY}"
    with empty_replica(behind, auth_tokens, token_encryption_keys=keys) as store:
        use_store(store)
        assert rotate_encryption_keys() == 1


def test_every_function_of_accounts_that_reads_is_in_the_table() -> None:
    """A new one is asked here too."""
    reads = {name for name in accounts.__all__ if name.startswith(("get_", "list_", "auth"))}
    assert reads <= {name for ask, _, _ in ASKS.values() for name in ask.__code__.co_names}
