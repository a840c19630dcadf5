"""Very many calls of everything: nothing is lost, and a process holds no more at the end."""

import json
import sys

import pytest
from sqlalchemy import func, select

from openalgo_store import (
    Store,
    authorize_telegram_chat,
    create_api_key,
    create_user,
    get_positions,
    get_read_session,
    replace_symbols,
    save_auth_token,
    save_telegram_chat,
    use_store,
)
from openalgo_store.engine.queries import Query
from openalgo_store.tables import METADATA
from tests.contract.accounts.conftest import MARKS
from tests.faults.mixture import KEY, PARTS, mix
from tests.faults.operations import with_secrets
from tests.faults.report import REPORT
from tests.support.chance import SOAK
from tests.support.forked import Forked
from tests.support.rows import shares
from tests.support.settings import urls_of

CALLS = 200_000 if SOAK else 800
_COUNTED = ("descriptors", "connections", "threads")
_MORE = 2
"""How many more of each there may be at one moment than at another: a writer may be at work."""
_GROWTH = 0.1
"""By which part of it memory may grow from the end of the first quarter on."""
pytestmark = [
    pytest.mark.timeout(1500),
    pytest.mark.skipif(sys.platform != "linux", reason="what a process holds stands in /proc"),
]


def test_a_process_that_does_everything_holds_no_more_at_the_end(
    store: Store, engine_name: str
) -> None:
    with Store(with_secrets(store.settings)) as secret, use_store(secret):
        create_user("asha", "asha@example.org", MARKS)
        create_api_key(1, generate=lambda: KEY)
        save_auth_token(1, "zerodha", "an access token")
        save_telegram_chat(1, 1)
        authorize_telegram_chat(1)
        replace_symbols(shares(50), "zerodha")
    process = Forked(mix, urls_of(store.settings), CALLS)
    *quarters, done = map(json.loads, process.end())
    first, *others = quarters
    assert len(quarters) == PARTS
    lost = {name: (told, stored(name)) for name, told in done.items() if stored(name) != told}
    filled = sum(each.quantity for each in get_positions(1))
    is_flat = all(each[name] <= first[name] + _MORE for each in others for name in _COUNTED)
    is_flat = is_flat and (not SOAK or others[-1]["MB"] <= first["MB"] * (1 + _GROWTH))
    row = REPORT.row(f"{CALLS:,} mixed calls", engine_name)
    for name in first:
        values = ", ".join(f"{each[name]:.0f}" for each in quarters)
        row.measured.append(f"{name} at quarters: {values}")
    row.add(f"{sum(done.values()):,} rows, {len(lost)} tables that lack some", is_sound=not lost)
    assert not lost
    assert filled == 30 * done["trades"]
    assert is_flat, quarters


def stored(table: str) -> int:
    """How many rows a table has, but for those of the beginning."""
    tables = {
        name: (database, found)
        for database, metadata in METADATA.items()
        for name, found in metadata.tables.items()
    }
    database, found = tables[table]
    with get_read_session(database) as tx:
        rows = tx.value(Query.of(select(func.count()).select_from(found), int)) or 0
    return rows - (table == "api_keys")
