"""Forked: a process that runs a function of a module which is imported already.

It is forked from one process that has imported these modules and opened no store.
"""

from collections.abc import Callable
from contextlib import suppress
from multiprocessing import get_context
from typing import Any

_CONTEXT = get_context("forkserver")
_CONTEXT.set_forkserver_preload(["tests.programs.trading", "tests.faults.victim"])


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
