"""What changes users, keys, tokens and strategies."""

from base64 import urlsafe_b64encode
from dataclasses import replace

from openalgo_store import (
    NotFound,
    Store,
    create_api_key,
    create_strategy,
    create_user,
    delete_strategy,
    delete_user,
    get_user_by_api_key,
    list_api_keys,
    list_strategies,
    list_users,
    reactivate_user,
    revoke_api_key,
    revoke_auth_token,
    rotate_encryption_keys,
    save_auth_token,
    set_strategy_active,
    update_strategy,
    update_user,
    use_store,
)
from openalgo_store.store import current_store
from tests.contract.accounts.conftest import MARKS
from tests.faults.operation import Operation, flush, user

ONE, OTHER = (urlsafe_b64encode(letter * 32).decode() for letter in (b"a", b"b"))
"""Keys that seal tokens, the same in every process."""


def add_user(number: int) -> int:
    return create_user(f"user{number}", f"user{number}@example.org", MARKS).id


def add_deleted_users(count: int) -> None:
    for number in range(count):
        delete_user(add_user(number))


def add_users_who_have_all(count: int) -> None:
    for number in range(count):
        other = add_user(number)
        create_api_key(other, generate=lambda number=number: api_key(number))  # type: ignore[misc]
        save_auth_token(other, "zerodha", "an access token")


def other_user(number: int) -> int:
    """The id of the user that add_user made."""
    return list_users()[number + 1].id


def api_key(number: int) -> str:
    return f"an API key that is long enough, number {number}"


def add_api_key(number: int) -> None:
    create_api_key(user(), f"name {number}", generate=lambda: api_key(number))


def add_api_keys(count: int) -> None:
    for number in range(count):
        add_api_key(number)


def use_api_key(number: int) -> None:
    """That it was used is written in the background; again changes nothing."""
    if get_user_by_api_key(api_key(number)) is None:  # as it may be in a damaged file
        raise NotFound("this key is no user's")
    flush()


def save_token(number: int) -> None:
    access, refresh, feed = (f"{kind} {number} as a secret" for kind in ("one", "two", "three"))
    save_auth_token(user(), f"broker{number}", access, refresh, feed, auth_data={"number": number})


def save_tokens(count: int) -> None:
    for number in range(count):
        save_token(number)


def save_old_tokens(count: int) -> None:
    """Of every other broker, so that saving inserts and updates."""
    for number in range(0, count, 2):
        save_auth_token(user(), f"broker{number}", "the one before as a secret")


def rotate(number: int) -> None:
    """To one key and back to the other, in batches of two."""
    keys = (OTHER, ONE) if number % 2 == 0 else (ONE, OTHER)
    settings = replace(current_store().settings, token_encryption_keys=",".join(keys))
    with Store(settings) as rotating, use_store(rotating):
        rotate_encryption_keys(batch_size=2)


def add_strategies(count: int) -> None:
    for number in range(count):
        add_strategy(number)


def add_strategy(number: int) -> None:
    create_strategy(user(), f"strategy {number:03}", "python", config={"number": number})


def strategy(number: int) -> int:
    return list_strategies(user())[number].id


ACCOUNTS = [
    Operation("create_user", add_user),
    Operation(
        "update_user",
        lambda number: update_user(
            other_user(number), username=f"new{number}", email=f"new{number}@example.org"
        ),
        add_users_who_have_all,
    ),
    Operation(
        "delete_user", lambda number: delete_user(other_user(number)), add_users_who_have_all
    ),
    Operation(
        "reactivate_user",
        lambda number: reactivate_user(other_user(number)),
        add_deleted_users,
    ),
    Operation("create_api_key", add_api_key),
    Operation(
        "revoke_api_key",
        lambda number: revoke_api_key(list_api_keys(user())[number].id),
        add_api_keys,
    ),
    Operation("get_user_by_api_key", use_api_key, add_api_keys),
    Operation("save_auth_token", save_token, save_old_tokens),
    Operation(
        "revoke_auth_token",
        lambda number: revoke_auth_token(user(), f"broker{number}"),
        save_tokens,
    ),
    Operation("rotate_encryption_keys", rotate, lambda count: save_tokens(5), is_in_parts=True),
    Operation("create_strategy", add_strategy),
    Operation(
        "update_strategy",
        lambda number: update_strategy(strategy(number), config={"new": number}),
        add_strategies,
    ),
    Operation(
        "set_strategy_active",
        lambda number: set_strategy_active(strategy(number), True),
        add_strategies,
    ),
    Operation(
        "delete_strategy",
        lambda number: delete_strategy(_strategy_named(number)),
        add_strategies,
    ),
]


def _strategy_named(number: int) -> int:
    name = f"strategy {number:03}"
    return next(each.id for each in list_strategies(user()) if each.name == name)
