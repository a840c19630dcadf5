"""Users: unique names in any script, and changes that keep them so."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import delete

from openalgo_store import (
    Conflict,
    InvalidInput,
    NotFound,
    SessionMisuse,
    Store,
    Transaction,
    TransactionFailed,
    get_read_session,
    get_write_session,
)
from openalgo_store.engine.queries import Query
from openalgo_store.records.accounts import User
from openalgo_store.repositories.accounts import users as users_module
from openalgo_store.repositories.accounts.api_keys import create_api_key, get_user_by_api_key
from openalgo_store.repositories.accounts.users import (
    authenticate_user,
    create_user,
    delete_user,
    get_user,
    get_user_by_email,
    get_user_by_username,
    list_users,
    reactivate_user,
    update_user,
)
from openalgo_store.security.passwords import hash_password
from openalgo_store.tables.accounts import users
from openalgo_store.values import clock
from tests.contract.accounts.conftest import MARKS, PASSWORD
from tests.support.rows import add_user


def test_a_user_is_found_by_id_by_name_and_by_email(asha: User) -> None:
    assert asha[1:3] == ("Asha", "asha@example.org")
    assert asha.is_active
    assert abs((clock.now() - asha.created_at).total_seconds()) < 60
    assert get_user(asha.id) == get_user_by_username("Asha") == asha
    assert get_user_by_email("asha@example.org") == asha
    assert list_users() == [asha]


def test_who_is_not_there_is_none(asha: User) -> None:
    assert get_user(asha.id + 1) is None
    assert get_user_by_username("Binod") is None
    assert get_user_by_email("asha@example.com") is None


def test_users_are_listed_oldest_first_with_deactivated_ones(asha: User) -> None:
    binod = create_user("Binod", "binod@example.org", MARKS)
    delete_user(asha.id)
    assert list_users() == [asha._replace(is_active=False), binod]


def test_many_users_are_read_a_part_at_a_time(asha: User) -> None:
    with get_write_session() as tx:
        for number in range(1_005):
            add_user(tx, f"user{number:04}")
    first = list_users()
    rest = list_users(after=first[-1].id)
    assert (len(first), len(rest)) == (1_000, 6)
    assert list_users(after=rest[-1].id) == []
    everyone = first + rest
    assert [each.username for each in everyone[1:]] == [f"user{n:04}" for n in range(1_005)]
    assert list_users(after=everyone[9].id, limit=3) == everyone[10:13]
    for limit in (0, 1_001, True, None, "5"):
        with pytest.raises(InvalidInput, match="limit must be a whole number from 1 to 1000"):
            list_users(limit=limit)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("one", "same"),
    [
        ("É", "é"),
        ("é", "e\u0301"),
        ("STRASSE", "straße"),
        ("Ａｓｈａ", "asha"),
        ("ﬁnance", "FINANCE"),
        ("ΐ", "ΐ".upper()),
        ("ΣΊΣΥΦΟΣ", "σίσυφος"),
    ],
)
def test_names_that_differ_in_case_or_form_alone_are_one(store: Store, one: str, same: str) -> None:
    first = create_user(one, f"{one}@example.org", MARKS)
    with pytest.raises(Conflict, match="username is taken"):
        create_user(same, "another@example.org", MARKS)
    with pytest.raises(Conflict, match="e-mail address is taken"):
        create_user("another", f"{same}@EXAMPLE.org", MARKS)
    assert get_user_by_username(same) == get_user_by_email(f"{same}@EXAMPLE.org") == first
    assert list_users() == [first]


def test_a_conflict_says_which_and_keeps_the_name_of_the_rule(asha: User) -> None:
    with pytest.raises(Conflict) as raised:
        create_user("ASHA", "another@example.org", MARKS)
    assert raised.value.constraint == "uq_users_username_key"
    assert raised.value.__cause__ is not None
    with pytest.raises(Conflict) as raised:
        create_user("another", "ASHA@example.org", MARKS)
    assert raised.value.constraint == "uq_users_email_key"
    with pytest.raises(Conflict, match="is taken"):  # which of two, the engine decides
        create_user("ASHA", "ASHA@example.org", MARKS)


def test_the_names_of_a_deactivated_user_stay_taken(asha: User) -> None:
    delete_user(asha.id)
    with pytest.raises(Conflict, match="username"):
        create_user("asha", "another@example.org", MARKS)
    with pytest.raises(Conflict, match="e-mail"):
        create_user("another", "asha@example.org", MARKS)


def test_of_several_that_ask_for_a_name_at_once_one_gets_it(store: Store) -> None:
    def create(number: int) -> bool:
        try:
            create_user("Éé"[number % 2], f"user{number}@example.org", MARKS)
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(create, range(8))) == 1
    assert len(list_users()) == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"username": ""}, "the username is empty: give one"),
        ({"username": " \u3000\t"}, "the username is empty: give one"),
        ({"username": " asha"}, "the username has blanks before or after it: remove them"),
        ({"username": "asha\u00a0"}, "the username has blanks before or after it: remove them"),
        ({"email": ""}, "the email is empty: give one"),
        ({"email": "a@example.org\n"}, "the email has blanks before or after it: remove them"),
        ({"email": "example.org"}, "the email has no @: give the whole address"),
        ({"username": None}, "text is needed, not NoneType"),
        ({"email": 7}, "text is needed, not int"),
        (
            {"username": "a\0b"},
            "text with a NUL character: PostgreSQL cannot hold it; remove it",
        ),
        (
            {"email": "a\ud800@example.org"},
            "text with a lone surrogate is not valid Unicode: decode it properly",
        ),
        (
            {"username": "é" * 81},
            "text of 81 characters where the column holds 80: shorten it",
        ),
        (
            {"email": "@" * 121},
            "text of 121 characters where the column holds 120: shorten it",
        ),
        (
            {"username": "\ufdfa" * 80},
            "text of 1440 characters where the column holds 240: shorten it",
        ),
        (
            {"password_hash": PASSWORD},
            "password_hash is no Argon2 hash: pass hash_password(password)",
        ),
        ({"password_hash": None}, "password_hash is no Argon2 hash: pass hash_password(password)"),
        (
            {"password_hash": MARKS + "x" * 255},
            f"text of {len(MARKS) + 255} characters where the column holds 255: shorten it",
        ),
    ],
)
def test_a_value_that_no_user_may_have_is_told_in_the_same_words(
    asha: User, change: dict[str, Any], message: str
) -> None:
    row = {"username": "binod", "email": "binod@example.org", "password_hash": MARKS}
    asks: list[Callable[[], object]] = [
        lambda: create_user(**(row | change)),
        lambda: update_user(asha.id, **change),
    ]
    for write in asks:
        with pytest.raises(InvalidInput) as raised:
            write()
        assert str(raised.value) == message
    assert list_users() == [asha]


storable = st.characters(exclude_characters="\0", exclude_categories=["Cs"])
names = st.text(storable, min_size=1, max_size=80).filter(
    lambda name: name == name.strip() and len(users_module._folded(name)) <= 240
)
emails = st.builds("{}@{}".format, st.text(storable, max_size=59), st.text(storable, max_size=60))
addresses = emails.filter(
    lambda email: email == email.strip() and len(users_module._folded(email)) <= 360
)


@given(names, addresses)
def test_any_text_comes_back_the_same(store: Store, username: str, email: str) -> None:
    with get_write_session() as tx:
        user = create_user(username, email, MARKS, tx=tx)
        assert (user.username, user.email) == (username, email)
        assert get_user(user.id, tx=tx) == user
        for same in (str, str.casefold):
            assert get_user_by_username(same(username), tx=tx) == user
            assert get_user_by_email(same(email), tx=tx) == user
        tx.run(Query.of(delete(users)))


@given(st.text(storable, max_size=20), st.sampled_from("\0\ud800\udfff"), st.text(storable))
def test_text_that_one_engine_cannot_hold_is_refused_everywhere(
    store: Store, before: str, bad: str, after: str
) -> None:
    text = f"<{before}{bad}{after[:20]}>"
    asks: list[Callable[[], object]] = [
        lambda: create_user(text, "a@example.org", MARKS),
        lambda: create_user("a", f"{text}@example.org", MARKS),
        lambda: get_user_by_username(text),
        lambda: get_user_by_email(text),
        lambda: authenticate_user(text, PASSWORD),
    ]
    for ask in asks:
        with pytest.raises(InvalidInput, match=r"NUL character|lone surrogate"):
            ask()
    assert list_users() == []


def test_a_change_returns_the_user_as_it_is_now(asha: User) -> None:
    changed = update_user(asha.id, username="Ásha", email="Asha@example.com")
    assert changed == asha._replace(username="Ásha", email="Asha@example.com")
    assert get_user(asha.id) == get_user_by_username("ásha") == changed
    assert get_user_by_email("ASHA@example.com") == changed
    assert get_user_by_username("asha") is None
    assert create_user("asha", "asha@example.org", MARKS).username == "asha"


def test_a_new_password_comes_as_its_hash(asha: User) -> None:
    assert update_user(asha.id, password_hash=hash_password("new")) == asha
    assert authenticate_user("Asha", PASSWORD) is None
    assert authenticate_user("Asha", "new") == asha


@pytest.mark.parametrize(
    "column", ["is_active", "password", "id", "username_key", "created_at", "nonsense"]
)
def test_what_cannot_be_changed_is_refused_with_what_can(asha: User, column: str) -> None:
    with pytest.raises(InvalidInput, match="username, email and password_hash") as raised:
        update_user(asha.id, **{"username": "Binod", column: PASSWORD})  # type: ignore[arg-type]
    assert f"cannot change {column}:" in str(raised.value)
    assert PASSWORD not in str(raised.value)
    with pytest.raises(InvalidInput, match="nothing"):
        update_user(asha.id)
    assert get_user(asha.id) == asha


def test_a_name_of_another_cannot_be_taken_but_ones_own_case_can_change(asha: User) -> None:
    binod = create_user("Binod", "binod@example.org", MARKS)
    with pytest.raises(Conflict, match="username"):
        update_user(binod.id, username="ASHA")
    with pytest.raises(Conflict, match="e-mail"):
        update_user(binod.id, email="ASHA@example.org")
    assert update_user(binod.id, username="BINOD").username == "BINOD"


@pytest.mark.parametrize(
    "change",
    [
        lambda tx: update_user(99, username="Binod", tx=tx),
        lambda tx: delete_user(99, tx=tx),
        lambda tx: reactivate_user(99, tx=tx),
    ],
)
def test_who_is_not_there_cannot_be_changed(
    asha: User, change: Callable[[Transaction | None], object]
) -> None:
    with pytest.raises(NotFound, match="there is no user 99"):
        change(None)
    with get_write_session() as tx:
        with pytest.raises(NotFound):
            change(tx)
        update_user(asha.id, username="Usha", tx=tx)  # the session goes on
    with get_read_session() as tx:
        with pytest.raises(SessionMisuse, match="a read session cannot write"):
            change(tx)
    assert list_users() == [asha._replace(username="Usha")]


def test_a_caught_conflict_fails_the_callers_session(asha: User) -> None:
    with pytest.raises(TransactionFailed), get_write_session() as tx:
        create_user("Binod", "binod@example.org", MARKS, tx=tx)
        with pytest.raises(Conflict):
            create_user("asha", "a@example.org", MARKS, tx=tx)
    assert list_users() == [asha]


def test_the_user_behind_a_cached_key_changes_with_the_user(asha: User) -> None:
    key = create_api_key(asha.id).api_key
    assert get_user_by_api_key(key) == asha
    changed = update_user(asha.id, username="Usha")
    assert get_user_by_api_key(key) == changed
