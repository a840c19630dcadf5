"""One load for many threads: its outcome is shared, whatever it is."""

import threading
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from openalgo_store import Conflict
from openalgo_store.caching.single_flight import SingleFlight
from tests.caching.conftest import Joined

Flight = SingleFlight[object]


def ended(futures: list["Future[object]"]) -> list[BaseException | object]:
    """What each gave or raised."""
    return [future.exception(30) or future.result(30) for future in futures]


@pytest.mark.parametrize("outcome", [object(), None], ids=["a value", "nothing"])
def test_twenty_threads_share_one_load(joined: Joined, outcome: object) -> None:
    flight, loads = Flight(), []

    def load() -> object:
        loads.append(threading.get_ident())
        joined.wait_for(19)
        return outcome

    with ThreadPoolExecutor(20) as pool:
        futures = [pool.submit(flight.share, "key", load) for _ in range(20)]
        assert ended(futures) == [outcome] * 20
    assert len(loads) == 1


def test_twenty_threads_share_an_error_and_each_raises_its_own_copy(joined: Joined) -> None:
    flight, loads = Flight(), []
    cause = KeyError("of the driver")

    def load() -> object:
        loads.append(threading.get_ident())
        joined.wait_for(19)
        raise Conflict("taken", "uq_names") from cause

    with ThreadPoolExecutor(20) as pool:
        errors = ended([pool.submit(flight.share, "key", load) for _ in range(20)])
    assert len(loads) == 1
    assert len({id(error) for error in errors}) == 20
    for error in errors:
        assert isinstance(error, Conflict)
        assert (str(error), error.constraint, error.__cause__) == ("taken", "uq_names", cause)


def test_an_error_that_needs_more_than_a_message_is_shared_too(joined: Joined) -> None:
    class Refused(Exception):
        def __init__(self, *, number: int) -> None:
            super().__init__(f"refused {number}")
            self.number = number

    def load() -> object:
        joined.wait_for(1)
        raise Refused(number=7)

    flight = Flight()
    with ThreadPoolExecutor(2) as pool:
        errors = ended([pool.submit(flight.share, "key", load) for _ in range(2)])
    assert [(str(error), vars(error)) for error in errors] == [("refused 7", {"number": 7})] * 2


def test_when_the_thread_that_loads_is_interrupted_another_loads_anew(joined: Joined) -> None:
    """As by Ctrl-C, which ends the one thread and not the others."""
    flight = Flight()
    loads: list[int] = []

    def load() -> object:
        loads.append(threading.get_ident())
        if len(loads) == 1:
            joined.wait_for(3)
            raise KeyboardInterrupt
        joined.wait_for(5)  # the two others again
        return "loaded"

    with ThreadPoolExecutor(4) as pool:
        outcomes = ended([pool.submit(flight.share, "key", load) for _ in range(4)])
    assert sorted(map(str, outcomes)) == ["", "loaded", "loaded", "loaded"]
    assert len(loads) == 2


def test_an_interrupt_just_after_a_load_leaves_no_old_outcome_behind(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    flight = Flight()

    def interrupted(*arguments: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, ThreadPoolExecutor(1) as pool:
        patch.setattr(SingleFlight, "_remove", interrupted)
        assert isinstance(
            pool.submit(flight.share, "key", lambda: "old").exception(30), KeyboardInterrupt
        )
    assert flight.share("key", lambda: "new") == "new"


def test_what_has_ended_is_forgotten() -> None:
    flight = Flight()
    numbers = iter(range(3))
    assert [flight.share("key", lambda: next(numbers)) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(StopIteration):
        flight.share("key", lambda: next(numbers))
    assert flight._loads == {}


@pytest.mark.parametrize("inner", ["another", "key"])
def test_a_load_may_ask_for_another_key_and_even_for_its_own(inner: str) -> None:
    """Its own, as a signal handler would that runs in the middle of a load."""
    flight = Flight()

    def load() -> object:
        return flight.share(inner, lambda: "inner"), "outer"

    assert flight.share("key", load) == ("inner", "outer")


def test_loads_of_different_keys_do_not_wait_for_each_other() -> None:
    flight = Flight()
    together = threading.Barrier(2)

    def load() -> object:
        return together.wait(30) >= 0

    with ThreadPoolExecutor(2) as pool:
        assert ended([pool.submit(flight.share, key, load) for key in "ab"]) == [True, True]
