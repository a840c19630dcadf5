"""Which of a broker's layouts a file has, by its columns and its name."""

import re
from collections.abc import Container

from ..errors import InvalidInput
from .layouts import Layout, Reader


def layout_of(reader: Reader, columns: Container[str], title: str, lacks: str) -> Layout:
    """The layout whose columns a file has; raises InvalidInput that says what it lacks."""
    fitting = [each for each in reader.layouts if not _missing(each, columns)]
    name = file_name(title)
    for layout in fitting:
        if name.startswith(layout.file_name.lower()):
            return layout
    if fitting:
        names = ", ".join(each.file_name for each in fitting)
        raise InvalidInput(
            f"{title}: only its name could tell which exchange this is of: keep the one that "
            f"{reader.title} gave it ({names})"
        )
    nearest = min((_missing(each, columns) for each in reader.layouts), key=len)
    raise InvalidInput(
        f"{title}: this is not an instrument file of {reader.title}: {lacks} {', '.join(nearest)}"
    )


def file_name(title: str) -> str:
    """The last part of a path, or of one in an archive, in small letters."""
    return re.split(r"[/\\]|: ", title)[-1].lower()


def _missing(layout: Layout, columns: Container[str]) -> list[str]:
    return [name for name in layout.needed() if name not in columns]
