"""docs/benchmarks.svg: how many times the raw driver's figure ours is, and the ORM's.

A panel for each engine, a row for each figure; the scale is logarithmic, the raw driver stands
at 1. The colours can be read on white and on black.
"""

from collections.abc import Iterable, Iterator, Sequence
from math import log10

from docsite.svg import GREY, line, picture, text

from .measure import WAYS, Figure
from .tables import shown
from .targets import POSTGRESQL, SQLITE, TARGETS

_LEFT, _RIGHT, _WIDTH = 300, 100, 880
_ROW, _HEAD = 22, 58
_LEAST, _MOST = 0.1, 100.0
"""The ends of the scale; what lies beyond is drawn at the end, with its number."""
_MARKS = {
    "core": 'fill="#9a6bdf"',
    "alone": 'fill="none" stroke="#d9772b" stroke-width="2"',
    "orm": 'fill="#d9772b"',
    "ours": 'fill="#2f81f7"',
}
"""Ours last, so that nothing hides it."""
_STYLE = f"""
text {{ font: 12px system-ui, sans-serif; fill: {GREY} }}
.title {{ font-weight: 600; font-size: 14px }} .end {{ text-anchor: end }}
.middle {{ text-anchor: middle }} line {{ stroke: {GREY} }} .grid {{ stroke-opacity: .25 }}
"""


def drawn(figures: Iterable[Figure]) -> str:
    """The whole picture: what has a target and was measured beside the raw driver."""
    rows = [each for each in figures if each.case in TARGETS and each.ratio("ours", to="raw")]
    lines, top = list(_legend()), 40
    for engine in (SQLITE, POSTGRESQL):
        panel = [each for each in rows if each.engine == engine]
        if panel:
            lines += _panel(engine, panel, top)
            top += _HEAD + _ROW * len(panel) + 20
    title = "The store and the ORM in times of the raw driver"
    return picture(_WIDTH, top, title, _STYLE, lines)


def _legend() -> Iterator[str]:
    x = 12
    for way in reversed(_MARKS):
        yield _dot(x, 18, way) + text(x + 10, 22, WAYS[way])
        x += 110
    yield _target_mark(x, 18) + text(x + 8, 22, "the most that ours may be")


def _panel(engine: str, figures: Sequence[Figure], top: int) -> Iterator[str]:
    bottom = top + _HEAD + _ROW * len(figures)
    yield text(10, top + 20, engine, "title")
    yield text(10, top + 42, "work, and what the raw driver takes for it")
    power = _LEAST
    while power <= _MOST:
        x, kind = _x(power), "" if power == 1 else "grid"
        label = "raw driver" if power == 1 else f"{power:g} ×"
        yield line(x, top + 48, x, bottom, kind)
        yield text(x, top + 42, label, "middle")
        power *= 10
    for number, figure in enumerate(figures):
        yield from _row(figure, top + _HEAD + _ROW * number + _ROW // 2)


def _row(figure: Figure, y: int) -> Iterator[str]:
    raw = shown(figure.median("raw"), figure.unit)
    yield text(10, y + 4, figure.case)
    yield text(_LEFT - 12, y + 4, raw, "end")
    yield line(_x(_LEAST), y, _x(_MOST), y, "grid")
    target = TARGETS[figure.case].get(figure.engine)
    if target and target.raw is not None:
        yield _target_mark(_x(target.raw), y)
    for way in _MARKS:
        if times := figure.ratio(way, to="raw"):
            yield _dot(_x(times), y, way, f"{WAYS[way]}: {times:.3g} × raw")
    beyond = max(figure.ratio(way, to="raw") or 0 for way in ("orm", "alone"))
    if beyond > _MOST:
        yield text(_x(_MOST) + 10, y + 4, f"{beyond:,.0f} ×")


def _dot(x: float, y: int, way: str, title: str = "") -> str:
    return f'<circle cx="{x}" cy="{y}" r="5" {_MARKS[way]}><title>{title}</title></circle>'


def _target_mark(x: float, y: int) -> str:
    return line(x, y - 8, x, y + 8, more=' stroke-width="2"')


def _x(times: float) -> float:
    """Where so many times the raw driver stand."""
    within = min(max(times, _LEAST), _MOST)
    share = log10(within / _LEAST) / log10(_MOST / _LEAST)
    return round(_LEFT + share * (_WIDTH - _LEFT - _RIGHT), 1)
