"""Logins: they tell nothing, take the same time, and renew a hash of older parameters."""

from collections.abc import Callable

import pytest

from openalgo_store import StoreError, get_read_session, get_write_session
from openalgo_store.records.accounts import User
from openalgo_store.repositories.accounts import users as users_module
from openalgo_store.repositories.accounts.users import (
    authenticate_user,
    create_user,
    delete_user,
    get_user,
    list_users,
    reactivate_user,
    update_user,
)
from openalgo_store.security import passwords
from openalgo_store.security.passwords import hash_password, verify_password
from tests.contract.accounts.conftest import PASSWORD, CountingHasher, stored_hash


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
    shown = [each.getMessage() for each in caplog.records if each.name == "openalgo_store"]
    assert len(shown) == 3
    assert all(f"password hash of user {asha.id} stays" in each for each in shown)
    assert not [each for each in shown if "$argon2" in each or PASSWORD in each]


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


def test_no_password_and_no_hash_is_in_a_record_an_error_or_a_repr(asha: User) -> None:
    hashed = stored_hash(asha.id)
    login = users_module._Login(*asha, password_hash=hashed)
    shown = [repr(asha), str(asha), repr(login), str(login), *map(repr, list_users())]
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
            shown += [str(error), repr(error)]
            error = error.__cause__
    assert not [each for each in shown if PASSWORD in each or hashed in each]
