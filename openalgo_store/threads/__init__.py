"""What threads wait at: Python's own, or under eventlet and gevent what green ones can use too.

Everything in this package takes locks, queues and threads from here, and sleeps by this `sleep`.
"""

import atexit
from typing import TYPE_CHECKING

from .libraries import LIBRARY, refuse_late_patch

__all__ = [
    "IS_GREEN", "Empty", "Lock", "RLock", "SimpleQueue", "Thread", "get_ident", "in_real_thread",
    "let_others_run", "poll", "refuse_late_patch", "sleep", "wait_until_logged",
]  # fmt: skip

IS_GREEN = LIBRARY is not None
"""Whether a library had replaced Python's threads when this package was imported."""

if TYPE_CHECKING or not IS_GREEN:
    from queue import Empty, SimpleQueue
    from threading import Lock, RLock, Thread, get_ident
    from time import sleep

    from .plain import in_real_thread, let_others_run, poll, wait_until_logged
else:
    from .log_lines import hand_over_lines, log_waiting_lines
    from .mixed import (
        Empty,
        Lock,
        RLock,
        SimpleQueue,
        Thread,
        get_ident,
        in_real_thread,
        let_others_run,
        poll,
        sleep,
        wait_until_logged,
    )  # fmt: skip

    hand_over_lines()
    atexit.register(log_waiting_lines)
