"""Telegram workers side by side: none waits for another, and none claims what another has."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from openalgo_store import (
    Conflict,
    Store,
    TelegramMessage,
    claim_telegram_messages,
    fail_telegram_message,
    get_write_session,
    mark_telegram_delivered,
)
from tests.support.telegram import (
    GROUP,
    MESSAGES,
    MINUTE,
    Clock,
    claim_one,
    contents,
    queue,
    stored,
)
from tests.support.waiting import wait_for_a_lock


@pytest.mark.only("sqlite")
def test_leases_and_rests_begin_when_the_wait_for_the_file_is_over(
    chats: list[int], time: Clock, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The hand of the clock moves on when the file is free, which is when BEGIN has been sent."""

    dialect = store.databases["telegram"]
    begin = dialect.begin

    def begin_late(driver: object, *, readonly: bool) -> None:
        begin(driver, readonly=readonly)
        time.go_on(MINUTE)

    queue(7, "hello")
    monkeypatch.setattr(dialect, "begin", begin_late)
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


@pytest.mark.only("postgresql")
@pytest.mark.parametrize("what", ["claims", "delivers", "parks"])
def test_what_another_worker_does_before_a_message_is_locked_is_seen(
    chats: list[int], what: str
) -> None:
    """A worker has its snapshot and waits within the statement; then it judges the row as it is."""
    queue(7, "hello", max_attempts=1 if what == "parks" else 5)

    def claim_late() -> list[TelegramMessage]:
        with get_write_session("telegram") as tx:
            tx.connection.exec_driver_sql(
                "CREATE TEMP VIEW telegram_chats AS SELECT * FROM public.telegram_chats "
                "WHERE pg_advisory_xact_lock_shared(7) IS NOT NULL"
            )
            return claim_telegram_messages(tx=tx)

    with ThreadPoolExecutor(1) as pool:
        with get_write_session("telegram") as tx:
            tx.connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7)")
            late = pool.submit(claim_late)
            wait_for_a_lock()
            message_id, claim = claim_one(tx=tx)
            if what == "delivers":
                mark_telegram_delivered(message_id, claim, tx=tx)
            elif what == "parks":
                fail_telegram_message(message_id, claim, "error", tx=tx)
            left = tx.all(MESSAGES)
            # COMMIT ends its lock of the row before it ends the one that the other worker waits for
        assert late.result(30) == []
    assert stored() == left


@pytest.mark.only("postgresql")
def test_a_mark_that_waited_for_the_next_claim_is_refused(chats: list[int], time: Clock) -> None:
    queue(7, "hello")
    message_id, late = claim_one(lease=MINUTE)
    time.go_on(MINUTE)
    with ThreadPoolExecutor(1) as pool:
        with get_write_session("telegram") as tx:
            claim_one(tx=tx)
            marked = pool.submit(mark_telegram_delivered, message_id, late)
            wait_for_a_lock()
        with pytest.raises(Conflict, match="another worker's"):
            marked.result(30)
    assert not stored()[0].delivered
