"""Deactivated users: their keys and tokens end for good, and those of others go on."""

import time

import pytest
from sqlalchemy import func, insert, select

from openalgo_store import get_read_session, get_write_session
from openalgo_store.engine.queries import Query
from openalgo_store.records.accounts import SealedToken, User
from openalgo_store.repositories.accounts.api_keys import (
    create_api_key,
    get_user_by_api_key,
    list_api_keys,
)
from openalgo_store.repositories.accounts.users import (
    create_user,
    delete_user,
    get_user,
    reactivate_user,
)
from openalgo_store.store import current_store
from openalgo_store.tables.accounts import auth_tokens
from openalgo_store.values import clock
from tests.contract.accounts.conftest import MARKS

COUNT_TOKENS = Query.of(select(func.count()).select_from(auth_tokens), int)


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
