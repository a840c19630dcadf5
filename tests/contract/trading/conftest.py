"""Whose books the tests look at."""

import pytest

from openalgo_store import Store
from tests.support.rows import new_user


@pytest.fixture
def user(store: Store) -> int:
    """Asha, a new user."""
    return new_user()
