"""The table of faults: what callers saw, and whether anything was lost, doubled or half-written."""

from collections import Counter
from collections.abc import Iterator

COMMITTED, ROLLED_BACK, UNKNOWN = "committed", "rolled back", "unknown"
_HEAD = ("fault", "engine", "cases", "what the caller saw", "broken")


class Row:
    """One kind of fault on one engine."""

    def __init__(self) -> None:
        self.cases = 0
        self.seen: Counter[str] = Counter()
        self.measured: list[str] = []
        self.broken = 0

    def add(self, seen: str, *, is_sound: bool) -> None:
        """A case, and what the caller saw."""
        self.cases += 1
        self.seen[seen] += 1
        self.broken += not is_sound


class Report:
    """Rows by fault and engine, in the order in which they came."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str], Row] = {}

    def row(self, fault: str, engine: str) -> Row:
        return self.rows.setdefault((fault, engine), Row())

    def lines(self) -> Iterator[str]:
        """The table in plain text; cells that are long go on in the next lines."""
        cells = [_HEAD, *(self._cells(*key) for key in self.rows)]
        widths = [max(len(line) for row in cells for line in row[n].split("\n")) for n in range(5)]
        for row in cells:
            parts = [cell.split("\n") for cell in row]
            for number in range(max(map(len, parts))):
                texts = (part[number] if number < len(part) else "" for part in parts)
                yield "  ".join(map(str.ljust, texts, widths)).rstrip()

    def _cells(self, fault: str, engine: str) -> tuple[str, ...]:
        row = self.rows[fault, engine]
        counted = [f"{count} × {what}" for what, count in row.seen.most_common()]
        seen = "\n".join(counted + row.measured)
        return fault, engine, str(row.cases), seen, str(row.broken or "nothing")


REPORT = Report()
"""Of this run."""
