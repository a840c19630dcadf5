"""A large installation goes from SQLite to PostgreSQL and back, and is what it was."""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Table, select

from openalgo_store import (
    Settings,
    Store,
    create_api_key,
    get_auth_token,
    get_read_session,
    get_user_by_api_key,
    get_write_session,
    replace_symbols,
    save_auth_token,
    use_store,
)
from openalgo_store.engine.queries import Query
from openalgo_store.settings import DATABASES, variable_of
from openalgo_store.tables import METADATA
from openalgo_store.tables.telemetry import application_logs, latency_metrics
from openalgo_store.tables.trading import live
from tests.operations.conftest import NewInstallation
from tests.support.chance import SOAK
from tests.support.installation import with_secrets
from tests.support.rows import MONDAY, any_row, new_user, order_row, shares, trade_row
from tests.support.settings import settings_of
from tests.support.waiting import DEADLINE

MOST_MEMORY = 150
"""MiB."""
COMMAND = """
from openalgo_store.cli import main
main(standalone_mode=False)
print(open("/proc/self/status").read())
"""


def some(count: int) -> int:
    """All in a soak, else a small part: the command starts twice as it is."""
    return count if SOAK else count // 40


def fill() -> dict[str, str]:
    """Many rows; the access token of each user by his API key."""
    keys, users = {}, [new_user(f"user{number}") for number in range(some(1_000))]
    for user in users:
        keys[create_api_key(user).api_key] = f"access-{user}"
        save_auth_token(user, "zerodha", f"access-{user}", auth_data={"user": user})
    replace_symbols(shares(some(200_000)), "zerodha")
    moments = [MONDAY + timedelta(seconds=number) for number in range(some(100_000))]
    orders, trades = [], []
    for number, moment in enumerate(moments):
        user, order_id, symbol = users[number % len(users)], f"O{number}", f"S{number % 500}"
        orders.append(
            order_row(user, order_id, symbol=symbol, placed_at=moment)
            | {"status": "COMPLETE", "reported_points": [[1, number]] if number % 10 else None}
        )
        trades.append(
            trade_row(user, f"T{number}", symbol=symbol, traded_at=moment)
            | {"order_id": order_id, "is_fill": True}
        )
    for database, table, rows in (
        ("main", live.orders, orders),
        ("main", live.trades, trades),
        ("latency", latency_metrics, numbered(latency_metrics, len(moments))),
        ("logs", application_logs, numbered(application_logs, len(moments))),
    ):
        with get_write_session(database) as tx:
            tx.copy(table, list(rows[0]), [tuple(row.values()) for row in rows])
    return keys


def numbered(table: Table, count: int) -> list[dict[str, Any]]:
    row = any_row(table)
    return [row | {"id": number} for number in range(1, count + 1)]


def peak_of_a_copy(folder: Path, origin: Path, goal: Path) -> float:
    """MiB that the command takes at most while it copies all five."""
    urls = set(map(variable_of, DATABASES))
    names = ["copy", "--from", str(origin), "--to", str(goal), "--database", "all"]
    others = {name: each for name, each in os.environ.items() if name not in urls}
    done = subprocess.run(
        [sys.executable, "-c", COMMAND, *names],
        cwd=folder, env=others | {"DB_SLOW_STATEMENT": "0"},
        capture_output=True, text=True, timeout=float(DEADLINE) * 10, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert done.stdout.count("copied and compared") == len(DATABASES)
    (peak,) = re.findall(r"VmHWM:\s+(\d+) kB", done.stdout)
    return int(peak) / 1024


def settings_file(folder: Path, name: str, settings: Settings) -> Path:
    lines = [f"{variable_of(each)}='{settings.url(each)}'" for each in DATABASES]
    path = folder / name
    path.write_text("\n".join(lines))
    return path


def rows_of(store: Store, database: str, table: Any) -> Iterator[Any]:
    every = Query.of(select(table).order_by(*table.primary_key), tuple)
    with use_store(store), get_read_session(database) as tx:
        yield from tx.stream(every)


def access_token_of(api_key: str) -> str | None:
    user = get_user_by_api_key(api_key)
    token = get_auth_token(user.id, "zerodha") if user else None
    return token.access_token if token else None


@pytest.mark.only("postgresql")
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="tells memory")
def test_every_row_comes_back_and_keys_and_tokens_work(
    engine_name: str,
    new_installation: NewInstallation,
    tell: Callable[[str], None],
    tmp_path: Path,
) -> None:
    origin, middle = new_installation("sqlite"), new_installation("postgresql")
    files = {name: f"sqlite:///{tmp_path / 'back' / name}.db" for name in DATABASES}
    with Store(origin) as store, use_store(store):
        keys = fill()
    back = settings_of(files)
    places = [
        settings_file(tmp_path, f"{number}.env", each)
        for number, each in enumerate((origin, middle, back))
    ]
    there = peak_of_a_copy(tmp_path, places[0], places[1])
    again = peak_of_a_copy(tmp_path, places[1], places[2])
    tell(f"memory there {there:.0f} MiB, back {again:.0f} MiB")
    assert max(there, again) < MOST_MEMORY
    with Store(origin) as first, Store(back) as last:
        for name, metadata in METADATA.items():
            for table in metadata.sorted_tables:
                if table.name != "cache_epochs":
                    before, after = (rows_of(each, name, table) for each in (first, last))
                    pairs = zip(before, after, strict=True)
                    assert all(one == other for one, other in pairs), table.name
    for side in (middle, with_secrets(back)):
        with Store(side) as store, use_store(store):
            assert {key: access_token_of(key) for key in keys} == keys
