"""A process that calls an operation, says so each time, and is killed."""

import json
import os
import signal
from multiprocessing.connection import Connection
from typing import Any

from openalgo_store import Settings, Store, use_store
from tests.faults.operation import standing_clock
from tests.faults.operations import OPERATIONS, with_secrets
from tests.faults.steps import Point, striking
from tests.support.forked import Forked
from tests.support.server_faults import VICTIM
from tests.support.settings import settings_of, urls_of

NEVER = Point(0, True)


CALLS = 2
"""As many as a process makes at most; then it waits until it is killed."""


def start(settings: Settings, operation: str, number: int, point: Point = NEVER) -> Forked:
    """Start a process that calls the operation, this number first; it dies at the point."""
    if settings.database_url.startswith("postgresql"):
        urls = {
            each: f"{settings.url(each)}?application_name={VICTIM}"
            for each in json.loads(urls_of(settings))
        }
        return Forked(call_until_killed, json.dumps(urls), operation, number, point)
    return Forked(call_until_killed, urls_of(settings), operation, number, point)


def call_until_killed(
    line: Connection, urls: str, name: str, number: int, point: tuple[int, bool]
) -> None:
    """Say ready, and the number of each call once it has returned."""
    signal.alarm(100)  # never outlive the test
    (operation,) = (each for each in OPERATIONS if each.name == name)
    with line, Store(with_secrets(settings_of(json.loads(urls)))) as store:
        with use_store(store), standing_clock():
            line.send("ready")
            with striking(Point(*point), kill):
                for each in range(number, number + CALLS):
                    operation.run(each)
                    line.send(str(each))
            signal.pause()


def kill(driver: Any) -> None:
    """As a machine without memory does, or who loses patience."""
    os.kill(os.getpid(), signal.SIGKILL)
