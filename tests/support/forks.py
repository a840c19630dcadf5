"""What a child process sees."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from tests.support.waiting import DEADLINE


def in_child(check: Callable[[], bool]) -> bool:
    """Fork, and whether this is true in the child, within a deadline."""
    pid = os.fork()
    if pid == 0:
        code = 2
        try:
            code = 0 if check() else 1
        finally:
            os._exit(code)
    with ThreadPoolExecutor(1) as pool:
        try:
            _, status = pool.submit(os.waitpid, pid, 0).result(DEADLINE)
        except TimeoutError:
            os.kill(pid, 9)
            return False
    return os.waitstatus_to_exitcode(status) == 0
