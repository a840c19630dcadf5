"""When a key was used last: the latest moment stays, however late an earlier one is written."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from openalgo_store import (
    IssuedApiKey,
    Store,
    create_api_key,
    flush_writers,
    get_user_by_api_key,
    list_api_keys,
    use_store,
)
from openalgo_store.background.marks import Mark
from openalgo_store.repositories.accounts.api_keys import _write_uses
from openalgo_store.values import clock
from tests.support.rows import MONDAY, new_user

EARLIER, LATER = MONDAY, MONDAY + timedelta(microseconds=1)


@pytest.fixture
def processes(store: Store) -> Iterator[tuple[Store, Store]]:
    """Two stores on one database, which are as good as two processes; the first is in use."""
    settings = replace(
        store.settings, api_key_pepper="a pepper of the tests, long enough to be one"
    )
    with Store(settings) as one, Store(settings) as other:
        use_store(one)
        yield one, other
        use_store(store)


@pytest.fixture
def key(processes: tuple[Store, Store]) -> IssuedApiKey:
    return create_api_key(new_user())


def test_a_use_that_another_process_writes_late_sets_nothing_back(
    processes: tuple[Store, Store], key: IssuedApiKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    for store, moment in zip(processes, (LATER, EARLIER), strict=True):
        use_store(store)
        monkeypatch.setattr(clock, "now", lambda moment=moment: moment)
        assert get_user_by_api_key(key.api_key) is not None
        assert flush_writers()
        assert list_api_keys(key.user_id)[0].last_used == LATER


def test_of_many_uses_in_one_batch_the_latest_is_written_whatever_their_order(
    processes: tuple[Store, Store], key: IssuedApiKey
) -> None:
    uses = [(key.id, EARLIER), (key.id, LATER), (key.id, EARLIER)]
    _write_uses(processes[0], uses, Mark("a writer", 1))
    assert list_api_keys(key.user_id)[0].last_used == LATER
