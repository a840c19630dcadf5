"""Telegram messages: claimed one of a chat at a time, in order, delivered, failed and parked."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from openalgo_store import (
    Conflict,
    InvalidInput,
    NotFound,
    WrongDatabase,
    authorize_telegram_chat,
    claim_telegram_messages,
    fail_telegram_message,
    get_write_session,
    mark_telegram_delivered,
    purge_telegram_messages,
    queue_telegram_message,
    save_telegram_chat,
    set_telegram_notifications,
)
from tests.support.telegram import BEGAN, GROUP, MINUTE, Clock, claim_one, contents, queue, stored


def test_a_chat_that_may_or_will_not_hear_gets_nothing_queued(chats: list[int]) -> None:
    authorize_telegram_chat(7, is_authorized=False)
    set_telegram_notifications(GROUP, False)
    assert queue_telegram_message(7, "order", "hello") is None
    assert queue_telegram_message(GROUP, "order", "hello") is None
    assert stored() == []


def test_a_message_that_waits_when_its_chat_is_silenced_waits_until_it_is_not(
    chats: list[int],
) -> None:
    queue(7, "order"), queue(GROUP, "alert")
    authorize_telegram_chat(7, is_authorized=False)
    set_telegram_notifications(GROUP, False)
    assert claim_telegram_messages() == []
    authorize_telegram_chat(7)
    set_telegram_notifications(GROUP, True)
    assert contents(claim_telegram_messages()) == ["order", "alert"]


def test_of_each_chat_the_oldest_is_claimed_and_the_next_when_it_is_delivered(
    chats: list[int], time: Clock
) -> None:
    for number in range(2):
        for chat_id in reversed(chats):
            queue(chat_id, f"{chat_id}.{number}")
    first = claim_telegram_messages(2)
    assert contents(first) == [f"{2**62}.0", f"{GROUP}.0"]
    assert contents(claim_telegram_messages(2)) == ["7.0"]
    assert claim_telegram_messages() == []
    assert len({each.claim for each in stored()[:3]}) == 3
    for message in first:
        mark_telegram_delivered(message.id, message.claim or "")
    assert contents(claim_telegram_messages()) == [f"{2**62}.1", f"{GROUP}.1"]
    delivered = stored()[0]
    assert (delivered.delivered, delivered.sent_at, delivered.attempts) == (True, BEGAN, 1)
    assert (delivered.claim, delivered.held_until, delivered.parked_at) == (None, None, None)


def test_what_is_claimed_is_what_is_stored(chats: list[int], time: Clock) -> None:
    queued = queue(7, "hello")
    assert queued[1:4] == (7, "order", "hello")
    assert (queued.created_at, queued.attempts, queued.max_attempts) == (BEGAN, 0, 5)
    claimed = claim_telegram_messages(lease=MINUTE)
    assert claimed == stored()
    assert (claimed[0].held_until, claimed[0].attempts) == (BEGAN + MINUTE, 1)
    assert len(claimed[0].claim or "") == 32


def test_after_the_lease_another_worker_gets_it_and_the_late_one_is_refused(
    chats: list[int], time: Clock
) -> None:
    queue(7, "hello"), queue(7, "world")
    message_id, late = claim_one(lease=MINUTE)
    time.go_on(MINUTE - timedelta(microseconds=1))
    assert claim_telegram_messages() == []
    time.go_on(timedelta(microseconds=1))
    again, claim = claim_one(lease=MINUTE)
    assert (again, stored()[0].attempts) == (message_id, 2)
    acts: list[Callable[[], object]] = [
        lambda: mark_telegram_delivered(message_id, late),
        lambda: fail_telegram_message(message_id, late, "late"),
    ]
    for act in acts:
        with pytest.raises(Conflict, match="this claim of it has ended"):
            act()
    mark_telegram_delivered(message_id, claim)
    with pytest.raises(Conflict, match="is delivered"):
        mark_telegram_delivered(message_id, claim)
    assert contents(claim_telegram_messages()) == ["world"]


def test_a_lease_that_ran_out_still_counts_while_nobody_else_claims(
    chats: list[int], time: Clock
) -> None:
    queue(7, "hello")
    message_id, claim = claim_one(lease=MINUTE)
    time.go_on(2 * MINUTE)
    mark_telegram_delivered(message_id, claim)
    assert stored()[0].sent_at == BEGAN + 2 * MINUTE


def test_a_claim_is_of_one_message_and_cannot_be_guessed(chats: list[int]) -> None:
    queue(7, "hello"), queue(GROUP, "world")
    mine, other = claim_telegram_messages()
    for claim in (other.claim, "", "0" * 32):
        with pytest.raises(Conflict):
            mark_telegram_delivered(mine.id, claim or "")
    with pytest.raises(NotFound, match="no Telegram message 999"):
        mark_telegram_delivered(999, mine.claim or "")
    with pytest.raises(NotFound, match="no Telegram message 999"):
        fail_telegram_message(999, mine.claim or "", "error")
    mark_telegram_delivered(mine.id, mine.claim or "")


def test_a_message_that_fails_too_often_is_parked_and_the_next_one_goes_on(
    chats: list[int], time: Clock
) -> None:
    queue(7, "poison", max_attempts=3), queue(7, "cure")
    for attempt in (1, 2, 3):
        message_id, claim = claim_one()
        failed = fail_telegram_message(message_id, claim, f"error {attempt}")
        assert (failed.content, failed.attempts) == ("poison", attempt)
        assert (failed.last_error, failed.claim) == (f"error {attempt}", None)
        assert failed.parked_at == (BEGAN if attempt == 3 else None)
    with pytest.raises(Conflict, match="is parked"):
        mark_telegram_delivered(message_id, claim)
    assert contents(claim_telegram_messages()) == ["cure"]


def test_a_message_whose_workers_die_is_parked_at_last(chats: list[int], time: Clock) -> None:
    for name in ("poison", "venom", "cure"):
        queue(7, name)
    for _ in range(10):
        assert len(claim_telegram_messages(lease=MINUTE)) == 1
        time.go_on(MINUTE)
    assert contents(claim_telegram_messages()) == ["cure"]
    for message in stored()[:2]:
        assert message.attempts == message.max_attempts == 5
        assert message.parked_at
        assert message.last_error == "the worker's lease ran out: it died, or took too long"


def test_a_chat_rests_as_long_as_telegram_asks(chats: list[int], time: Clock) -> None:
    queue(7, "too much"), queue(7, "later"), queue(GROUP, "other")
    first, _ = claim_telegram_messages()
    fail_telegram_message(first.id, first.claim or "", "429", retry_after=MINUTE / 2)
    assert claim_telegram_messages() == []
    time.go_on(MINUTE / 2)
    assert contents(claim_telegram_messages()) == ["too much"]


def test_any_error_can_be_told_and_no_bot_token_is_kept(chats: list[int]) -> None:
    bot = "https://telegram/bot123456789:AAE4j-x_y1234567890abcdefghijklmnop/send: 502"
    kept = {
        "x" * 2000: "x" * 499 + "…",
        "nul \0 and \ud800": "nul \\x00 and \\ud800",
        bot: "https://telegram/bot***/send: 502",
        "'; DROP TABLE telegram_messages --": "'; DROP TABLE telegram_messages --",
    }
    queue(7, "hello")
    for error, text in kept.items():
        assert fail_telegram_message(*claim_one(), error).last_error == text


def test_claims_of_a_session_that_is_rolled_back_are_none(chats: list[int]) -> None:
    queue(7, "hello")
    with pytest.raises(ZeroDivisionError):
        with get_write_session("telegram") as tx:
            assert len(claim_telegram_messages(tx=tx)) == 1
            raise ZeroDivisionError
    with get_write_session("telegram") as tx:
        mark_telegram_delivered(*claim_one(tx=tx), tx=tx)
        assert queue_telegram_message(7, "order", "world", tx=tx)
        assert contents(claim_telegram_messages(tx=tx)) == ["world"]
    assert [each.delivered for each in stored()] == [True, False]
    with get_write_session("main") as tx, pytest.raises(WrongDatabase):
        claim_telegram_messages(tx=tx)


def test_what_makes_no_sense_is_refused(chats: list[int]) -> None:
    acts: list[Callable[[], object]] = [
        lambda: claim_telegram_messages(0),
        lambda: claim_telegram_messages("a"),  # type: ignore[arg-type]
        lambda: claim_telegram_messages(2**70),
        lambda: fail_telegram_message(1, "", ValueError()),  # type: ignore[arg-type]
        lambda: claim_telegram_messages(lease=timedelta(0)),
        lambda: queue_telegram_message(7, "order", "hello", max_attempts=0),
        lambda: queue_telegram_message(7, "order" * 11, "hello"),
        lambda: queue_telegram_message(7, "order", "nul\0"),
    ]
    for act in acts:
        with pytest.raises(InvalidInput):
            act()
    assert stored() == []


def test_an_empty_queue_is_found_empty_without_a_write(chats: list[int]) -> None:
    with get_write_session("telegram") as tx:
        save_telegram_chat(8, tx=tx)
        assert claim_telegram_messages() == []  # a second write session here would be refused


def test_what_is_done_with_is_purged_and_what_waits_never_is(chats: list[int], time: Clock) -> None:
    queue(7, "delivered"), queue(GROUP, "parked", max_attempts=1), queue(2**62, "claimed")
    queue(7, "waits"), queue(GROUP, "delivered later")
    delivered, parked, _ = claim_telegram_messages()
    mark_telegram_delivered(delivered.id, delivered.claim or "")
    fail_telegram_message(parked.id, parked.claim or "", "error")
    time.go_on(MINUTE)
    later = next(each for each in claim_telegram_messages() if each.chat_id == GROUP)
    mark_telegram_delivered(later.id, later.claim or "")
    assert purge_telegram_messages(BEGAN) == 0
    assert purge_telegram_messages(BEGAN + MINUTE, dry_run=True) == 2
    assert len(stored()) == 5
    assert purge_telegram_messages(BEGAN + MINUTE, batch_size=1) == 2
    assert contents(stored()) == ["claimed", "waits", "delivered later"]
    assert purge_telegram_messages(BEGAN + 1000 * MINUTE) == 1
    assert contents(stored()) == ["claimed", "waits"]
    with pytest.raises(InvalidInput, match="no time zone"):
        purge_telegram_messages(datetime(2026, 3, 2))
