"""Real files of brokers, which are no part of the project."""

import os
from pathlib import Path

import pytest

BESIDE_THE_PROJECT = Path(__file__).parents[3] / "shared" / "data"
FOLDER = Path(os.environ.get("OPENALGO_SHARED_DATA", BESIDE_THE_PROJECT))


def real_file(name: str) -> Path:
    """Where it is; the test is skipped where it is not."""
    path = FOLDER / name
    if not path.exists():
        pytest.skip(f"the real file {name} is not here: it is no part of the project")
    return path
