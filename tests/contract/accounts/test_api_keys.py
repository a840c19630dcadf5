"""API keys: who is behind one, from memory, and never a key that was revoked."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select, update

from openalgo_store import (
    ConfigurationError,
    NotFound,
    Store,
    Unavailable,
    flush_writers,
    use_store,
)
from openalgo_store.engine.queries import Query
from openalgo_store.repositories.accounts.api_keys import (
    create_api_key,
    get_user_by_api_key,
    list_api_keys,
    revoke_api_key,
)
from openalgo_store.repositories.accounts.users import delete_user, reactivate_user
from openalgo_store.sessions import get_read_session, get_write_session
from openalgo_store.tables.accounts import api_keys, users
from tests.support.rows import add_user

PEPPER = "a pepper of the tests, long enough to be one"


@pytest.fixture
def asha(store: Store) -> Iterator[int]:
    """The id of a user in a store with a pepper, which is the current one."""
    with Store(replace(store.settings, api_key_pepper=PEPPER)) as peppered:
        use_store(peppered)
        with get_write_session() as tx:
            add_user(tx, "asha")
            found = tx.value(Query.of(select(users.c.id), int))
        assert found is not None
        yield found
        use_store(store)


def stored(column: Any) -> list[Any]:
    with get_read_session() as tx:
        return tx.all(Query.of(select(column).order_by(api_keys.c.id), str))


def test_a_key_is_shown_once_and_stored_as_a_digest(asha: int) -> None:
    issued = create_api_key(asha, "my bot")
    assert issued.api_key.startswith("openalgo_")
    assert len(issued.api_key) >= 50
    assert issued.api_key not in repr(issued)
    assert issued.hint == issued.api_key[-4:]
    (digest,) = stored(api_keys.c.api_key)
    assert len(digest) == 64
    assert issued.api_key not in digest
    (listed,) = list_api_keys(asha)
    assert (listed.id, listed.name, listed.hint) == (issued.id, "my bot", issued.hint)
    assert issued.api_key not in str(listed)


def test_two_keys_are_never_the_same_and_a_test_may_choose_its_own(asha: int) -> None:
    assert create_api_key(asha).api_key != create_api_key(asha).api_key
    assert create_api_key(asha, generate=lambda: "chosen").api_key == "chosen"


def test_a_key_that_was_tried_before_it_existed_works_at_once(asha: int) -> None:
    assert get_user_by_api_key("early") is None
    create_api_key(asha, generate=lambda: "early")
    assert get_user_by_api_key("early") is not None


def test_a_revoked_key_is_refused_at_once(asha: int) -> None:
    issued = create_api_key(asha)
    assert get_user_by_api_key(issued.api_key) is not None
    revoke_api_key(issued.id)
    assert get_user_by_api_key(issued.api_key) is None
    assert [each.is_active for each in list_api_keys(asha)] == [False]
    with pytest.raises(NotFound, match="no API key 999"):
        revoke_api_key(999)


def test_a_deactivated_user_has_no_key(asha: int) -> None:
    key = create_api_key(asha).api_key
    with get_write_session() as tx:
        tx.run(Query.of(update(users).values(is_active=False)))
    assert get_user_by_api_key(key) is None
    with pytest.raises(NotFound, match="no active user"):
        create_api_key(asha)
    with pytest.raises(NotFound, match="no active user"):
        create_api_key(999)


def test_a_key_made_beside_a_deletion_stays_dead_when_the_user_comes_back(asha: int) -> None:
    """The deletion waits for the key's transaction, or the key finds no active user."""
    with ThreadPoolExecutor(1) as pool:
        with get_write_session() as tx:
            issued = create_api_key(asha, tx=tx)
            deletion = pool.submit(delete_user, asha)
        deletion.result(30)
    reactivate_user(asha)
    assert get_user_by_api_key(issued.api_key) is None


def test_the_last_use_is_written_behind_the_request(asha: int) -> None:
    issued = create_api_key(asha)
    used = get_user_by_api_key(issued.api_key)
    assert used is not None
    assert flush_writers()
    (listed,) = list_api_keys(asha)
    assert listed.last_used is not None
    assert listed.last_used >= listed.created_at


def test_a_last_use_that_cannot_be_written_is_kept_and_fails_nothing(
    asha: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    issued = create_api_key(asha)
    transaction = Store.transaction

    def away(*arguments: Any, readonly: bool, **others: Any) -> Any:
        if not readonly:
            raise Unavailable("the database is away")
        return transaction(*arguments, readonly=readonly, **others)

    monkeypatch.setattr(Store, "transaction", away)
    assert get_user_by_api_key(issued.api_key) is not None
    assert not flush_writers(timeout=0.1)
    monkeypatch.setattr(Store, "transaction", transaction)
    assert list_api_keys(asha)[0].last_used is None
    assert flush_writers()
    assert list_api_keys(asha)[0].last_used is not None


def test_without_a_good_pepper_there_are_no_keys(store: Store) -> None:
    with pytest.raises(ConfigurationError, match="API_KEY_PEPPER is not set"):
        get_user_by_api_key("any")
    with Store(replace(store.settings, api_key_pepper="short")) as short:
        use_store(short)
        with pytest.raises(ConfigurationError, match="API_KEY_PEPPER is shorter"):
            create_api_key(1)
