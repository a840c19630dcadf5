"""Telegram chats: whose they are, and who may and wants to hear from the bot."""

from collections.abc import Callable
from typing import Any

import pytest

from openalgo_store import (
    InvalidInput,
    NotFound,
    Store,
    TelegramChat,
    authorize_telegram_chat,
    claim_telegram_messages,
    get_telegram_chat,
    get_write_session,
    list_telegram_chats,
    queue_telegram_message,
    save_telegram_chat,
    set_telegram_notifications,
)
from openalgo_store.tables.messaging import telegram_chats
from openalgo_store.values import clock
from tests.support.telegram import BEGAN, GROUP, MINUTE, Clock, contents, queue


def test_a_new_chat_is_not_authorised_and_saving_it_again_changes_what_is_given(
    store: Store, time: Clock
) -> None:
    saved = save_telegram_chat(7)
    assert saved == TelegramChat(saved.id, 7, None, None, False, True, BEGAN)
    authorize_telegram_chat(7, user_id=1)
    set_telegram_notifications(7, False)
    time.go_on(MINUTE)
    again = save_telegram_chat(7, username="asha")
    assert again == TelegramChat(saved.id, 7, 1, "asha", True, False, BEGAN)
    assert save_telegram_chat(7, user_id=1) == again == get_telegram_chat(7)


def test_a_chat_that_goes_over_to_another_user_has_to_be_authorised_anew(store: Store) -> None:
    save_telegram_chat(7, user_id=1)
    authorize_telegram_chat(7)
    moved = save_telegram_chat(7, user_id=2)
    assert (moved.user_id, moved.is_authorized) == (2, False)


def test_a_chat_of_nobody_that_goes_to_a_user_has_to_be_authorised_anew(store: Store) -> None:
    save_telegram_chat(7)
    authorize_telegram_chat(7)
    assert save_telegram_chat(7, username="asha").is_authorized
    taken = save_telegram_chat(7, user_id=2)
    assert (taken.user_id, taken.is_authorized) == (2, False)


def test_authorising_says_whose_a_chat_is_and_may_be_taken_back(store: Store) -> None:
    save_telegram_chat(7)
    authorize_telegram_chat(7, 1)
    assert get_telegram_chat(7) == save_telegram_chat(7)._replace(user_id=1, is_authorized=True)
    authorize_telegram_chat(7, is_authorized=False)
    assert get_telegram_chat(7) == save_telegram_chat(7)._replace(user_id=1, is_authorized=False)


def test_a_chat_id_has_64_bits_and_a_sign(store: Store) -> None:
    ids = [-(2**63), GROUP, 0, 2**63 - 1]
    for chat_id in ids:
        assert save_telegram_chat(chat_id).chat_id == chat_id
        authorize_telegram_chat(chat_id)
        assert queue(chat_id, "hello").chat_id == chat_id
    assert [each.chat_id for each in claim_telegram_messages()] == ids


def test_what_is_no_chat_id_is_refused(store: Store) -> None:
    for chat_id in (2**63, "7", True, 7.0):
        with pytest.raises(InvalidInput):
            save_telegram_chat(chat_id)  # type: ignore[arg-type]


def test_chats_are_found_by_what_they_are(store: Store) -> None:
    for number in range(8):
        save_telegram_chat(number, user_id=number % 2)
        authorize_telegram_chat(number, is_authorized=number in (2, 3, 6))
        set_telegram_notifications(number, number < 6)

    def found(*asked: Any, **named: Any) -> list[int]:
        return [each.chat_id for each in list_telegram_chats(*asked, **named)]

    assert found() == list(range(8))
    assert found(1) == [1, 3, 5, 7]
    assert found(is_authorized=False) == [0, 1, 4, 5, 7]
    assert found(0, is_authorized=True, notification_enabled=True) == [2]
    assert found(9) == []


def test_many_chats_are_read_page_by_page(store: Store) -> None:
    rows = [(number, clock.now()) for number in range(1_200)]
    with get_write_session("telegram") as tx:
        tx.copy(telegram_chats, ["chat_id", "created_at"], rows)
    first = list_telegram_chats()
    rest = list_telegram_chats(after=first[-1].id)
    everyone = first + rest
    assert [each.chat_id for each in everyone] == list(range(1_200))
    assert (len(first), list_telegram_chats(after=rest[-1].id)) == (1_000, [])
    of_nobody = list_telegram_chats(is_authorized=False, after=everyone[9].id, limit=3)
    assert of_nobody == everyone[10:13]
    for limit in (0, 1_001, None):
        with pytest.raises(InvalidInput, match="read more pages"):
            list_telegram_chats(limit=limit)  # type: ignore[arg-type]


def test_names_and_contents_come_back_as_they_went_in(store: Store) -> None:
    names = ["o'brien; DROP TABLE x --", "%s :now ?", "आशा 🙂", "\\", "x" * 100]
    for chat_id, name in enumerate(names):
        assert save_telegram_chat(chat_id, username=name).username == name
        authorize_telegram_chat(chat_id)
        queue(chat_id, name * 50)
    assert contents(claim_telegram_messages()) == [name * 50 for name in names]


def test_names_that_cannot_be_stored_are_refused(store: Store) -> None:
    for name in ("nul\0", "\ud800", "x" * 101):
        with pytest.raises(InvalidInput):
            save_telegram_chat(7, username=name)
    assert get_telegram_chat(7) is None


def test_an_unknown_chat_is_told(store: Store) -> None:
    acts: list[Callable[[], object]] = [
        lambda: authorize_telegram_chat(7),
        lambda: set_telegram_notifications(7, True),
        lambda: queue_telegram_message(7, "order", "hello"),
    ]
    for act in acts:
        with pytest.raises(NotFound, match="no Telegram chat 7"):
            act()
