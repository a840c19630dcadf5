"""Pieces of a picture: text, lines, boxes, and the frame around them.

What stands on the page itself is grey, so that it can be read on white and on black.
"""

from collections.abc import Iterable
from html import escape

GREY = "#7b8087"


def picture(width: int, height: int, title: str, style: str, lines: Iterable[str]) -> str:
    """A whole file; the title is read aloud, and shown by a browser over the picture."""
    body = "\n".join(lines)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">\n'
        f"<title>{escape(title)}</title>\n"
        f"<style>{style}</style>\n{body}\n</svg>\n"
    )


def text(x: float, y: float, words: str, kind: str = "") -> str:
    """Words on a line of text whose foot is at y; kind is its class in the style."""
    return f'<text{_class(kind)} x="{x}" y="{y}">{escape(words)}</text>'


def line(x1: float, y1: float, x2: float, y2: float, kind: str = "", more: str = "") -> str:
    return f'<line{_class(kind)} x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}"{more}/>'


def box(x: float, y: float, width: float, height: float, kind: str = "") -> str:
    return f'<rect{_class(kind)} x="{x}" y="{y}" width="{width}" height="{height}" rx="4" ry="4"/>'


def _class(kind: str) -> str:
    return f' class="{kind}"' if kind else ""
