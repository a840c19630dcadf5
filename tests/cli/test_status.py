"""openalgo-store migrate and status: what is there, what is pending, what is away."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from openalgo_store import Settings, Store, create_api_key, use_store
from openalgo_store.settings import DATABASES
from tests.support.command import AWAY, ROWS, STATUS, fail, run, status, succeed
from tests.support.hanging import hanging_server
from tests.support.rows import new_user
from tests.support.settings import Urls


def test_migrate_says_what_was_applied_in_one_database_or_in_all(empty_environment: Urls) -> None:
    assert succeed("migrate", "--database", "logs").startswith("logs      logs-0001-initial")
    lines = succeed("migrate").splitlines()
    assert len(lines) == len(DATABASES)
    assert lines[0].startswith("main      main-0001-initial, ")
    assert "logs      nothing pending" in lines
    assert run("migrate", "--database", "nowhere").exit_code == 2


def test_status_reports_each_database_and_the_last_load(
    engine_name: str, environment: Urls, files: tuple[Path, Path]
) -> None:
    succeed("load-symbols", "zerodha", files[0])
    code, found = status()
    assert code == 0
    databases = {each["name"]: each for each in found["databases"]}
    assert list(databases) == list(DATABASES)
    for each in databases.values():
        assert (each["reachable"], each["state"]) == (True, "ok")
        assert each["round_trip_ms"] > 0
        assert each["size"]["data_bytes"] > 0
        assert set(each["pool"]) == {"in_use", "idle", "at_most"}
        assert each["engine"] == engine_name
        assert each["server_version"][0].isdigit()
        assert each["pending"] == []
    assert databases["main"]["rows"]["symbols"] == ROWS
    assert databases["main"]["rows"]["users"] == 0
    assert "latency_metrics" in databases["latency"]["rows"]
    (load,) = found["symbol_loads"]
    assert "rejected_rows" not in load
    assert (load["broker"], load["status"], load["inserted"]) == ("zerodha", "loaded", ROWS)
    assert found["caches"]["symbol_cache"]["hit_rate"] is None
    assert found["writers"]["latency"]["queued"] == 0
    assert found["epochs_age"] is None  # this process has answered nothing from memory
    text = succeed(*STATUS)
    assert f"symbols {ROWS}" in text
    assert "latency: 0 rows wait" in text
    assert text.endswith("everything is in order\n")


def test_status_names_what_is_pending_and_what_is_not_there(
    engine_name: str, empty_environment: Urls
) -> None:
    succeed("migrate", "--database", "main")
    result = run(*STATUS)
    assert result.exit_code == 1
    word = "does not exist" if engine_name == "sqlite" else "telegram-0001-initial"
    assert word in result.stdout
    assert "symbols 0" in result.stdout
    code, found = status()
    assert code == 1
    assert [each["name"] for each in found["databases"] if each["problem"]] == list(DATABASES[1:])


def test_a_database_that_answers_and_is_refused_is_not_called_out_of_reach(
    engine_name: str, environment: Urls, secrets: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Store(secrets) as store, use_store(store):
        create_api_key(new_user())
    monkeypatch.setenv("API_KEY_PEPPER", "another pepper, and a long one " * 2)
    result = run(*STATUS)
    assert result.exit_code == 1
    assert "NOT REACHABLE" not in result.stdout
    assert result.stdout.count("REFUSED") == 1
    assert "problem: main: API_KEY_PEPPER is not the one" in result.stdout
    code, found = status()
    assert code == 1
    assert [each["state"] for each in found["databases"]] == ["refused", "ok", "ok", "ok", "ok"]
    assert "a long one" not in result.stdout + json.dumps(found)


def test_a_report_fits_a_terminal_and_names_what_is_out_of_reach(
    engine_name: str, environment: Urls, monkeypatch: pytest.MonkeyPatch
) -> None:
    succeed("init")
    monkeypatch.setenv("TELEGRAM_DATABASE_URL", AWAY[engine_name])
    result = run(*STATUS)
    assert result.exit_code == 1
    assert result.stdout.count("NOT REACHABLE") == 1
    assert "\nproblem: telegram: " in result.stdout
    assert "in order" not in result.stdout
    assert not [line for line in result.stdout.splitlines() if len(line) > 100 and " " in line[10:]]


def test_the_command_ends_where_a_database_hangs(
    environment: Urls, monkeypatch: pytest.MonkeyPatch
) -> None:
    succeed("init")
    with hanging_server() as url:
        monkeypatch.setenv("LOGS_DATABASE_URL", url)
        command = [sys.executable, "-c", "from openalgo_store.cli import main; main()"]
        ended = subprocess.run(
            [*command, "status", "--json", "--timeout", "0.5"],
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
    assert ended.returncode == 1, ended.stderr
    problems = json.loads(ended.stdout)["problems"]
    assert [each for each in problems if each.startswith("logs: no answer for ")]


def test_status_creates_nothing(here: Path) -> None:
    assert run(*STATUS).exit_code == 1
    assert list(here.iterdir()) == []


def test_a_database_that_is_away_does_not_hide_the_others(
    engine_name: str, environment: Urls, files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    succeed("load-symbols", "zerodha", files[0])
    monkeypatch.setenv("LOGS_DATABASE_URL", AWAY[engine_name])
    code, found = status()
    assert code == 1
    reachable = {each["name"]: each["reachable"] for each in found["databases"]}
    assert [name for name in DATABASES if not reachable[name]] == ["logs"]
    assert found["problems"][0].startswith("logs: ")
    assert len(found["symbol_loads"]) == 1
    assert "top-secret" not in json.dumps(found)
    assert "top-secret" not in fail("init")


def test_a_replica_is_asked_too_but_the_daily_job_does_not_need_it(
    engine_name: str, environment: Urls, files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    succeed("init")
    monkeypatch.setenv("READ_DATABASE_URL", environment["main"])
    code, found = status()
    assert code == 0
    assert found["databases"][-1]["name"] == "replica"
    monkeypatch.setenv("READ_DATABASE_URL", AWAY[engine_name])
    code, found = status()
    assert code == 1
    assert [each["name"] for each in found["databases"] if each["problem"]] == ["replica"]
    succeed("load-symbols", "zerodha", files[0])
    succeed("token", "NIFTY", "NSE_INDEX", "zerodha")


def test_pools_larger_than_the_server_allows_are_a_warning_not_a_problem(
    engine_name: str, environment: Urls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DB_POOL_SIZE", "100000")
    result = run("init")
    assert result.exit_code == 0
    assert ("warning: the pools may ask" in result.stderr) == (engine_name == "postgresql")
    code, found = status()
    assert code == 0
    assert len(found["warnings"]) == (engine_name == "postgresql")
