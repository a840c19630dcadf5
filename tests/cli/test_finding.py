"""openalgo-store search and chain: tables of 80 columns, JSON, and nothing found."""

import json
from pathlib import Path
from typing import Any

import pytest

from openalgo_store.instruments.samples.generator import DAY, write_zerodha_file
from openalgo_store.values import clock
from tests.support.command import fail, run, succeed
from tests.support.settings import Urls
from tests.support.zerodha_rows import HEADER

EXPIRY = "2026-08-25"


@pytest.fixture(autouse=True)
def loaded(environment: Urls, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A small market, on the day of its file."""
    path = tmp_path / "day.csv"
    write_zerodha_file(path, 2_000)
    succeed("load-symbols", "zerodha", path)
    noon, _ = clock.day_bounds(DAY)
    monkeypatch.setattr(clock, "now", lambda: noon)


def test_a_search_is_a_table_of_80_columns_and_json_for_programs() -> None:
    table = succeed("search", "NIFTY 24500 ce", "--broker", "zerodha").splitlines()
    assert table[0].split() == ["symbol", "exchange", "expiry", "lot", "token"]
    assert table[1].split()[:4] == ["NIFTY18AUG2624500CE", "NFO", "2026-08-18", "65"]
    assert max(map(len, table)) <= 80
    assert succeed("search", "nifty", "24500", "CE", "--broker", "zerodha").splitlines() == table
    found: list[dict[str, Any]] = json.loads(
        succeed("search", "nifty 24500 ce", "--broker", "zerodha", "--json")
    )
    assert [each["symbol"] for each in found] == [line.split()[0] for line in table[1:]]
    assert found[0]["expiry"] == "2026-08-18"
    assert found[0]["strike"] == 24500.0


def test_a_search_takes_filters(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = ("--broker", "zerodha", "--json")
    kinds = ("--exchange", "NFO", "--type", "FUT", "--underlying", "NIFTY", "--expiry", EXPIRY)
    (only,) = json.loads(succeed("search", *asked, *kinds))
    assert only["symbol"] == "NIFTY25AUG26FUT"
    assert len(json.loads(succeed("search", "nifty", *asked))) == 20
    assert len(json.loads(succeed("search", "nifty", *asked, "--limit", 3))) == 3
    later, _ = clock.day_bounds(DAY.replace(year=DAY.year + 1))
    monkeypatch.setattr(clock, "now", lambda: later)
    assert run("search", *asked, *kinds).exit_code == 1
    said = run("search", "--broker", "zerodha", *kinds)
    assert (said.exit_code, said.stdout) == (
        1, "nothing found that has not expired: --expired shows what has\n",
    )  # fmt: skip
    said = run("search", "--broker", "zerodha", "no such name")
    assert (said.exit_code, said.stdout) == (1, "nothing found\n")
    assert json.loads(succeed("search", *asked, *kinds, "--expired")) == [only]


def test_a_long_symbol_is_cut_on_the_screen_alone(tmp_path: Path) -> None:
    path = tmp_path / "long.csv"
    write_zerodha_file(path, 500)
    name = "VERYLONG" * 8
    row = f"25600,100,{name},{name},0.0,,0.0,0.05,1,EQ,BSE,BSE\n"
    path.write_text(path.read_text() + row)
    succeed("load-symbols", "zerodha", path, "--force")
    table = succeed("search", "verylong", "--broker", "zerodha").splitlines()
    assert max(map(len, table)) <= 80
    assert ".." in table[1]
    (found,) = json.loads(succeed("search", "verylong", "--broker", "zerodha", "--json"))
    assert found["symbol"] == name


def test_nothing_found_is_said_by_the_exit_code_too() -> None:
    for words in (["search", "nothing"], ["chain", "NIFTY", "MCX", EXPIRY]):
        found = run(*words, "--broker", "zerodha")
        assert (found.exit_code, found.stdout, found.stderr) == (1, "nothing found\n", "")
    found = run("search", "nothing", "--broker", "zerodha", "--json")
    assert (found.exit_code, json.loads(found.stdout)) == (1, [])
    found = run("chain", "NIFTY", "MCX", EXPIRY, "--broker", "zerodha", "--json")
    assert (found.exit_code, json.loads(found.stdout)["strikes"]) == (1, [])


def test_a_chain_is_a_table_of_80_columns_and_json_for_programs() -> None:
    asked = ("chain", "NIFTY", "NFO", EXPIRY, "--broker", "zerodha", "--around", 24510)
    whole = succeed(*asked).splitlines()
    assert whole[0] == "NIFTY on NFO, 25 Aug 2026: lot 65, tick 0.05"
    assert max(map(len, whole)) <= 80
    (nearest,) = [line for line in whole if ">" in line]
    some = succeed(*asked, "--strikes", 2).splitlines()
    assert len(some) == 2 + 5
    assert some[4] == nearest
    found = json.loads(succeed(*asked, "--strikes", 2, "--json"))
    middle = found["strikes"][2]
    assert (middle["strike"], middle["is_nearest"]) == (24500.0, True)
    call, mark, strike, put = nearest.split()
    assert (call, put) == (middle["call"]["token"], middle["put"]["token"])
    assert (mark, strike, found["expiry"]) == (">", "24500", EXPIRY)


def test_a_strike_is_shown_with_all_its_digits(tmp_path: Path) -> None:
    rows = "1280,5,MRF26AUG142512.75CE,MRF,0,2026-08-25,142512.75,0.05,5,CE,NFO-OPT,NFO\n"
    (tmp_path / "one.csv").write_text(HEADER + rows)
    succeed("load-symbols", "zerodha", tmp_path / "one.csv", "--force")
    assert " 142512.75 " in succeed("chain", "MRF", "NFO", EXPIRY, "--broker", "zerodha")


def test_what_cannot_be_asked_is_one_line() -> None:
    broker = ("--broker", "zerodha")
    assert "write it as 2026-08-25" in fail("chain", "NIFTY", "NFO", "25-08-2026", *broker)
    assert "write it as 2026-08-25" in fail("search", "x", "--expiry", "soon", *broker)
    assert "the query is empty" in fail("search", *broker)
    assert "give around as well" in fail("chain", "A", "NFO", EXPIRY, "--strikes", 2, *broker)
