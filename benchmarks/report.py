"""What a run found: kept in a file, shown in a terminal, written into docs/benchmarks.md."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from . import plot, tables
from .measure import Figure

PAGE = Path(__file__).resolve().parents[1] / "docs" / "benchmarks.md"
PLOT = PAGE.with_suffix(".svg")

_PART = re.compile(r"(<!-- measured: (\S+) -->\n).*?(<!-- end -->)", re.DOTALL)
"""A part of the page that a run writes; what stands around it is written by hand."""


class Run(NamedTuple):
    """The figures of each subject, and what they were measured on."""

    facts: list[str]
    subjects: dict[str, list[Figure]]

    @property
    def figures(self) -> Iterator[Figure]:
        """Those of all subjects."""
        for figures in self.subjects.values():
            yield from figures


def save(run: Run, file: Path) -> None:
    """Keep every round of every figure."""
    subjects = {
        name: [each._asdict() for each in figures] for name, figures in run.subjects.items()
    }
    file.write_text(json.dumps({"facts": run.facts, "subjects": subjects}, indent=1))


def load(file: Path) -> Run:
    """A run that was kept."""
    kept = json.loads(file.read_text())
    subjects = {
        name: [Figure(**each) for each in figures] for name, figures in kept["subjects"].items()
    }
    return Run(kept["facts"], subjects)


def write(run: Run, *later: Run) -> None:
    """Write the page's measured parts and the plot; parts of subjects not in this run stay.

    Of later runs, of which each may have some of its subjects, the targets tell as well.
    """
    parts = {name: tables.of_figures(figures) for name, figures in run.subjects.items()}
    facts = [*run.facts, *(_again(each, run.facts) for each in later)]
    parts["facts"] = "\n".join(f"- {fact}" for fact in facts)
    figures = [list(each.figures) for each in (run, *later)]
    parts["targets"] = f"{tables.count_of_targets(*figures)}.\n\n{tables.of_targets(*figures)}"

    def rewritten(part: re.Match[str]) -> str:
        begin, name, end = part.groups()
        return f"{begin}\n{parts[name]}\n\n{end}" if name in parts else part[0]

    page = PAGE.read_text()
    if missing := set(parts) - {name for _, name, _ in _PART.findall(page)}:
        raise ValueError(f"{PAGE.name} has no place for {', '.join(sorted(missing))}")
    PAGE.write_text(_PART.sub(rewritten, page))
    PLOT.write_text(plot.drawn(figures[0]))


def _again(run: Run, known: list[str]) -> str:
    """Which subjects a later run has, and what of its facts is not known of the first."""
    subjects = ", ".join(f"`{name}`" for name in run.subjects)
    others = (fact for fact in run.facts if fact not in known)
    return " ".join([f"Measured again, as the targets tell: {subjects}.", *others])
