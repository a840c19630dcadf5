"""Scene: a database in which an operation is called while things break, and what is right there."""

from collections.abc import Callable, Container

from openalgo_store import Settings, Store, StoreError, Unavailable
from tests.faults.operation import Operation, RowsWait, flush
from tests.faults.reference import Reference, prepare
from tests.faults.report import COMMITTED, REPORT, ROLLED_BACK, UNKNOWN
from tests.faults.states import State, difference, masked, state_of


class Scene:
    """An operation in the current store, called so often, and what each call must come to."""

    def __init__(self, operation: Operation, store: Store, reference: Reference) -> None:
        self.operation = operation
        self.store = store
        self.reference = reference
        self.number = 0
        """Of the next call."""
        self.left_out: Container[str] = ()
        """Columns in which calls under this fault may differ."""
        prepare(operation, len(reference.states))

    @property
    def settings(self) -> Settings:
        """Of its store."""
        return self.store.settings

    @property
    def engine(self) -> str:
        """Its name."""
        return self.store.databases["main"].name

    @property
    def calls_left(self) -> int:
        """How often the operation can still be called."""
        return len(self.reference.states) - self.number

    @property
    def steps(self) -> int:
        """Of the next call."""
        return self.reference.steps[self.number]

    @property
    def seconds(self) -> float:
        """How long the next call takes, at most."""
        return self.reference.seconds[self.number]

    def call(self) -> tuple[str, str]:
        """What comes of the next call, and by which error."""
        return outcome_of(lambda: self.operation.run(self.number))

    def judge(self, fault: str, outcome: str, seen: str) -> None:
        """Compare what is stored with what the caller was told; then have the call finished."""
        found, states = self.state(), self._states(self.number)
        right = {
            COMMITTED: states[-1:],
            ROLLED_BACK: states if self.operation.is_in_parts else states[:1],
            UNKNOWN: states,
        }[outcome]
        is_sound = found in right
        REPORT.row(fault, self.engine).add(f"{seen}: {outcome}", is_sound=is_sound)
        assert is_sound, f"{seen}, {outcome}, but\n{difference(found, right[0])}"
        self.finish(found)

    def judge_the_dead(self, fault: str, told: int) -> None:
        """The same for a process that told of so many calls and died in the next, or before it."""
        self.number += told
        found, states = self.state(), self._states(self.number)
        is_sound = found in states
        died = "after its COMMIT" if found == states[-1] else "between two of its transactions"
        died = "nothing of the call stands" if found == states[0] else f"it stands, died {died}"
        REPORT.row(fault, self.engine).add(f"killed: {died}", is_sound=is_sound)
        assert is_sound, f"killed after call {self.number}, but\n{difference(found, states[0])}"
        self.finish(found)

    def finish(self, found: State) -> None:
        """What was not done is done now at the first attempt, and is then as it must be."""
        after = self._states(self.number)[-1]
        if found != after and self.operation.is_buffered:
            flush()  # or it was lost with its process, or with the store that was closed
            found = self.state()
        if found != after:
            self.operation.run(self.number)
            found = self.state()
        assert found == after, f"done again:\n{difference(found, after)}"
        self.number += 1

    def state(self) -> State:
        """What stands there now."""
        return masked(state_of(self.operation.database), self.left_out)

    def _states(self, number: int) -> list[State]:
        return [masked(each, self.left_out) for each in self.reference.states[number]]


def outcome_of(call: Callable[[], object]) -> tuple[str, str]:
    """What a caller is told, and by what; an error that is not the store's goes on its way."""
    try:
        call()
    except Unavailable as error:
        return UNKNOWN if error.outcome_unknown else ROLLED_BACK, "Unavailable"
    except StoreError as error:
        return ROLLED_BACK, type(error).__name__
    except RowsWait:
        return UNKNOWN, "rows wait"
    return COMMITTED, "no error"
