"""A clock that stands, and three chats."""

import pytest

from openalgo_store import Store, authorize_telegram_chat, save_telegram_chat
from tests.support.telegram import GROUP, Clock


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """A clock that stands until it is told to go on."""
    clock = Clock()
    monkeypatch.setattr("openalgo_store.values.clock.now", lambda: clock.now)
    return clock


@pytest.fixture
def chats(store: Store) -> list[int]:
    """Three authorised chats."""
    ids = [7, GROUP, 2**62]
    for chat_id in ids:
        save_telegram_chat(chat_id, user_id=1)
        authorize_telegram_chat(chat_id)
    return ids
