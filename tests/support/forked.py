"""Processes that run a function of a module which is imported already.

They are forked from one process that has imported these modules and opened no store: to import
them takes longer than most of what such a process does.
"""

import os
import signal
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any

_CONTEXT = get_context("forkserver")
_CONTEXT.set_forkserver_preload(
    [
        "tests.faults.victim",
        *(
            f"tests.programs.{name}"
            for name in (
                "caches", "coherence", "copying", "databases", "migrations", "rotation", "telegram",
                "telemetry", "trading",
            )
        ),
    ]
)  # fmt: skip


class Program:
    """A process that calls `main` with its own stdin, stdout and stderr: pipes of text.

    It has what tests need of subprocess.Popen. Its interpreter does not end as that of a program:
    where that matters start one.
    """

    def __init__(self, main: Callable[..., None], *arguments: str) -> None:
        its_in, self_in = _CONTEXT.Pipe(duplex=False)
        self_out, its_out = _CONTEXT.Pipe(duplex=False)
        self_err, its_err = _CONTEXT.Pipe(duplex=False)
        its_ends = (its_in, its_out, its_err)
        self._process = _CONTEXT.Process(target=_call, args=(main, arguments, *its_ends))
        self._process.start()
        self._said: tuple[str, str] | None = None
        self.stdin = os.fdopen(_taken(self_in), "w")
        self.stdout, self.stderr = os.fdopen(_taken(self_out)), os.fdopen(_taken(self_err))
        for end in its_ends:
            end.close()

    @property
    def returncode(self) -> int | None:
        """How it ended; less than 0 for a signal."""
        return self._process.exitcode

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """All else that it says until it ends."""
        if self._said is None:
            with suppress(BrokenPipeError):
                self.stdin.close()
            with ThreadPoolExecutor(2) as pool:
                heard = [pool.submit(each.read) for each in (self.stdout, self.stderr)]
                self._process.join(timeout)
                if self.returncode is None:
                    self.kill()
                    raise TimeoutError(f"it did not end: {heard[1].result()}")
                self._said = heard[0].result(), heard[1].result()
            self.stdout.close()
            self.stderr.close()
        return self._said

    def send_signal(self, number: int) -> None:
        """Unless it is gone."""
        if self.returncode is None and self._process.pid:
            os.kill(self._process.pid, number)

    def kill(self) -> None:
        """At once."""
        self.send_signal(signal.SIGKILL)


def _taken(end: Connection) -> int:
    """The descriptor of a pipe, whose connection is closed."""
    with end:
        return os.dup(end.fileno())


def _call(main: Callable[..., None], arguments: tuple[str, ...], *ends: Connection) -> None:
    for number, end in enumerate(ends):
        os.dup2(end.fileno(), number)
        end.close()
    sys.stdin = os.fdopen(0, closefd=False)
    sys.stdout, sys.stderr = (os.fdopen(number, "w", closefd=False) for number in (1, 2))
    main(*arguments)


class Forked:
    """A process that runs `program(line, *arguments)`; by the line the two talk to each other."""

    def __init__(self, program: Callable[..., None], *arguments: Any) -> None:
        self._line, its_end = _CONTEXT.Pipe()
        self._process = _CONTEXT.Process(target=program, args=(its_end, *arguments), daemon=True)
        self._process.start()
        its_end.close()

    def hear(self) -> str:
        """The next that it says."""
        return str(self._line.recv())

    def send(self, word: str) -> None:
        """What it waits for."""
        self._line.send(word)

    def end(self) -> list[str]:
        """All else that it said until it ended, as it should."""
        said = self.last_words()
        assert self.exit_code == 0
        return said

    def kill(self) -> list[str]:
        """What it could still say."""
        self._process.kill()
        return self.last_words()

    def last_words(self) -> list[str]:
        """All else that it says until it is gone."""
        said = []
        with self._line, suppress(EOFError, OSError):  # cut off inside a word
            while True:
                said.append(self.hear())
        self._process.join()
        return said

    @property
    def exit_code(self) -> int | None:
        """How it ended; less than 0 for a signal."""
        return self._process.exitcode
