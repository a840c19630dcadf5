"""A handler that gets everything, and a second store for it."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from openalgo_store import DatabaseLogHandler, Store, init_databases, use_store
from tests.support.log_lines import attached


@pytest.fixture
def handler() -> Iterator[DatabaseLogHandler]:
    """A handler on the root logger, which lets everything pass."""
    made = DatabaseLogHandler()
    with attached(made):
        yield made


@pytest.fixture
def other_logs(store: Store, tmp_path: Path) -> Iterator[Store]:
    """A store with a logs database of its own."""
    url = f"sqlite:///{tmp_path / 'other_logs.db'}"
    settings = replace(store.settings, logs_database_url=url)
    init_databases(settings, warm=False).close()
    with Store(settings) as other:
        use_store(store)
        yield other
