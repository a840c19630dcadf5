"""`openalgo-store check` as a command."""

import json
import os

from sqlalchemy import update

from openalgo_store import SANDBOX, Settings, get_write_session, init_databases, record_fill
from openalgo_store.engine.queries import Query
from tests.conftest import Urls
from tests.support.command import run, succeed
from tests.support.rows import MONDAY, add_order


def test_a_difference_is_a_line_and_the_exit_code_is_1(environment: Urls) -> None:
    succeed("init")
    assert succeed("check").splitlines() == ["everything is as it should be"]
    with init_databases(Settings.from_env(os.environ)):
        add_order(1, "A1", book=SANDBOX)
        record_fill("A1", "T1", 10, 812.5, MONDAY, book=SANDBOX)
        positions = SANDBOX.tables.positions
        with get_write_session(SANDBOX.database) as tx:
            tx.run(Query.of(update(positions).values(quantity=11)))
    found = run("check")
    assert found.exit_code == 1
    assert found.stdout.splitlines() == [
        "sandbox_positions 1: SBIN NSE CNC at zerodha: its quantity is 11, and its sums say 10",
        "1 finding",
        "  mend: report the order again, or the broker's positions",
    ]
    (told,) = json.loads(run("check", "--json").stdout)
    assert told == {
        "database": "sandbox",
        "table": "sandbox_positions",
        "row_id": 1,
        "what": "SBIN NSE CNC at zerodha: its quantity is 11, and its sums say 10",
        "mend": "report the order again, or the broker's positions",
    }
