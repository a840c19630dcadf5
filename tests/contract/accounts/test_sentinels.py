"""Sentinels: a database knows the secrets it was made with, and says so before it serves."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import func, select

from openalgo_store import (
    ConfigurationError,
    Store,
    get_read_session,
    get_write_session,
    init_databases,
    use_store,
)
from openalgo_store.engine.queries import Query
from openalgo_store.repositories.accounts.api_keys import create_api_key, list_api_keys
from openalgo_store.repositories.accounts.auth_tokens import list_auth_tokens, save_auth_token
from openalgo_store.repositories.accounts.sentinels import check_secrets
from openalgo_store.tables.accounts import secret_sentinels
from tests.programs.databases import result_of
from tests.programs.rotation import start
from tests.support.processes import let_go, wait_until_ready
from tests.support.rows import add_user

PEPPER, ANOTHER_PEPPER = "the pepper of these tests" * 2, "quite another one for them" * 2
KEY, ANOTHER_KEY = (Fernet.generate_key().decode() for _ in range(2))
COUNT = Query.of(select(func.count()).select_from(secret_sentinels), int)
WRONG = [
    ({"api_key_pepper": ANOTHER_PEPPER}, "API_KEY_PEPPER is not the one this database"),
    ({"api_key_pepper": ""}, "API_KEY_PEPPER is not set.*put that one back"),
    ({"api_key_pepper": "short"}, "API_KEY_PEPPER is shorter than 32"),
    ({"token_encryption_keys": ANOTHER_KEY}, "no key in TOKEN_ENCRYPTION_KEYS opens this database"),
    ({"token_encryption_keys": ""}, "TOKEN_ENCRYPTION_KEYS is not set.*put that one back"),
    ({"token_encryption_keys": f"{KEY},oops"}, "TOKEN_ENCRYPTION_KEYS: key 2 of 2 is no Fernet"),
]
NAMES = [
    "another pepper", "no pepper", "a short pepper",
    "another key", "no key", "a malformed key",
]  # fmt: skip


@contextmanager
def store_with(store: Store, **secrets: str) -> Iterator[Store]:
    """A store of the same databases with these secrets, for the block the current one."""
    with Store(replace(store.settings, **secrets)) as opened:  # type: ignore[arg-type]
        use_store(opened)
        try:
            yield opened
        finally:
            use_store(store)


@pytest.fixture
def used(store: Store) -> Store:
    """A store without secrets, of databases that were first used with PEPPER and KEY."""
    with get_write_session() as tx:
        add_user(tx, "asha")
    with store_with(store, api_key_pepper=PEPPER, token_encryption_keys=KEY):
        create_api_key(1)
        save_auth_token(1, "zerodha", "open")
    return store


def secrets_of(change: dict[str, str]) -> dict[str, str]:
    return {"api_key_pepper": PEPPER, "token_encryption_keys": KEY} | change


def first_write(change: dict[str, str]) -> Callable[[], object]:
    """What needs the secret that is changed."""
    if "api_key_pepper" in change:
        return lambda: create_api_key(1)
    return lambda: save_auth_token(1, "zerodha", "new")


def test_secrets_that_are_right_pass_and_so_does_a_new_key_before_the_old(used: Store) -> None:
    for keys in (KEY, f"{ANOTHER_KEY},{KEY}", f" {KEY} , {ANOTHER_KEY} "):
        with store_with(used, **secrets_of({"token_encryption_keys": keys})) as opened:
            check_secrets(opened)
            create_api_key(1)
            save_auth_token(1, "zerodha", "open")


@pytest.mark.parametrize(("change", "message"), WRONG, ids=NAMES)
def test_at_start_each_secret_that_cannot_be_right_is_one_error_that_names_it(
    used: Store, change: dict[str, str], message: str
) -> None:
    with store_with(used, **secrets_of(change)) as opened:
        with pytest.raises(ConfigurationError, match=message) as raised:
            check_secrets(opened)
    for secret in (PEPPER, ANOTHER_PEPPER, KEY, ANOTHER_KEY, "oops"):
        assert secret not in str(raised.value)


@pytest.mark.parametrize(("change", "message"), WRONG, ids=NAMES)
def test_a_store_with_a_wrong_secret_does_not_start(
    used: Store, change: dict[str, str], message: str
) -> None:
    with pytest.raises(ConfigurationError, match=message):
        init_databases(replace(used.settings, **secrets_of(change)))  # type: ignore[arg-type]


@pytest.mark.parametrize(("change", "message"), WRONG, ids=NAMES)
def test_a_wrong_secret_writes_nothing(used: Store, change: dict[str, str], message: str) -> None:
    keys, use = list_api_keys(1), first_write(change)
    with store_with(used, **secrets_of(change)):
        with pytest.raises(ConfigurationError, match=message.removesuffix(".*put that one back")):
            use()
    assert list_api_keys(1) == keys
    with store_with(used, **secrets_of({})):
        assert [each.access_token for each in list_auth_tokens(1)] == ["open"]


def test_where_there_is_no_sentinel_nothing_is_checked_before_the_first_use(store: Store) -> None:
    with get_write_session() as tx:
        add_user(tx, "asha")
    for change in ({"api_key_pepper": "short"}, {"token_encryption_keys": "oops"}):
        with store_with(store, **change) as opened:
            check_secrets(opened)
            with pytest.raises(ConfigurationError, match=next(iter(change)).upper()):
                first_write(change)()
    check_secrets(store)
    for use in (first_write({"api_key_pepper": ""}), first_write({})):
        with pytest.raises(ConfigurationError, match="is not set"):
            use()
    with get_read_session() as tx:
        assert tx.value(COUNT) == 0


def test_a_first_use_that_is_rolled_back_leaves_no_sentinel(store: Store) -> None:
    with store_with(store, **secrets_of({})):
        with pytest.raises(ZeroDivisionError), get_write_session() as tx:
            add_user(tx, "asha")
            create_api_key(1, tx=tx)
            save_auth_token(1, "zerodha", "never", tx=tx)
            assert tx.value(COUNT) == 2
            _ = 1 / 0
        with get_read_session() as tx:
            assert tx.value(COUNT) == 0


def test_a_damaged_sentinel_is_no_proof(used: Store) -> None:
    with get_write_session() as tx:
        tx.run(Query.of(secret_sentinels.update().values(proof="rubbish")))
    with store_with(used, **secrets_of({})) as opened:
        with pytest.raises(ConfigurationError, match="API_KEY_PEPPER is not the one"):
            check_secrets(opened)
        with pytest.raises(ConfigurationError, match="no key in TOKEN_ENCRYPTION_KEYS"):
            save_auth_token(1, "zerodha", "new")


def test_of_processes_that_come_first_at_once_one_key_wins_and_the_others_are_refused(
    store: Store,
) -> None:
    with get_write_session() as tx:
        add_user(tx, "asha")
    keys = [Fernet.generate_key().decode() for _ in range(4)]
    processes = [start("save_at_once", store.settings, key) for key in keys]
    wait_until_ready(*processes)
    let_go(*processes)
    outcomes = [result_of(process) for process in processes]
    refused = "no key in TOKEN_ENCRYPTION_KEYS opens this database"
    assert sorted(each.partition(":")[0] for each in outcomes) == [refused] * 3 + ["saved"]
    with store_with(store, token_encryption_keys=keys[outcomes.index("saved")]) as opened:
        check_secrets(opened)
        assert [each.access_token for each in list_auth_tokens(1)] == ["open"]
