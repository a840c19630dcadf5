"""The pictures of docs/diagrams/, each by the name of its file."""

from openalgo_store.settings import DATABASES

from . import entities, layers

FOLDER = layers.ROOT / "docs" / "diagrams"


def drawings() -> dict[str, str]:
    """What the files have to be, as the code is now."""
    return {"layers.svg": layers.drawn()} | {
        f"{database}.svg": entities.drawn(database) for database in DATABASES
    }
