"""What ends a key, a token or a user is believed also where the answer to its COMMIT is lost."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from openalgo_store import (
    Store,
    Unavailable,
    create_api_key,
    create_user,
    delete_user,
    get_auth_token,
    get_user_by_api_key,
    revoke_api_key,
    revoke_auth_token,
    save_auth_token,
    update_user,
    use_store,
)
from openalgo_store.records.accounts import IssuedApiKey
from tests.contract.accounts.conftest import KEY, MARKS
from tests.support.endings import lose_one_answer

pytestmark = pytest.mark.only("postgresql")  # what SQLite answers cannot get lost


@pytest.fixture
def issued(store: Store, engine_name: str) -> Iterator[IssuedApiKey]:
    """A key of a user who has a token too, both in memory."""
    secrets = replace(store.settings, api_key_pepper="p" * 40, token_encryption_keys=KEY)
    with Store(secrets) as secret, use_store(secret):
        user = create_user("asha", "asha@example.org", MARKS)
        save_auth_token(user.id, "zerodha", "an-access-token")
        issued = create_api_key(user.id)
        assert owner(issued) == "asha"
        assert token(issued) == "an-access-token"
        yield issued


def owner(issued: IssuedApiKey) -> str | None:
    user = get_user_by_api_key(issued.api_key)
    return user.username if user else None


def token(issued: IssuedApiKey) -> str | None:
    found = get_auth_token(issued.user_id, "zerodha")
    return found.access_token if found else None


def _revoke_key(issued: IssuedApiKey) -> None:
    revoke_api_key(issued.id)


def _revoke_token(issued: IssuedApiKey) -> None:
    revoke_auth_token(issued.user_id, "zerodha")


def _replace_token(issued: IssuedApiKey) -> None:
    save_auth_token(issued.user_id, "zerodha", "another-token")


def _rename(issued: IssuedApiKey) -> None:
    update_user(issued.user_id, username="binod")


def _delete(issued: IssuedApiKey) -> None:
    delete_user(issued.user_id)


@pytest.mark.parametrize(
    ("change", "key_is_of", "token_is"),
    [
        (_revoke_key, None, "an-access-token"),
        (_revoke_token, "asha", None),
        (_replace_token, "asha", "another-token"),
        (_rename, "binod", "an-access-token"),
        (_delete, None, None),
    ],
    ids=lambda each: getattr(each, "__name__", None),
)
def test_what_was_changed_and_not_heard_of_is_not_answered_from_memory(
    issued: IssuedApiKey,
    change: Callable[[IssuedApiKey], None],
    key_is_of: str | None,
    token_is: str | None,
) -> None:
    with lose_one_answer(), pytest.raises(Unavailable) as raised:
        change(issued)
    assert raised.value.outcome_unknown
    assert owner(issued) == key_is_of
    assert token(issued) == token_is


def test_a_key_that_was_asked_for_before_it_came_to_be_is_accepted_once_it_is_there(
    issued: IssuedApiKey,
) -> None:
    unborn = "a-key-of-forty-characters-that-is-made-later"
    assert get_user_by_api_key(unborn) is None
    with lose_one_answer(), pytest.raises(Unavailable):
        create_api_key(issued.user_id, generate=lambda: unborn)
    user = get_user_by_api_key(unborn)
    assert user is not None
    assert user.username == "asha"
