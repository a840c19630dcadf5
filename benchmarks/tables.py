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
        line += ["; ".join(f"{v.promise}: {_met([v.met])}" for v in verdicts(each))] * promised
        lines.append(line)
    return _table(head, lines)


def of_targets(*runs: Iterable[Figure]) -> str:
    """Every target with what each run that has its figure measured, those of no figure included."""
    measured = _verdicts(runs)
    lines = []
    for case, engines in TARGETS.items():
        for engine in engines:
            lines += [
                [case, engine, promise, _measured(found), _met([each.met for each in found])]
                for promise, found in measured.get((case, engine), {}).items()
            ] or [[case, engine, "", "", "not measured"]]
    return _table(["work", "engine", "target", "measured", ""], lines)


def count_of_targets(*runs: Iterable[Figure]) -> str:
    """How many targets were met, by each run that has their figure."""
    found = [each for told in _verdicts(runs).values() for each in told.values()]
    met = sum(all(verdict.met for verdict in each) for each in found)
    told = f"{met} of {len(found)} targets met"
    if len(runs) == 1:
        return told
    once = sum(len(each) == 1 for each in found)
    return f"{told}, by each run that measured them; {once} were measured once"


def _verdicts(
    runs: Iterable[Iterable[Figure]],
) -> dict[tuple[str, str], dict[str, list[Verdict]]]:
    """By case and engine: the verdicts of all runs on each of their promises."""
    found: dict[tuple[str, str], dict[str, list[Verdict]]] = {}
    for figures in runs:
        for figure in figures:
            of_figure = found.setdefault((figure.case, figure.engine), {})
            for each in verdicts(figure):
                of_figure.setdefault(each.promise, []).append(each)
    return found


def _measured(found: Iterable[Verdict]) -> str:
    return " / ".join(_number(each.measured) for each in found)


def shown(value: float | None, unit: str) -> str:
    """A figure with its unit, three digits of it."""
    return "" if value is None else f"{_number(value)} {unit}".rstrip()


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _times(ratio: float | None) -> str:
    return "" if ratio is None else _number(ratio)


def _met(met: Sequence[bool]) -> str:
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
