"""Processes that a test lets go all at once."""

import subprocess
from typing import TypeAlias, Union

from tests.support.forked import Program

Process: TypeAlias = Union[Program, "subprocess.Popen[str]"]


def wait_until_ready(*processes: Process) -> None:
    """Until each has said so, which is the first line that it prints."""
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"


def let_go(*processes: Process) -> None:
    """Let each do what it waits with."""
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
