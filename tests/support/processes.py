"""Processes that a test lets go all at once."""

import subprocess


def wait_until_ready(*processes: "subprocess.Popen[str]") -> None:
    """Until each has said so, which is the first line that it prints."""
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"


def let_go(*processes: "subprocess.Popen[str]") -> None:
    """Let each do what it waits with."""
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
