"""What the tests of the engine begin with."""

import pytest

from openalgo_store import Store, get_write_session
from tests.support.rows import add_user


@pytest.fixture
def with_asha(store: Store) -> Store:
    with get_write_session() as tx:
        add_user(tx, "asha")
    return store
