"""docs/benchmarks.svg: how many times the raw driver's figure ours is, and the ORM's.

A panel for each engine, a row for each figure; the scale is logarithmic, the raw driver stands
at 1. The colours can be read on white and on black.
"""

from collections.abc import Iterable, Iterator, Sequence
from html import escape
from math import log10

from .measure import Figure
from .tables import shown
from .targets import POSTGRESQL, SQLITE, TARGETS

_LEFT, _RIGHT, _WIDTH = 300, 80, 860
_ROW, _HEAD = 22, 58
_LEAST, _MOST = 0.1, 100.0
"""The ends of the scale; what lies beyond is drawn at the end, with its number."""
_GREY, _OURS, _CORE, _ORM = "#7b8087", "#2f81f7", "#9a6bdf", "#d9772b"
_MARKS = (("core", _CORE), ("orm", _ORM), ("ours", _OURS))
"""Ours last, so that nothing hides it."""
_STYLE = f"""
text {{ font: 12px system-ui, sans-serif; fill: {_GREY} }}
.title {{ font-weight: 600; font-size: 14px }} .end {{ text-anchor: end }}
.middle {{ text-anchor: middle }} line {{ stroke: {_GREY} }} .grid {{ stroke-opacity: .25 }}
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
    body = "\n".join(lines)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {top}" role="img">\n'
        "<title>The store and the ORM in times of the raw driver</title>\n"
        f"<style>{_STYLE}</style>\n{body}\n</svg>\n"
    )


def _legend() -> Iterator[str]:
    x = _LEFT
    for label, colour in (("ours", _OURS), ("plain Core", _CORE), ("ORM", _ORM)):
        yield f'<circle cx="{x}" cy="18" r="5" fill="{colour}"/>'
        yield f'<text x="{x + 10}" y="22">{label}</text>'
        x += 100
    yield _target_mark(x, 18) + f'<text x="{x + 8}" y="22">the most that ours may be</text>'


def _panel(engine: str, figures: Sequence[Figure], top: int) -> Iterator[str]:
    bottom = top + _HEAD + _ROW * len(figures)
    yield f'<text class="title" x="10" y="{top + 20}">{engine}</text>'
    yield f'<text x="10" y="{top + 42}">work, and what the raw driver takes for it</text>'
    power = _LEAST
    while power <= _MOST:
        x, kind = _x(power), "" if power == 1 else ' class="grid"'
        label = "raw driver" if power == 1 else f"{power:g} ×"
        yield f'<line{kind} x1="{x}" y1="{top + 48}" x2="{x}" y2="{bottom}"/>'
        yield f'<text class="middle" x="{x}" y="{top + 42}">{label}</text>'
        power *= 10
    for number, figure in enumerate(figures):
        yield from _row(figure, top + _HEAD + _ROW * number + _ROW // 2)


def _row(figure: Figure, y: int) -> Iterator[str]:
    raw = shown(figure.median("raw"), figure.unit)
    yield f'<text x="10" y="{y + 4}">{escape(figure.case)}</text>'
    yield f'<text class="end" x="{_LEFT - 12}" y="{y + 4}">{escape(raw)}</text>'
    yield f'<line class="grid" x1="{_x(_LEAST)}" y1="{y}" x2="{_x(_MOST)}" y2="{y}"/>'
    target = TARGETS[figure.case].get(figure.engine)
    if target and target.raw is not None:
        yield _target_mark(_x(target.raw), y)
    for way, colour in _MARKS:
        times = figure.ratio(way, to="raw")
        if times is None:
            continue
        yield (
            f'<circle cx="{_x(times)}" cy="{y}" r="5" fill="{colour}">'
            f"<title>{way}: {times:.3g} × raw</title></circle>"
        )
        if times > _MOST:
            yield f'<text x="{_x(_MOST) + 10}" y="{y + 4}">{times:,.0f} × →</text>'


def _target_mark(x: float, y: int) -> str:
    return f'<line x1="{x}" y1="{y - 8}" x2="{x}" y2="{y + 8}" stroke-width="2"/>'


def _x(times: float) -> float:
    """Where so many times the raw driver stand."""
    within = min(max(times, _LEAST), _MOST)
    share = log10(within / _LEAST) / log10(_MOST / _LEAST)
    return round(_LEFT + share * (_WIDTH - _LEFT - _RIGHT), 1)
