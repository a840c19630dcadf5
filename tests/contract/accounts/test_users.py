"""Users: unique names in any script, logins that tell nothing, and what a deletion ends."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from argon2 import PasswordHasher
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import delete, func, insert, select

from openalgo_store import (
    Conflict,
    InvalidInput,
    NotFound,
    SessionMisuse,
    Store,
    StoreError,
    Transaction,
    TransactionFailed,
    get_read_session,
    get_write_session,
    use_store,
)
from openalgo_store.engine.queries import Query
from openalgo_store.records.accounts import SealedToken, User
from openalgo_store.repositories.accounts import users as users_module
from openalgo_store.repositories.accounts.api_keys import (
    create_api_key,
    get_user_by_api_key,
    list_api_keys,
)
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
from openalgo_store.security import passwords
from openalgo_store.security.passwords import hash_password, verify_password
from openalgo_store.store import current_store
from openalgo_store.tables.accounts import auth_tokens, users
from openalgo_store.values import clock
from tests.conftest import Urls
from tests.support.rows import add_user

PASSWORD = "correct horse"
MARKS = "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaA"
"""The form of a hash, where no password is checked."""
COUNT_TOKENS = Query.of(select(func.count()).select_from(auth_tokens), int)


class CountingHasher(PasswordHasher):
    """Remembers the hashes that it checked a password against."""

    def __init__(self, time_cost: int = 1, salt_len: int = 8) -> None:
        super().__init__(time_cost, memory_cost=8, parallelism=1, hash_len=4, salt_len=salt_len)
        self.checked: list[str] = []

    def verify(self, hash: str | bytes, password: str | bytes) -> Any:
        self.checked.append(str(hash))
        return super().verify(hash, password)


@pytest.fixture(autouse=True)
def hasher(monkeypatch: pytest.MonkeyPatch) -> Iterator[CountingHasher]:
    """A hasher that takes no time."""
    cheap = CountingHasher()
    monkeypatch.setattr(passwords, "_hasher", cheap)
    users_module._stand_in_hash.cache_clear()
    yield cheap
    users_module._stand_in_hash.cache_clear()


@pytest.fixture
def asha(store: Store) -> Iterator[User]:
    """A user in a store whose secrets are set."""
    with Store(replace(store.settings, api_key_pepper="p" * 40)) as peppered:
        use_store(peppered)
        yield create_user("Asha", "asha@example.org", hash_password(PASSWORD))
        use_store(store)


def stored_hash(user_id: int) -> str:
    with get_read_session() as tx:
        stored = select(users.c.password_hash).where(users.c.id == user_id)
        return tx.value(Query.of(stored, str)) or ""


def add_token(user_id: int, broker: str = "zerodha") -> None:
    """Tokens of a user at a broker, stored and cached."""
    row = {"user_id": user_id, "broker": broker, "created_at": clock.now()}
    with get_write_session() as tx:
        tx.run(Query.of(insert(auth_tokens).values(row)))
    tokens = current_store().tokens
    sealed = SealedToken(**(dict.fromkeys(SealedToken._fields) | row))  # type: ignore[arg-type]
    tokens.keep(f"{user_id}:{broker}", sealed, time.time() + 60, tokens.epoch)


def count_tokens() -> int | None:
    with get_read_session() as tx:
        return tx.value(COUNT_TOKENS)


# Creating and finding


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


# Logging in


def test_the_right_password_opens_in_any_case_of_the_name(asha: User) -> None:
    assert authenticate_user("Asha", PASSWORD) == authenticate_user("aSHA", PASSWORD) == asha
    assert authenticate_user("asha", PASSWORD.upper()) is None
    assert authenticate_user("asha", "") is None


def test_an_unknown_or_deactivated_name_costs_what_a_wrong_password_costs(
    asha: User, hasher: CountingHasher
) -> None:
    binod = create_user("binod", "binod@example.org", hash_password(PASSWORD))
    delete_user(binod.id)
    authenticate_user("Asha", "wrong")
    parameters = hasher.checked[0].rpartition("p=1$")[0]
    for name in ("Asha", "nobody", "binod"):
        hasher.checked.clear()
        assert authenticate_user(name, "wrong") is None
        (checked,) = hasher.checked
        assert checked.startswith(parameters)
        assert (checked == stored_hash(asha.id)) == (name == "Asha")


def test_the_hash_that_stands_in_for_a_missing_one_is_made_once(
    asha: User, hasher: CountingHasher
) -> None:
    for name in ("nobody", "anybody"):
        authenticate_user(name, PASSWORD)
    assert len(hasher.checked) == 2
    assert len(set(hasher.checked)) == 1


def test_a_deactivated_user_cannot_log_in_until_reactivated(asha: User) -> None:
    delete_user(asha.id)
    assert authenticate_user("Asha", PASSWORD) is None
    reactivate_user(asha.id)
    assert authenticate_user("Asha", PASSWORD) == asha


def test_a_login_asks_the_primary_and_not_a_replica(asha: User, fresh_urls: Urls) -> None:
    lagging = replace(current_store().settings, read_database_url=fresh_urls["main"])
    with Store(lagging) as behind:
        use_store(behind)
        assert authenticate_user("Asha", PASSWORD) == asha
        with pytest.raises(StoreError):  # its replica has not even the tables
            get_user(asha.id)


def test_a_hash_of_other_parameters_is_replaced_at_the_next_login(
    asha: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    outdated = stored_hash(asha.id)
    authenticate_user("Asha", PASSWORD)
    assert stored_hash(asha.id) == outdated
    monkeypatch.setattr(passwords, "_hasher", CountingHasher(time_cost=2))
    authenticate_user("Asha", "wrong")
    assert stored_hash(asha.id) == outdated
    assert authenticate_user("Asha", PASSWORD) == asha
    assert stored_hash(asha.id) != outdated
    assert "t=2" in stored_hash(asha.id)
    assert authenticate_user("Asha", PASSWORD) == asha


def test_a_login_joins_the_callers_session(asha: User, monkeypatch: pytest.MonkeyPatch) -> None:
    outdated = stored_hash(asha.id)
    monkeypatch.setattr(passwords, "_hasher", CountingHasher(time_cost=2))
    with pytest.raises(ZeroDivisionError), get_write_session() as tx:
        binod = create_user("Binod", "binod@example.org", hash_password(PASSWORD), tx=tx)
        assert authenticate_user("binod", PASSWORD, tx=tx) == binod
        assert authenticate_user("Asha", PASSWORD, tx=tx) == asha
        _ = 1 / 0
    assert stored_hash(asha.id) == outdated
    with get_read_session() as tx:  # which cannot write: the hash is replaced beside it
        assert authenticate_user("Asha", PASSWORD, tx=tx) == asha
    assert "t=2" in stored_hash(asha.id)


def test_a_login_stands_when_the_new_hash_cannot_be_written(
    asha: User, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    outdated = stored_hash(asha.id)
    monkeypatch.setattr(passwords, "_hasher", CountingHasher(salt_len=250))  # too long
    assert authenticate_user("Asha", PASSWORD) == asha
    with get_write_session() as tx:
        assert authenticate_user("Asha", PASSWORD, tx=tx) == asha
        update_user(asha.id, email="new@example.org", tx=tx)
    monkeypatch.setattr(passwords, "_hasher", CountingHasher(time_cost=2))
    with get_write_session() as tx:  # not passed on, so a second writer is refused
        update_user(asha.id, email="asha@example.org", tx=tx)
        assert authenticate_user("Asha", PASSWORD) is not None
    assert get_user(asha.id) == asha
    assert stored_hash(asha.id) == outdated
    told = [each.getMessage() for each in caplog.records if each.name == "openalgo_store"]
    assert len(told) == 3
    assert all(f"password hash of user {asha.id} stays" in each for each in told)
    assert not [each for each in told if "$argon2" in each or PASSWORD in each]


def test_a_password_that_is_changed_during_a_login_is_not_undone_by_it(
    asha: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passwords, "_hasher", CountingHasher(time_cost=2))

    def change_and_hash(password: str) -> str:
        update_user(asha.id, password_hash=hash_password("a new one"))
        return hash_password(password)

    users_module._stand_in_hash()
    monkeypatch.setattr(users_module, "hash_password", change_and_hash)
    assert authenticate_user("Asha", PASSWORD) == asha
    assert verify_password("a new one", stored_hash(asha.id))


# Changing


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


# Deactivating


def test_a_deletion_ends_the_keys_and_tokens_of_this_user_alone(asha: User) -> None:
    binod = create_user("Binod", "binod@example.org", MARKS)
    keys = {user.id: create_api_key(user.id).api_key for user in (asha, binod)}
    for user in (asha, binod):
        assert get_user_by_api_key(keys[user.id]) == user
        add_token(user.id)
    delete_user(asha.id)
    store = current_store()
    assert get_user_by_api_key(keys[asha.id]) is None
    assert [each.is_active for each in list_api_keys(asha.id)] == [False]
    assert store.tokens.get(f"{asha.id}:zerodha") is None
    assert store.api_keys.stats().size == 1
    assert get_user_by_api_key(keys[binod.id]) == binod
    assert store.tokens.get(f"{binod.id}:zerodha") is not None
    assert count_tokens() == 1


def test_a_reactivated_users_keys_and_tokens_stay_dead(asha: User) -> None:
    key = create_api_key(asha.id).api_key
    add_token(asha.id)
    delete_user(asha.id)
    delete_user(asha.id)  # again does no harm
    reactivate_user(asha.id)
    reactivate_user(asha.id)
    assert get_user(asha.id) == asha
    assert get_user_by_api_key(key) is None
    assert count_tokens() == 0
    fresh = create_api_key(asha.id).api_key
    assert get_user_by_api_key(fresh) == asha
    reactivate_user(asha.id)
    assert get_user_by_api_key(fresh) == asha


def test_a_deletion_that_is_rolled_back_ends_nothing(asha: User) -> None:
    key = create_api_key(asha.id).api_key
    add_token(asha.id)
    get_user_by_api_key(key)
    store = current_store()
    with pytest.raises(ZeroDivisionError), get_write_session() as tx:
        delete_user(asha.id, tx=tx)
        assert get_user(asha.id, tx=tx) == asha._replace(is_active=False)
        _ = 1 / 0
    with get_write_session() as tx:
        with pytest.raises(ZeroDivisionError), tx.savepoint():
            delete_user(asha.id, tx=tx)
            _ = 1 / 0
    assert store.api_keys.stats().size == store.tokens.stats().size == 1
    assert get_user_by_api_key(key) == get_user(asha.id) == asha
    assert count_tokens() == 1


# What is never told


def test_no_password_and_no_hash_is_in_a_record_an_error_or_a_repr(asha: User) -> None:
    hashed = stored_hash(asha.id)
    login = users_module._Login(*asha, password_hash=hashed)
    told = [repr(asha), str(asha), repr(login), str(login), *map(repr, list_users())]
    asks: list[Callable[[], object]] = [
        lambda: create_user("Asha", "a@example.org", hashed),
        lambda: create_user("Binod", "b@example.org", PASSWORD),
        lambda: update_user(asha.id, password=PASSWORD),
        lambda: update_user(asha.id, password_hash=PASSWORD),
        lambda: update_user(asha.id, password_hash=hashed + "\0"),
        lambda: update_user(99, password_hash=hashed),
        lambda: authenticate_user("Asha", PASSWORD + "\ud800"),
    ]
    for ask in asks:
        with pytest.raises(StoreError) as raised:
            ask()
        error: BaseException | None = raised.value
        while error is not None:
            told += [str(error), repr(error)]
            error = error.__cause__
    assert not [each for each in told if PASSWORD in each or hashed in each]
