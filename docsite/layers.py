"""A picture of the package: what .importlinter lays above what, in the words of the packages."""

import ast
import configparser
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path

from .svg import GREY, box, line, picture, text

ROOT = Path(__file__).resolve().parents[1]
_LEFT, _WIDTH, _GAP = 40, 760, 12
_LINE = 16
_CAPTION = "Each may import what stands below it. What stands beside it only where the two touch."
_STYLE = f"""
text {{ font: 12px system-ui, sans-serif; fill: #24292f }} .page {{ fill: {GREY} }}
.name {{ font-weight: 600; font-size: 13px }} .layer {{ fill: #f6f8fa; stroke: {GREY} }}
line {{ stroke: {GREY}; stroke-width: 1.5 }}
@media (prefers-color-scheme: dark) {{
  text {{ fill: #e6edf3 }} .layer {{ fill: #1c232c }} .page {{ fill: {GREY} }}
}}
"""


def drawn() -> str:
    """The layers of the package, the one that imports all others at the top."""
    lines: list[str] = []
    y = 16.0
    for layer, gap in _layers():
        heights = []
        width = (_WIDTH - _LEFT - _GAP - gap * (len(layer) - 1)) / len(layer)
        for number, name in enumerate(layer):
            words = textwrap.wrap(about(name), int((width - 24) / 6.4))
            heights.append(34 + _LINE * len(words))
            lines += _box(_LEFT + number * (width + gap), y, name, words)
        height = max(heights)
        for number in range(len(layer)):
            lines.insert(0, box(_LEFT + number * (width + gap), y, width, height, "layer"))
        y += height + _GAP
    lines += [
        line(18, 16, 18, y - _GAP),
        line(18, y - _GAP, 12, y - _GAP - 8),
        line(18, y - _GAP, 24, y - _GAP - 8),
        text(_LEFT, y + 12, _CAPTION, "page"),
    ]
    return picture(_WIDTH, round(y) + 24, "The layers of openalgo_store", _STYLE, lines)


def _layers() -> list[tuple[list[str], int]]:
    """The packages of each layer, and the gap between them: those that touch are no strangers."""
    config = configparser.ConfigParser()
    config.read(ROOT / ".importlinter")
    found = config["importlinter:contract:layers"]["layers"].split("\n")
    return [(re.findall(r"\w+", each), 0 if ":" in each else _GAP) for each in found if each]


def about(name: str) -> str:
    """The first sentence of a package, or of a module."""
    folder = ROOT / "openalgo_store"
    path = folder / name / "__init__.py"
    source = (path if path.is_file() else folder / f"{name}.py").read_text(encoding="utf-8")
    docstring = ast.get_docstring(ast.parse(source)) or ""
    return docstring.partition("\n\n")[0].replace("\n", " ")


def _box(x: float, y: float, name: str, words: list[str]) -> Iterator[str]:
    yield text(x + 12, y + 20, name, "name")
    for number, each in enumerate(words):
        yield text(x + 12, y + 38 + _LINE * number, each)
