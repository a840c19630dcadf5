"""What one process changes the others tell from their next look on: two stores on one database."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import NamedTuple

import pytest
from cryptography.fernet import Fernet

from openalgo_store import (
    Settings,
    Store,
    Unavailable,
    cache_stats,
    create_api_key,
    create_user,
    delete_user,
    get_auth_token,
    get_read_session,
    get_user_by_api_key,
    get_write_session,
    hash_password,
    revoke_api_key,
    revoke_auth_token,
    rotate_encryption_keys,
    save_auth_token,
    update_user,
    use_store,
    warm_api_key_cache,
)
from tests.contract.accounts.conftest import CountingHasher
from tests.support.watching import sent, watching

OLD_KEY, NEW_KEY = Fernet.generate_key().decode(), Fernet.generate_key().decode()
KNOWN, LATER = "the key that is known", "the key that is issued later"


class Two(NamedTuple):
    """Two processes: each has caches of its own. The first one is in use."""

    here: Store
    there: Store


@pytest.fixture
def two(migrated_settings: Settings, hasher: CountingHasher) -> Iterator[Two]:
    """Both have everything in memory, and look before each answer."""
    settings = replace(
        migrated_settings, api_key_pepper="p" * 40, token_encryption_keys=OLD_KEY, cache_lease=0
    )
    newer = replace(settings, token_encryption_keys=f"{NEW_KEY},{OLD_KEY}")
    with Store(newer) as here, Store(newer) as there:
        with Store(settings) as older, use_store(older):
            create_user("asha", "asha@example.org", hash_password("correct horse"))
            create_api_key(1, generate=lambda: KNOWN)
            save_auth_token(1, "zerodha", "A")
        for each in (there, here):
            use_store(each)
            answers()
        yield Two(here, there)
        use_store(None)


def answers() -> tuple[object, ...]:
    """What is in memory: the name behind each key, and the token."""
    users = [get_user_by_api_key(KNOWN), get_user_by_api_key(LATER)]
    token = get_auth_token(1, "zerodha")
    return (*(each and each.username for each in users), token and token.access_token)


def looks_of(store: Store) -> list[int]:
    """One for each look from now on."""
    looks: list[int] = []
    read = store.epochs._read

    def noting() -> Mapping[str, int]:
        looks.append(1)
        return read()

    store.epochs._read = noting
    return looks


CHANGES: dict[str, tuple[Callable[[], object], tuple[object, ...]]] = {
    "a key is revoked": (lambda: revoke_api_key(1), (None, None, "A")),
    "a key is issued": (
        lambda: create_api_key(1, generate=lambda: LATER), ("asha", "asha", "A")),
    "a user is renamed": (lambda: update_user(1, username="binod"), ("binod", None, "A")),
    "a user is deactivated": (lambda: delete_user(1), (None, None, None)),
    "a token is saved": (lambda: save_auth_token(1, "zerodha", "B"), ("asha", None, "B")),
    "a token is revoked": (lambda: revoke_auth_token(1, "zerodha"), ("asha", None, None)),
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_what_another_process_has_changed_is_told_at_once(two: Two, change: str) -> None:
    make, expected = CHANGES[change]
    assert answers() == ("asha", None, "A")
    with use_store(two.there):
        make()
    assert answers() == expected


def test_what_another_process_has_rolled_back_is_as_it_was_and_stays_in_memory(two: Two) -> None:
    with use_store(two.there), pytest.raises(ZeroDivisionError), get_write_session() as tx:
        revoke_api_key(1, tx=tx)
        save_auth_token(1, "zerodha", "B", tx=tx)
        raise ZeroDivisionError
    with sent(two.here) as statements:
        assert answers() == ("asha", None, "A")
    assert statements == []


def test_tokens_that_another_process_has_sealed_anew_are_read_again(two: Two) -> None:
    with use_store(two.there):
        assert rotate_encryption_keys() == 1
    with sent(two.here) as statements:
        assert answers() == ("asha", None, "A")
    assert len(statements) == 1
    assert two.here.tokens.get("1:zerodha").key_id == two.here.secrets.cipher.newest  # type: ignore[union-attr]


def test_its_own_changes_leave_everything_else_in_memory(two: Two) -> None:
    create_user("binod", "binod@example.org", hash_password("correct horse"))
    key = create_api_key(2)
    save_auth_token(2, "zerodha", "B")
    revoke_api_key(key.id)
    with sent(two.here) as statements:
        assert answers() == ("asha", None, "A")
    assert statements == []


def test_warmed_keys_stay_in_memory(two: Two) -> None:
    with Store(two.here.settings) as fresh, use_store(fresh):
        assert warm_api_key_cache() == 1
        with sent(fresh) as statements:
            assert get_user_by_api_key(KNOWN)
        assert statements == []


def test_a_change_is_counted_last_once_a_topic_and_in_one_order(two: Two) -> None:
    topics: list[str | None] = []
    with (
        watching(two.here, before=lambda _, values: topics.append(values.get("topic"))),
        get_write_session() as tx,
    ):
        save_auth_token(1, "zerodha", "B", tx=tx)
        with tx.savepoint():
            revoke_api_key(1, tx=tx)
        save_auth_token(1, "angel", "C", tx=tx)
        before = len(topics)
    assert topics == [None] * before + ["accounts", "tokens"]
    with get_read_session() as tx:
        found = tx.connection.exec_driver_sql("SELECT topic, epoch FROM cache_epochs").all()
    assert {tuple(each) for each in found} == {("accounts", 2), ("tokens", 2)}


def test_what_a_savepoint_took_back_costs_others_a_read_and_changes_nothing(two: Two) -> None:
    with use_store(two.there), get_write_session() as tx:
        with pytest.raises(ZeroDivisionError), tx.savepoint():
            revoke_api_key(1, tx=tx)
            raise ZeroDivisionError
        save_auth_token(1, "zerodha", "B", tx=tx)
    assert answers() == ("asha", None, "B")


def test_nobody_is_let_in_from_memory_when_the_epochs_cannot_be_read(
    two: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> dict[str, int]:
        raise Unavailable("the database is away")

    monkeypatch.setattr(two.here.epochs, "_read", away)
    for ask in (
        lambda: get_user_by_api_key(KNOWN),
        lambda: get_user_by_api_key(LATER),
        lambda: get_auth_token(1, "zerodha"),
        lambda: warm_api_key_cache(),
    ):
        with pytest.raises(Unavailable, match="the database is away"):
            ask()
    assert not cache_stats()["symbol_cache"].is_current
    monkeypatch.undo()
    assert answers() == ("asha", None, "A")
    assert cache_stats()["symbol_cache"].is_current


def test_a_look_needs_none_of_the_connections_that_callers_have(two: Two) -> None:
    settings = replace(two.here.settings, db_pool_size=1, db_max_overflow=0, db_pool_timeout=0.1)
    with Store(settings) as small, use_store(small):
        answers()
        with get_read_session() as tx:
            assert tx.connection  # the only one
            assert answers() == ("asha", None, "A")


def test_a_look_that_sees_a_revocation_of_its_own_process_lets_nobody_in(two: Two) -> None:
    two.here.epochs._oldest = 60.0  # so old a symbol may be, but no key
    assert answers() == ("asha", None, "A")
    seen: list[tuple[object, ...]] = []
    with get_write_session() as tx:
        tx.after_commit(lambda: seen.append(answers()))  # before what forgets the key here
        revoke_api_key(1, tx=tx)
    assert seen == [(None, None, "A")]


def test_within_the_lease_the_database_is_not_asked(two: Two) -> None:
    with Store(replace(two.here.settings, cache_lease=3600)) as lazy, use_store(lazy):
        answers()
        looks = looks_of(lazy)
        with use_store(two.there):
            revoke_api_key(1)
        assert answers() == ("asha", None, "A")
        lazy.epochs.until = lazy.epochs.serving_until = 0.0
        assert answers() == (None, None, "A")
        assert len(looks) == 1


def test_the_caller_s_own_session_asks_the_database_itself(two: Two) -> None:
    with use_store(two.there):
        revoke_api_key(1)
    looks = looks_of(two.here)
    with get_read_session(primary=True) as tx:
        assert get_user_by_api_key(KNOWN, tx=tx) is None
        assert get_auth_token(1, "zerodha", tx=tx)
    assert looks == []
