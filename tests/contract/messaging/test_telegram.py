"""Telegram: chats, and messages that are claimed one of a chat at a time, in order."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, create_engine, event, select
from sqlalchemy.pool import NullPool

from openalgo_store import (
    Conflict,
    InvalidInput,
    NotFound,
    Store,
    TelegramChat,
    TelegramMessage,
    WrongDatabase,
    authorize_telegram_chat,
    claim_telegram_messages,
    fail_telegram_message,
    get_read_session,
    get_telegram_chat,
    get_write_session,
    list_telegram_chats,
    mark_telegram_delivered,
    purge_telegram_messages,
    queue_telegram_message,
    save_telegram_chat,
    set_telegram_notifications,
)
from openalgo_store.engine.queries import Query
from openalgo_store.repositories.messaging import telegram
from openalgo_store.tables.messaging import telegram_chats, telegram_messages
from tests.conftest import Urls
from tests.schema.test_schema import migrations, run
from tests.support.plans import plan_of
from tests.support.waiting import wait_for_a_lock

BEGAN = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
GROUP = -1001234567890123
MESSAGES = Query.of(select(telegram_messages).order_by(telegram_messages.c.id), TelegramMessage)


class Clock:
    """The time as the store sees it."""

    def __init__(self) -> None:
        self.now = BEGAN

    def go_on(self, time: timedelta) -> None:
        self.now += time


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


def queue(chat_id: int, content: str, **options: Any) -> TelegramMessage:
    """A message that is really queued."""
    message = queue_telegram_message(chat_id, "order", content, **options)
    assert message is not None
    return message


def claim_one(**options: Any) -> tuple[int, str]:
    """The one message to deliver now: its id and its claim."""
    (message,) = claim_telegram_messages(**options)
    assert message.claim is not None
    return message.id, message.claim


def contents(messages: list[TelegramMessage]) -> list[str]:
    return [each.content for each in messages]


def stored() -> list[TelegramMessage]:
    with get_read_session("telegram") as tx:
        return tx.all(MESSAGES)


# Chats


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


# The queue


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


# Side by side


@pytest.mark.only("sqlite")
def test_leases_and_rests_begin_when_the_wait_for_the_file_is_over(
    chats: list[int], time: Clock, store: Store
) -> None:
    """The hand of the clock moves on when the file is free, which is when BEGIN has been sent."""

    def begun(connection: Connection) -> None:
        time.go_on(MINUTE)

    queue(7, "hello")
    event.listen(store.databases["telegram"].engine, "begin", begun)
    (claimed,) = claim_telegram_messages(lease=MINUTE)
    assert claimed.held_until == time.now + MINUTE
    failed = fail_telegram_message(claimed.id, claimed.claim or "", "429", retry_after=MINUTE)
    assert failed.held_until == time.now + MINUTE
    time.go_on(MINUTE)
    mark_telegram_delivered(*claim_one(lease=2 * MINUTE))
    now = time.now
    assert stored()[0].sent_at == now


@pytest.mark.only("postgresql")
def test_workers_pass_over_what_another_one_holds(chats: list[int]) -> None:
    for chat_id in chats:
        queue(chat_id, f"{chat_id}")
    other: list[TelegramMessage] = []
    with get_write_session("telegram") as tx:
        assert contents(claim_telegram_messages(1, tx=tx)) == ["7"]
        worker = threading.Thread(target=lambda: other.extend(claim_telegram_messages(2)))
        worker.start()
        worker.join(30)
        assert contents(other) == [f"{GROUP}", f"{2**62}"]


@pytest.mark.only("postgresql")
def test_messages_of_a_chat_are_numbered_as_they_are_committed(chats: list[int]) -> None:
    """Else an older one could turn up behind a claim, and a chat would have two."""
    with get_write_session("telegram") as tx:
        queue(7, "first", tx=tx)
        other = threading.Thread(target=queue, args=(7, "second"))
        other.start()
        wait_for_a_lock()
        queue(7, "first still", tx=tx)
    other.join()
    assert contents(stored()) == ["first", "first still", "second"]


# The schema


def test_a_claim_looks_at_what_waits_and_at_nothing_else(chats: list[int], store: Store) -> None:
    """On analysed tables of many delivered messages: the partial index serves it."""
    columns = ("chat_id", "message_type", "content", "delivered", "sent_at", "created_at")
    with get_write_session("telegram") as tx:
        known = [(number, BEGAN) for number in range(1000, 1300)]
        tx.copy(telegram_chats, ("chat_id", "created_at"), known)
        rows = [
            (1000 + number % 300, "order", "x", number < 29_000, BEGAN, BEGAN)
            for number in range(30_000)
        ]
        tx.copy(telegram_messages, columns, rows)
        tx.connection.exec_driver_sql("ANALYZE")
    for query in (telegram._find_waiting, telegram._lock_free):
        plan = plan_of(store, query)
        assert "ix_telegram_messages_waiting" in plan, plan
        assert "Seq Scan on telegram_messages" not in plan, plan
        assert "SCAN m" not in plan, plan


def test_messages_from_before_survive_the_migration_and_its_rollback(
    fresh_urls: Urls, engine_name: str
) -> None:
    engine = create_engine(fresh_urls["telegram"], poolclass=NullPool)
    first, second = migrations("telegram", engine_name)[:2]
    with engine.begin() as connection:
        run(connection, first)
        connection.exec_driver_sql(
            "INSERT INTO telegram_chats (chat_id, created_at) VALUES (7, '2026-03-02')"
        )
        connection.exec_driver_sql(
            "INSERT INTO telegram_messages (id, chat_id, message_type, content) "
            "VALUES (41, 7, 'order', 'hello')"
        )
        run(connection, second)
        (message,) = connection.execute(select(telegram_messages)).all()
        assert (message.id, message.content, message.attempts) == (41, "hello", 0)
        assert abs(message.created_at - datetime.now(UTC)) < 10 * MINUTE
        run(connection, second.with_suffix(".rollback.sql"))
        rows = connection.exec_driver_sql("SELECT id, content FROM telegram_messages").all()
        assert rows == [(41, "hello")]
    engine.dispose()


# Retention


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
