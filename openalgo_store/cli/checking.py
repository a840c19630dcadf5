"""What `check` finds, as text and as JSON."""

from ..operations.checking import Finding, mends_of
from .tables import as_json


def finding_line(found: Finding) -> str:
    """The table, the row, and what is wrong with it."""
    row = "" if found.row_id is None else f" {found.row_id}"
    return f"{found.table}{row}: {' '.join(found.what.split())}"


def findings_summary(found: list[Finding]) -> str:
    """How many there are, and what helps."""
    if not found:
        return "everything is as it should be"
    findings = f"{len(found):,} finding{'' if len(found) == 1 else 's'}"
    return "\n".join([findings, *(f"  mend: {each}" for each in mends_of(found))])


def findings_json(found: list[Finding]) -> str:
    """A list of objects with the fields of a Finding."""
    return as_json(found)
