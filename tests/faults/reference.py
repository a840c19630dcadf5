"""What an operation does where nothing breaks: the states that are committed on the way."""

from time import monotonic
from typing import Any, NamedTuple

from openalgo_store import Settings, Store, create_user, use_store
from tests.contract.accounts.conftest import MARKS
from tests.faults.operation import Operation, standing_clock
from tests.faults.states import State, state_of
from tests.faults.steps import is_in_transaction, stepping


class Reference(NamedTuple):
    """Of each call the states from the one before it to the one after it; steps, and seconds."""

    states: list[list[State]]
    steps: list[int]
    seconds: list[float]


def prepare(operation: Operation, calls: int) -> None:
    """Make what so many calls of it need, in empty databases; the first user is asha."""
    create_user("asha", "asha@example.org", MARKS)
    operation.prepare(calls)


def reference_of(operation: Operation, settings: Settings, calls: int) -> Reference:
    """Of so many calls one after the other, in empty databases."""
    found = Reference([], [], [])
    with Store(settings) as store, use_store(store), standing_clock():
        prepare(operation, calls)
        for number in range(calls):
            began = monotonic()
            observer = _Observer(operation.database)
            with stepping(after=observer.look):
                operation.run(number)
            has_parts = len(observer.states) > 2
            assert has_parts == operation.is_in_parts, "what a function writes stands at once"
            assert len(observer.states) > 1, "it changes something"
            found.states.append(observer.states)
            found.steps.append(observer.steps)
            found.seconds.append(monotonic() - began)
    return found


class _Observer:
    """Looks after each step whether there is anything new for others to see."""

    def __init__(self, database: str) -> None:
        self.states = [state_of(database)]
        self.steps = 0
        self._database = database
        self._is_looking = False

    def look(self, driver: Any) -> None:
        if self._is_looking:  # its own steps do not count
            return
        self.steps += 1
        if is_in_transaction(driver):
            return
        self._is_looking = True
        try:
            state = state_of(self._database)
        finally:
            self._is_looking = False
        if state != self.states[-1]:
            self.states.append(state)
