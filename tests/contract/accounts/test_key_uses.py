"""When a key was used last: the latest moment stays, however late an earlier one is written."""

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from openalgo_store import (
    IssuedApiKey,
    SessionMisuse,
    Store,
    Transaction,
    create_api_key,
    flush_writers,
    get_read_session,
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


def test_uses_within_a_second_count_as_the_first_of_them(
    processes: tuple[Store, Store], key: IssuedApiKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Noting each took a request longer than finding its user did."""
    later = EARLIER + timedelta(seconds=1)
    for seconds, moment, noted in (
        (0, EARLIER, EARLIER),
        (0.99, LATER, EARLIER),
        (1, later, later),
    ):
        monkeypatch.setattr(time, "monotonic", lambda seconds=seconds: 1e9 + seconds)
        monkeypatch.setattr(clock, "now", lambda moment=moment: moment)
        assert get_user_by_api_key(key.api_key) is not None
        monkeypatch.undo()
        assert flush_writers()
        assert list_api_keys(key.user_id)[0].last_used == noted


def test_a_caller_s_own_session_notes_no_use(
    processes: tuple[Store, Store], key: IssuedApiKey
) -> None:
    with get_read_session() as tx:
        assert get_user_by_api_key(key.api_key, tx=tx) is not None
    assert flush_writers()
    assert list_api_keys(key.user_id)[0].last_used is None


def test_a_closed_store_answers_no_key_that_it_has_just_answered(
    processes: tuple[Store, Store], key: IssuedApiKey
) -> None:
    assert get_user_by_api_key(key.api_key) is not None
    processes[0].close()
    with pytest.raises(SessionMisuse, match="closed"):
        get_user_by_api_key(key.api_key)


def test_uses_are_written_in_the_order_of_their_keys(
    processes: tuple[Store, Store], key: IssuedApiKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two processes that write those of the same keys would else wait for each other."""
    keys = [key.id, *(create_api_key(key.user_id).id for _ in range(4))]
    written: list[int] = []
    many = Transaction.many

    def note(tx: Transaction, query: Any, rows: Any) -> int:
        written.extend(row["id"] for row in rows)
        return many(tx, query, rows)

    monkeypatch.setattr(Transaction, "many", note)
    uses = [(keys[place], LATER) for place in (3, 0, 4, 2, 0, 1)]
    _write_uses(processes[0], uses, Mark("a writer", 1))
    assert written == keys
    assert [each.last_used for each in list_api_keys(key.user_id)] == [LATER] * 5


def test_of_many_uses_in_one_batch_the_latest_is_written_whatever_their_order(
    processes: tuple[Store, Store], key: IssuedApiKey
) -> None:
    uses = [(key.id, EARLIER), (key.id, LATER), (key.id, EARLIER)]
    _write_uses(processes[0], uses, Mark("a writer", 1))
    assert list_api_keys(key.user_id)[0].last_used == LATER
