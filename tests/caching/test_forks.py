"""A child starts with empty caches: what its parent knew at the fork may have changed since."""

import pytest

from openalgo_store import Settings
from tests.programs.caches import start
from tests.programs.databases import result_of

pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork")


def test_what_changed_since_the_fork_is_seen_by_the_child(migrated_settings: Settings) -> None:
    old = {"first key": True, "second key": False, "token": "A", "symbol": "A1", "search": ["A1"]}
    new = {"first key": False, "second key": True, "token": "B", "symbol": "B1", "search": ["B1"]}
    assert result_of(start(migrated_settings)) == {"before": old, "after": new}
