"""A hand on the moment in which a thread finds that another is loading what it wants."""

import pytest

from openalgo_store.caching.single_flight import _Load
from tests.support.waiting import wait_until


class Joined:
    """Counts the threads that have joined a load; each is given what comes of it."""

    def __init__(self) -> None:
        self.loads: list[object] = []

    def wait_for(self, count: int) -> None:
        """Until so many have joined."""
        wait_until(lambda: len(self.loads) >= count)


@pytest.fixture
def joined(monkeypatch: pytest.MonkeyPatch) -> Joined:
    """The threads that join a load in this test."""
    found = Joined()
    wait = _Load.wait

    def join(load: "_Load[object]") -> object:
        found.loads.append(load)
        return wait(load)

    monkeypatch.setattr(_Load, "wait", join)
    return found
