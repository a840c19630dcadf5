"""SIGTERM: what is buffered is written, and then happens what would have happened."""

import signal
import subprocess
import sys
import threading
from collections.abc import Sequence

import pytest

from openalgo_store import flush_on_sigterm
from openalgo_store.background.buffered_writer import BufferedWriter
from openalgo_store.background.marks import Mark
from openalgo_store.background.shutdown import _FlushingHandler
from openalgo_store.records import Row
from tests.support.waiting import DEADLINE


def test_asking_twice_for_a_flush_on_sigterm_flushes_once_and_keeps_what_was_before() -> None:
    called: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, frame: called.append(number))
    try:
        flush_on_sigterm()
        flush_on_sigterm(timeout=1.0)
        handler = signal.getsignal(signal.SIGTERM)
        assert isinstance(handler, _FlushingHandler)
        assert handler.timeout == 1.0
        signal.raise_signal(signal.SIGTERM)
        assert called == [signal.SIGTERM]
    finally:
        signal.signal(signal.SIGTERM, before)


@pytest.mark.parametrize(
    ("before", "code"), [("SIG_DFL", -signal.SIGTERM), ("SIG_IGN", 0), ("lambda *_: exit(7)", 7)]
)
def test_sigterm_goes_on_as_it_would_have(before: str, code: int) -> None:
    program = (
        "import signal; from signal import SIG_DFL, SIG_IGN; import openalgo_store;"
        f"signal.signal(signal.SIGTERM, {before}); openalgo_store.flush_on_sigterm();"
        "signal.raise_signal(signal.SIGTERM)"
    )
    assert subprocess.run([sys.executable, "-c", program], timeout=60).returncode == code


def test_what_is_buffered_is_written_before_and_a_second_signal_changes_nothing() -> None:
    """The second one comes while the batch is written, for which the first one waits."""
    done: list[str] = []

    def write(rows: Sequence[Row], mark: Mark) -> None:
        if not done:
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)
        done.append("written")

    writer = BufferedWriter("latency", write, interval=3600)
    before = signal.signal(signal.SIGTERM, lambda number, frame: done.append("ended"))
    try:
        flush_on_sigterm(DEADLINE)
        writer.put((1,))
        signal.raise_signal(signal.SIGTERM)
        assert done == ["written", "ended"]
    finally:
        signal.signal(signal.SIGTERM, before)
        writer.close()
