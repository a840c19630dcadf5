"""Figures as Markdown: one table for each subject, and one of all targets."""

from collections.abc import Iterable, Sequence

from .measure import WAYS, Figure
from .targets import TARGETS, Verdict, verdicts


def of_figures(figures: Sequence[Figure]) -> str:
    """A line for each figure; ways that measured none of them have no column."""
    ways = [way for way in WAYS if any(way in each.rounds for each in figures)]
    raw = any(each.ratio("ours", to="raw") is not None for each in figures)
    orm = any(each.ratio("orm", to="ours") is not None for each in figures)
    promised = any(TARGETS.get(each.case, {}).get(each.engine) for each in figures)
    head = ["work", "engine", *(WAYS[way] for way in ways)]
    head += ["ours / raw"] * raw + ["ORM / ours"] * orm + ["target"] * promised
    lines = []
    for each in figures:
        line = [each.case, each.engine, *(shown(each.median(way), each.unit) for way in ways)]
        line += [_times(each.ratio("ours", to="raw"))] * raw
        line += [_times(each.ratio("orm", to="ours"))] * orm
        line += ["; ".join(f"{v.promise}: {_met(v.met)}" for v in verdicts(each))] * promised
        lines.append(line)
    return _table(head, lines)


def of_targets(*runs: Iterable[Figure]) -> str:
    """Every target with what each run that has its figure measured, those of no figure included."""
    measured = _verdicts(runs)
    lines = []
    for case, engines in TARGETS.items():
        for engine in engines:
            lines += [
                [case, engine, each[0].promise, _measured(each), _met(*(v.met for v in each))]
                for each in measured.get((case, engine), [])
            ] or [[case, engine, "", "", "not measured"]]
    return _table(["work", "engine", "target", "measured", ""], lines)


def count_of_targets(*runs: Iterable[Figure]) -> str:
    """How many targets were met, by each run that has their figure."""
    found = [all(v.met for v in each) for told in _verdicts(runs).values() for each in told]
    times = ", each time" if len(runs) > 1 else ""
    return f"{sum(found)} of {len(found)} targets met{times}"


def _verdicts(runs: Iterable[Iterable[Figure]]) -> dict[tuple[str, str], list[tuple[Verdict, ...]]]:
    """By case and engine, for each of their targets the verdicts of the runs."""
    found: dict[tuple[str, str], list[list[Verdict]]] = {}
    for figures in runs:
        for each in figures:
            found.setdefault((each.case, each.engine), []).append(list(verdicts(each)))
    return {key: list(zip(*each, strict=True)) for key, each in found.items()}


def _measured(verdicts: Iterable[Verdict]) -> str:
    return " / ".join(_number(each.measured) for each in verdicts)


def shown(value: float | None, unit: str) -> str:
    """A figure with its unit, three digits of it."""
    return "" if value is None else f"{_number(value)} {unit}".rstrip()


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _times(ratio: float | None) -> str:
    return "" if ratio is None else _number(ratio)


def _met(*met: bool) -> str:
    """What became of a target in one run, or in several."""
    if 0 < sum(met) < len(met):
        return f"met in {sum(met)} of {len(met)}"
    return "met" if all(met) else "NOT met"


def _table(head: list[str], lines: list[list[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(head, *lines, strict=True)]
    rows = [head, ["-" * width for width in widths], *lines]
    return "\n".join(
        f"| {' | '.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))} |"
        for row in rows
    )
