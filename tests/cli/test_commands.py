"""openalgo-store, the command: what it prints, its exit codes, and that errors are one line."""

import gzip
import json
import os
import re
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from cryptography.fernet import Fernet

from openalgo_store import (
    ConfigurationError,
    Settings,
    close_databases,
    create_api_key,
    create_user,
    get_auth_token,
    get_user_by_api_key,
    get_write_session,
    init_databases,
    revoke_api_key,
    save_auth_token,
)
from openalgo_store.cli import main
from openalgo_store.cli.env_file import read_env_file
from openalgo_store.cli.new_secrets import write_missing_secrets
from openalgo_store.cli.report import progress_of
from openalgo_store.instruments.samples.generator import write_next_day, write_zerodha_file
from openalgo_store.security.secrets import Secrets
from openalgo_store.settings import DATABASES, variable_of
from tests.conftest import Urls
from tests.support.rows import add_user

ROWS = 600
SECRETS = ["API_KEY_PEPPER", "TOKEN_ENCRYPTION_KEYS"]
AWAY = {
    "sqlite": "sqlite:////dev/null/away.db",
    "postgresql": "postgresql://u:top-secret@127.0.0.1:1/none",
}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder, and no variable of ours in the environment."""
    for name in [*map(variable_of, DATABASES), "READ_DATABASE_URL", *SECRETS]:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DB_POOL_SIZE", "5")
    monkeypatch.setenv("DB_MAX_OVERFLOW", "0")
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def environment(here: Path, fresh_urls: Urls, monkeypatch: pytest.MonkeyPatch) -> Urls:
    """The environment names five empty databases."""
    for name, url in fresh_urls.items():
        monkeypatch.setenv(variable_of(name), url)
    return fresh_urls


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(each) for each in arguments])


def succeed(*arguments: object) -> str:
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


def fail(*arguments: object) -> str:
    """The error, which must be one line on standard error."""
    result = run(*arguments)
    assert result.exit_code == 1, result.output
    assert isinstance(result.exception, SystemExit)
    lines = result.stderr.splitlines()
    assert len(lines) == 1, result.output
    assert lines[0].startswith("error: ")
    return lines[0]


def status() -> tuple[int, dict[str, Any]]:
    result = run("status", "--json")
    return result.exit_code, json.loads(result.stdout)


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """The instrument files of two days."""
    day, next_day = tmp_path / "day.csv", tmp_path / "next.csv.gz"
    write_zerodha_file(day, ROWS)
    write_next_day(next_day, ROWS)
    return day, next_day


def test_init_creates_the_databases_says_where_they_are_and_may_be_repeated(
    environment: Urls,
) -> None:
    for first in (["secrets"], []):
        lines = succeed("init").splitlines()
        assert [line.split()[0] for line in lines] == [*first, *DATABASES]
    code, found = status()
    assert (code, found["ok"], found["problems"]) == (0, True, [])


def test_init_never_shows_a_password(environment: Urls) -> None:
    output = succeed("init") + succeed("status") + succeed("status", "--json")
    for url in environment.values():
        password = url.partition("//")[2].partition("@")[0].partition(":")[2]
        assert not password or f":{password}@" not in output


def test_init_makes_the_secrets_once_for_their_owner_and_shows_none(environment: Urls) -> None:
    output = succeed("init")
    assert f"{', '.join(SECRETS)}: new, written to {Path('.env').resolve()}" in output
    path = Path(".env")
    written = path.read_bytes()
    made = read_env_file(path)
    assert list(made) == SECRETS
    assert path.stat().st_mode & 0o777 == 0o600
    assert not [secret for secret in made.values() if secret in output]
    assert "new, written" not in succeed("init")
    assert path.read_bytes() == written
    secrets = Secrets(Settings.from_env(made))
    assert len(secrets.digest("key")) == 64
    assert len(secrets.cipher.key_ids) == 1


@pytest.mark.parametrize("text", ["# mine\nDB_POOL_SIZE=4", "A=1\r\n", "API_KEY_PEPPER=\n"])
def test_init_only_appends_to_an_env_file(here: Path, text: str) -> None:
    path = here / ".env"
    path.write_bytes(text.encode())
    path.chmod(0o640)
    result = run("init")
    assert result.stderr == "warning: .env was open to others: its mode is now 600\n"
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.read_bytes().startswith(text.encode())
    added = path.read_bytes().removeprefix(text.encode()).decode().strip().splitlines()
    assert [line.partition("=")[0] for line in added] == SECRETS
    assert run("init").stderr == ""


def test_init_leaves_a_secret_alone_that_is_set_in_the_file_or_in_the_environment(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = here / ".env"
    pepper = f"API_KEY_PEPPER={'p' * 40}\n"
    path.write_text(pepper)
    path.chmod(0o644)
    monkeypatch.setenv("TOKEN_ENCRYPTION_KEYS", Fernet.generate_key().decode())
    result = run("init")
    assert (result.exit_code, result.stderr) == (0, "")
    assert path.read_text() == pepper
    assert path.stat().st_mode & 0o777 == 0o644
    monkeypatch.delenv("TOKEN_ENCRYPTION_KEYS")
    assert "TOKEN_ENCRYPTION_KEYS: new" in succeed("init")
    assert list(read_env_file(path)) == SECRETS


def test_init_refuses_a_blank_secret_that_hides_the_file(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("API_KEY_PEPPER", " ")
    assert "API_KEY_PEPPER is blank in the environment" in fail("init")
    assert not (here / ".env").exists()


def test_init_that_fails_writes_no_secret(
    engine_name: str, environment: Urls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOGS_DATABASE_URL", AWAY[engine_name])
    fail("init")
    assert not Path(".env").exists()


def test_init_writes_no_secret_into_a_device(here: Path) -> None:
    (here / ".env").symlink_to("/dev/null")
    before = Path("/dev/null").stat().st_mode
    assert "a device or a pipe" in fail("init")
    assert Path("/dev/null").stat().st_mode == before


def test_a_full_disk_leaves_no_half_of_a_secret(here: Path) -> None:
    text = "A=1"
    (here / ".env").write_text(text)
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(text) + 30, hard))
    try:
        with pytest.raises(ConfigurationError, match=r"cannot be written to .*\.env"):
            write_missing_secrets(here / ".env", {})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
        signal.signal(signal.SIGXFSZ, ignored)
    assert (here / ".env").read_text() == text


def test_processes_that_start_at_once_agree_on_the_secrets(here: Path) -> None:
    path = here / ".env"
    barrier = threading.Barrier(8)

    def write() -> list[str]:
        barrier.wait()
        return write_missing_secrets(path, {})[0]

    with ThreadPoolExecutor(8) as pool:
        written = [each.result() for each in [pool.submit(write) for _ in range(8)]]
    assert sorted(written) == [[]] * 7 + [SECRETS]
    assert [line.partition("=")[0] for line in path.read_text().splitlines()] == SECRETS


def test_migrate_says_what_was_applied_in_one_database_or_in_all(environment: Urls) -> None:
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
        assert each["reachable"]
        assert each["engine"] == engine_name
        assert each["server_version"][0].isdigit()
        assert each["pending"] == []
    assert databases["main"]["rows"]["symbols"] == ROWS
    assert databases["main"]["rows"]["users"] == 0
    assert "latency_metrics" in databases["latency"]["rows"]
    (load,) = found["symbol_loads"]
    assert "rejected_rows" not in load
    assert (load["broker"], load["status"], load["inserted"]) == ("zerodha", "loaded", ROWS)
    text = succeed("status")
    assert f"symbols {ROWS}" in text
    assert text.endswith("everything is in order\n")


def test_status_names_what_is_pending_and_what_is_not_there(
    engine_name: str, environment: Urls
) -> None:
    succeed("migrate", "--database", "main")
    result = run("status")
    assert result.exit_code == 1
    word = "does not exist" if engine_name == "sqlite" else "telegram-0001-initial"
    assert word in result.stdout
    assert "symbols 0" in result.stdout
    code, found = status()
    assert code == 1
    assert [each["name"] for each in found["databases"] if each["problem"]] == list(DATABASES[1:])


def test_status_creates_nothing(here: Path) -> None:
    assert run("status").exit_code == 1
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


def test_load_symbols_reports_what_changed(environment: Urls, files: tuple[Path, Path]) -> None:
    first = succeed("load-symbols", "zerodha", files[0])
    assert first.startswith(f"zerodha: {ROWS} rows in ")
    nothing = dict.fromkeys(("updated", "deleted", "unchanged", "rejected"), 0)
    assert counts(first) == {"inserted": ROWS} | nothing
    second = succeed("load-symbols", "zerodha", files[1])
    changed, new = ROWS * 3 // 100, ROWS // 100
    assert counts(second) == {
        "inserted": new,
        "updated": changed,
        "deleted": new,
        "unchanged": ROWS - changed - new,
        "rejected": 5,
    }
    assert "1  lot_size is negative" in second
    assert second.count("    line ") == 5
    assert "\x1b" not in first + second, "colours are for terminals"


def counts(report: str) -> dict[str, int]:
    """The numbers of a report by their names."""
    found = re.findall(r"^  ([a-z]+) +([\d,]+)$", report, re.MULTILINE)
    return {name: int(number.replace(",", "")) for name, number in found}


def test_a_refused_load_is_one_line_and_a_problem_of_the_status(
    environment: Urls, files: tuple[Path, Path], tmp_path: Path
) -> None:
    succeed("load-symbols", "zerodha", files[0])
    stub = tmp_path / "stub.csv"
    stub.write_text("".join(files[0].read_text().splitlines(keepends=True)[: ROWS // 3]))
    assert "less than half" in fail("load-symbols", "zerodha", stub)
    code, found = status()
    assert code == 1
    assert "the last load of zerodha was refused" in found["problems"][0]
    assert found["databases"][0]["rows"]["symbols"] == ROWS
    succeed("load-symbols", "zerodha", stub, "--force")
    assert status()[0] == 0


BAD_FILES: list[tuple[str, Callable[[Path, bytes], object], str]] = [
    ("html", lambda path, _: path.write_text("<!DOCTYPE html>\n<html>"), "HTML page"),
    ("json", lambda path, _: path.write_text('{"status": "error"}'), "this is JSON"),
    ("cut gzip", lambda path, whole: path.write_bytes(whole[:-200]), "cut off or damaged"),
    ("missing", lambda path, _: None, "No such file"),
    ("empty", lambda path, _: path.write_text(""), "is empty"),
    ("foreign", lambda path, _: path.write_text("a,b\n1,2\n"), "not an instrument file"),
    ("folder", lambda path, _: path.mkdir(), "cannot be read"),
]


@pytest.mark.parametrize(
    ("make", "message"), [row[1:] for row in BAD_FILES], ids=[row[0] for row in BAD_FILES]
)
def test_a_file_that_cannot_be_read_is_refused_and_recorded(
    environment: Urls,
    files: tuple[Path, Path],
    tmp_path: Path,
    make: Callable[[Path, bytes], object],
    message: str,
) -> None:
    succeed("load-symbols", "zerodha", files[0])
    path = tmp_path / "bad.csv"
    make(path, gzip.compress(files[0].read_bytes()))
    error = fail("load-symbols", "zerodha", path)
    assert message in error
    assert "bad.csv" in error
    found = status()[1]
    assert message in found["symbol_loads"][0]["error"]
    assert found["databases"][0]["rows"]["symbols"] == ROWS


def test_an_unknown_broker_is_refused_before_anything_is_created(here: Path) -> None:
    assert "one of zerodha" in fail("load-symbols", "nobody", "file.csv")
    assert list(here.iterdir()) == []


def test_token_prints_the_token_alone(environment: Urls, files: tuple[Path, Path]) -> None:
    assert "openalgo-store init" in fail("token", "NIFTY", "NSE_INDEX", "zerodha")
    succeed("load-symbols", "zerodha", files[0])
    found = succeed("token", "NIFTY", "NSE_INDEX", "zerodha")
    assert f"{found.strip().split('::::')[0]}," in files[0].read_text()
    assert "::::" in found
    for absent in (("NIFTY", "NSE", "zerodha"), ("NIFTY", "NSE_INDEX", "nobody")):
        assert "not found" in fail("token", *absent)


def test_the_env_file_of_the_folder_counts_and_the_environment_more(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [f"{variable_of(name)}=sqlite:///from_file/{name}.db" for name in DATABASES]
    (here / ".env").write_text("\n".join(lines))
    succeed("init")
    assert len(list((here / "from_file").glob("*.db"))) == 5
    monkeypatch.setenv("LOGS_DATABASE_URL", "sqlite:///from_environment/logs.db")
    succeed("init")
    assert (here / "from_environment" / "logs.db").exists()
    assert not (here / "databases").exists()


def test_the_library_does_not_read_the_env_file(here: Path) -> None:
    (here / ".env").write_text("DATABASE_URL=sqlite:///from_file/main.db")
    code = "import openalgo_store; openalgo_store.init_databases()"
    subprocess.run([sys.executable, "-c", code], check=True)
    assert (here / "databases" / "openalgo.db").exists()
    assert not (here / "from_file").exists()


def test_a_malformed_env_file_is_refused_without_showing_its_text(here: Path) -> None:
    (here / ".env").write_text("# keys\nAPI_KEY_PEPPER=x\ntop secret\n")
    assert fail("status") == "error: .env, line 3: write KEY=VALUE, closing every quote"


def test_a_setting_that_cannot_work_is_one_line(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DB_POOL_SIZE", "many")
    for command in ("init", "migrate", "status"):
        assert "DB_POOL_SIZE" in fail(command)


@pytest.fixture
def secrets(environment: Urls, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The environment names the secrets as well, and the databases are there."""
    monkeypatch.setenv("API_KEY_PEPPER", "p" * 40)
    monkeypatch.setenv("TOKEN_ENCRYPTION_KEYS", Fernet.generate_key().decode())
    succeed("init")
    return Settings.from_env(os.environ)


def test_api_keys_lists_the_active_ones_and_shows_no_key(secrets: Settings) -> None:
    assert succeed("api-keys") == "there are no active API keys\n"
    init_databases(secrets)
    asha, binod = (
        create_user(name, f"{name}@example.org", "$argon2-none").id for name in ("asha", "binod")
    )
    bot, old, other = (
        create_api_key(user_id, name)
        for user_id, name in ((asha, "bot\x1b[31m"), (asha, "old"), (binod, None))
    )
    revoke_api_key(old.id)
    get_user_by_api_key(bot.api_key)
    close_databases()
    shown = succeed("api-keys")
    head, *lines = (re.split("  +", line) for line in shown.splitlines())
    assert head == ["id", "user", "name", "ends in", "created", "last used"]
    assert [line[:4] for line in lines] == [
        [str(bot.id), "asha", "bot?[31m", bot.hint],
        [str(other.id), "binod", other.hint, lines[1][3]],
    ]
    assert lines[0][-1].endswith("IST")
    assert lines[1][-1] == "never"
    for issued in (bot, old, other):
        assert issued.api_key[:-4] not in shown
        assert Secrets(secrets).digest(issued.api_key) not in shown


def test_api_keys_lists_those_of_every_user(secrets: Settings) -> None:
    init_databases(secrets)
    with get_write_session() as tx:
        for number in range(1_001):
            add_user(tx, f"user{number}")
    issued = create_api_key(1_001)
    close_databases()
    assert re.search(rf"{issued.id} +user1000 ", succeed("api-keys"))


def test_api_keys_needs_no_pepper(secrets: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("API_KEY_PEPPER")
    assert succeed("api-keys") == "there are no active API keys\n"


def test_rotate_keys_says_how_many_rows_and_may_be_repeated(
    secrets: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    init_databases(secrets)
    user = create_user("asha", "asha@example.org", "$argon2-none")
    for broker in ("angel", "zerodha"):
        save_auth_token(user.id, broker, "opensesame")
    close_databases()
    old, new = secrets.token_encryption_keys, Fernet.generate_key().decode()
    monkeypatch.setenv("TOKEN_ENCRYPTION_KEYS", f"{new},{old}")
    assert succeed("rotate-keys") == "2 rows encrypted with the newest key\n"
    assert succeed("rotate-keys") == "0 rows encrypted with the newest key\n"
    monkeypatch.setenv("TOKEN_ENCRYPTION_KEYS", new)
    init_databases(Settings.from_env(os.environ))
    opened = get_auth_token(user.id, "zerodha")
    close_databases()
    assert opened is not None
    assert opened.access_token == "opensesame"
    monkeypatch.setenv("TOKEN_ENCRYPTION_KEYS", old)
    assert "no key in TOKEN_ENCRYPTION_KEYS opens this database" in fail("rotate-keys")


def test_init_makes_no_other_secrets_for_a_database_that_has_its_own(
    secrets: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    init_databases(secrets)
    create_api_key(create_user("asha", "asha@example.org", "$argon2-none").id)
    close_databases()
    monkeypatch.delenv("API_KEY_PEPPER")
    assert "this database was made with one before: put that one back" in fail("init")
    assert not Path(".env").exists()
    monkeypatch.setenv("API_KEY_PEPPER", "q" * 40)
    assert "API_KEY_PEPPER is not the one this database was made with" in fail("init")


ENV_LINES = [
    ("A=1", "1"),
    ("  export A = 1  ", "1"),
    ("A=", ""),
    ("A=one two # three", "one two"),
    ("A= # nothing", ""),
    ("A=abc=#def", "abc=#def"),
    ("A=one#two", "one#two"),
    ("A=it's", "it's"),
    ("A='#one $two \\n' # three", "#one $two \\n"),
    ('A="one # two\\n\\"three\\" \\\\"', 'one # two\n"three" \\'),
    ("A=postgresql://u:p#w@h/d?sslmode=require", "postgresql://u:p#w@h/d?sslmode=require"),
    ("A=1\r", "1"),
    ("A=1\nA=2", "2"),
    ("\ufeff# comment\n\nA=1", "1"),
]


@pytest.mark.parametrize(("text", "value"), ENV_LINES)
def test_an_env_line_has_this_value(tmp_path: Path, text: str, value: str) -> None:
    path = tmp_path / ".env"
    path.write_bytes(text.encode())
    assert read_env_file(path) == {"A": value}


@pytest.mark.parametrize(
    "line", ["A", "=1", "1A=1", "A-B=1", "A='1", 'A="1', "A='1'2", 'A="1" 2', "export", "A B=1"]
)
def test_such_an_env_line_is_refused(tmp_path: Path, line: str) -> None:
    path = tmp_path / ".env"
    path.write_text(f"\n{line}\n")
    with pytest.raises(ConfigurationError, match=r"\.env, line 2: write KEY=VALUE"):
        read_env_file(path)


def test_an_env_file_that_is_absent_is_empty_and_one_that_is_no_text_is_refused(
    tmp_path: Path,
) -> None:
    path = tmp_path / ".env"
    assert read_env_file(path) == {}
    path.write_bytes(b"A=\xff\xfe")
    with pytest.raises(ConfigurationError, match="UTF-8"):
        read_env_file(path)


def test_progress_is_shown_on_a_terminal_only(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with progress_of(range(10), None) as rows:
        assert sum(rows) == 45
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("FORCE_COLOR", "1")
    with progress_of(range(10), 10) as rows:
        assert sum(rows) == 45
    assert "10/10" in capsys.readouterr().err


def test_the_demo_shows_two_loads_and_lookups_and_may_be_repeated(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    for _ in range(2):
        output = succeed("demo", "--rows", "2000")
        first, second = (counts(part) for part in output.split("The next day's file"))
        assert first["inserted"] == 2000
        assert second == {
            "inserted": 20,
            "updated": 60,
            "deleted": 20,
            "unchanged": 1920,
            "rejected": 5,
        }
        assert "NIFTY25AUG26FUT: token " in output
        assert "a cached get_symbol_token: " in output
        assert "    None" not in output
    made = here / "openalgo-demo"
    assert [each.name for each in here.iterdir()] == [made.name]
    assert len(list((made / "databases").glob("*.db"))) == 5
    assert len(list(made.glob("zerodha-*.csv.gz"))) == 2


def test_the_demo_refuses_a_folder_that_is_not_its_own(here: Path) -> None:
    precious = here / "precious"
    precious.mkdir()
    (precious / "file").write_text("mine")
    assert "not of a demo" in fail("demo", "--rows", "500", "--folder", precious)
    assert [each.name for each in precious.iterdir()] == ["file"]
    assert "cannot be used" in fail("demo", "--folder", precious / "file")
    assert "500 or more" in fail("demo", "--rows", "10")


def test_the_command_works_as_a_process_and_where_only_ascii_can_be_printed(here: Path) -> None:
    command = Path(sys.executable).with_name("openalgo-store")
    ascii_only = {**os.environ, "PYTHONIOENCODING": "ascii"}
    for arguments in (["demo", "--rows", "500", "--folder", "démo"], ["init"], ["status"]):
        done = subprocess.run(
            [command, *arguments], env=ascii_only, capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, "")
    done = subprocess.run(
        [command, "token", "NOTHING", "NSE", "zerodha"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "error: NOTHING on NSE of zerodha: not found\n"
