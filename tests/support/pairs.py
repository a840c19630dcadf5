"""Pairs of engines: what is copied goes from one to the other."""

import pytest

PAIRS = [
    pytest.param(source, target, marks=pytest.mark.only(engine), id=f"{source}-{target}")
    for source, target, engine in (
        ("sqlite", "sqlite", "sqlite"),
        ("sqlite", "postgresql", "postgresql"),
        ("postgresql", "sqlite", "postgresql"),
        ("postgresql", "postgresql", "postgresql"),
    )
]
"""Those with PostgreSQL are part of its run."""
