"""Tasks that nobody waits for: one that cannot begin stops neither those after it nor the end."""

import threading

import pytest

from openalgo_store.caching.background_tasks import BackgroundTasks


def test_a_task_for_which_no_thread_can_be_started_is_begun_by_who_asks_next(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    tasks, done = BackgroundTasks(), threading.Event()

    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        tasks.start("the reload", done.set)
    assert "the reload could not begin: can't start new thread" in caplog.text
    tasks.start("the reload", done.set)
    assert done.wait(30)
    tasks.close()


def test_what_was_interrupted_before_it_began_does_not_keep_the_end_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tasks = BackgroundTasks()

    def interrupt(thread: threading.Thread) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", interrupt)
        with pytest.raises(KeyboardInterrupt):
            tasks.start("the reload", lambda: None)
    tasks.close()
