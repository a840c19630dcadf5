"""What `optimize` did, as a table and lines."""

from collections.abc import Sequence

from ..engine.dialect import Size, Step
from ..operations.optimizing import Optimized
from .tables import in_bytes, in_columns


def optimizing_report(found: Sequence[Optimized]) -> str:
    """A line for each database, and one for each step that was not done."""
    rows = [
        (
            each.database,
            in_bytes(_room(each.before)),
            in_bytes(_room(each.after)),
            ", ".join(step.what for step in each.steps if step.state == "done"),
        )
        for each in found
    ]
    lines = [in_columns(("database", "before", "after", "done"), rows)]
    for each in found:
        lines += [f"{each.database}: {_why(step)}" for step in each.steps if step.why]
    return "\n".join(lines)


def not_done(found: Optimized) -> bool:
    """Whether a step failed."""
    return any(step.state == "failed" for step in found.steps)


def _room(size: Size) -> int:
    """On the disk: the data, and the log beside it."""
    return size.data_bytes + (size.log_bytes or 0)


def _why(step: Step) -> str:
    return f"{step.what} {step.state}: {step.why}"
