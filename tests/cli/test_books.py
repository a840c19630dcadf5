"""`openalgo-store positions`, `pnl`, `latency` and `logs` as commands."""

import json
import re
from datetime import timedelta

import pytest
from sqlalchemy import insert

from openalgo_store import (
    SANDBOX,
    Settings,
    close_databases,
    create_user,
    get_write_session,
    hash_password,
    init_databases,
    record_fill,
)
from openalgo_store.engine.queries import Query
from openalgo_store.tables.telemetry import application_logs, latency_metrics
from openalgo_store.values import clock
from tests.support.command import fail, succeed
from tests.support.rows import MONDAY, add_order

LINES = {"level": "ERROR", "logger": "openalgo.orders", "message": "no answer\nfrom \x1b[31mus"}


@pytest.fixture
def asha(secrets: Settings) -> None:
    """A user who has bought and sold, in paper trading too."""
    with init_databases(secrets):
        user_id = create_user("asha", "asha@example.org", hash_password("a long password")).id
        for number, (action, price) in enumerate((("BUY", 800.0), ("SELL", 820.5))):
            add_order(user_id, f"O{number}", action=action, quantity=10 - 4 * number, book=SANDBOX)
            record_fill(f"O{number}", "T", 10 - 4 * number, price, MONDAY, book=SANDBOX)
    close_databases()


def cells(shown: str) -> list[list[str]]:
    return [re.split("  +", line.strip()) for line in shown.splitlines()]


def test_positions_of_a_user_stand_in_columns(asha: None) -> None:
    assert succeed("positions", "asha") == "nothing found\n"
    head, line = cells(succeed("positions", "asha", "--sandbox"))
    assert head == ["broker", "symbol", "exchange", "product", "quantity", "average", "last", "P&L"]
    assert line[:6] == ["zerodha", "SBIN", "NSE", "CNC", "4", "800.00"]
    (found,) = json.loads(succeed("positions", "asha", "--sandbox", "--json"))
    assert found["quantity"] == 4


def test_what_was_realised_stands_in_columns_by_instrument(asha: None) -> None:
    days = ["--from", "2026-03-02", "--to", "2026-03-02"]
    head, line, total = cells(succeed("pnl", "asha", "--sandbox", *days))
    assert head == ["broker", "symbol", "exchange", "product", "quantity", "P&L"]
    assert line == ["zerodha", "SBIN", "NSE", "CNC", "6", "123.00"]
    assert total == ["all", "123.00"]
    (lot,) = json.loads(succeed("pnl", "asha", "--sandbox", *days, "--json"))
    assert lot["exit_price"] == 820.5
    assert succeed("pnl", "asha", *days) == "nothing found\n"
    assert cells(succeed("pnl", "asha", "--sandbox", "--from", "2026-03-01"))[1] == line
    assert succeed("pnl", "asha", "--sandbox") == "nothing found\n"
    assert fail("pnl", "asha", "--from", "1 April") == (
        "error: 1 April is no day: write it as 2026-08-25"
    )
    assert "--from 2026-03-01 is after --to 2026-01-01: swap them" in fail(
        "pnl", "asha", "--from", "2026-03-01", "--to", "2026-01-01"
    )


def test_latencies_stand_in_columns(secrets: Settings) -> None:
    begin = clock.now() - timedelta(hours=1)
    with init_databases(secrets), get_write_session("latency") as tx:
        for milliseconds in (10.0, 30.0):
            end = begin + timedelta(milliseconds=milliseconds)
            row = {"broker": "kotak", "operation": "place_order", "latency_ms": milliseconds}
            times = {"start_time": begin, "end_time": end, "success": milliseconds < 20}
            tx.run(Query.of(insert(latency_metrics).values(**row | times)))
    close_databases()
    head, line = cells(succeed("latency"))
    assert head == ["broker", "operation", "calls", "success %", "mean", "p50", "p95", "p99", "max"]
    assert line[:5] == ["kotak", "place_order", "2", "50.00", "20.00"]
    assert json.loads(succeed("latency", "--json"))[0]["count"] == 2
    assert succeed("latency", "--since", "30m") == "nothing found\n"


def test_the_log_is_shown_with_the_newest_last_and_nothing_moves_the_terminal(
    secrets: Settings,
) -> None:
    begin = clock.now() - timedelta(hours=1)
    with init_databases(secrets), get_write_session("logs") as tx:
        for number, level in enumerate(("INFO", "ERROR", "ERROR")):
            row = LINES | {"timestamp": begin + timedelta(minutes=number), "level": level}
            tx.run(Query.of(insert(application_logs).values(**row)))
    close_databases()
    head, *lines = cells(succeed("logs"))
    assert head == ["when", "level", "logger", "message"]
    assert [line[1] for line in lines] == ["INFO", "ERROR", "ERROR"]
    assert lines[0][3] == "no answer?from ?[31mus"
    assert len(cells(succeed("logs", "--level", "ERROR", "--limit", "1"))) == 2
    assert json.loads(succeed("logs", "--text", "NO ANSWER", "--json"))[-1]["level"] == "ERROR"
    assert succeed("logs", "--since", "30m") == "nothing found\n"
    assert succeed("logs", "--logger", "openalgo.o") == "nothing found\n"
    assert "--since" in fail("logs", "--since", "yesterday")


def test_a_user_who_is_not_there_is_one_line(secrets: Settings) -> None:
    for command in ("positions", "pnl"):
        assert fail(command, "nobody") == "error: there is no user nobody"
