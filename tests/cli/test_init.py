"""openalgo-store init: databases, and secrets that are made once and shown to nobody."""

import re
import resource
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from openalgo_store import (
    ConfigurationError,
    Settings,
    close_databases,
    create_api_key,
    create_user,
    init_databases,
)
from openalgo_store.cli.new_secrets import write_missing_secrets
from openalgo_store.security.secrets import Secrets
from openalgo_store.settings import DATABASES
from openalgo_store.settings.env_file import read_env_file
from tests.support.command import AWAY, SECRETS, STATUS, fail, run, status, succeed
from tests.support.settings import Urls


def test_init_creates_the_databases_says_where_they_are_and_may_be_repeated(
    empty_environment: Urls,
) -> None:
    for first in (["secrets"], []):
        lines = succeed("init").splitlines()
        assert [line.split()[0] for line in lines] == [*first, *DATABASES]
    code, found = status()
    assert (code, found["ok"], found["problems"]) == (0, True, [])


def test_init_never_shows_a_password(environment: Urls) -> None:
    output = succeed("init") + succeed(*STATUS) + succeed(*STATUS, "--json")
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
    warnings = result.stderr.splitlines()
    assert warnings[0] == "warning: .env was open to others: its mode is now 600"
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.read_bytes().startswith(text.encode())
    added = path.read_bytes().removeprefix(text.encode()).decode().strip().splitlines()
    assert [line.partition("=")[0] for line in added] == SECRETS
    assert run("init").stderr.splitlines() == warnings[1:]


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
    engine_name: str, empty_environment: Urls, monkeypatch: pytest.MonkeyPatch
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


@pytest.mark.only("postgresql")
def test_init_and_status_warn_of_a_server_that_takes_no_writes(
    empty_environment: Urls, monkeypatch: pytest.MonkeyPatch
) -> None:
    succeed("init")
    url = empty_environment["main"]
    monkeypatch.setenv("DATABASE_URL", f"{url}?options=-c%20default_transaction_read_only%3Don")
    told = "is read-only, so writes will fail: name its primary"
    result = run("init")
    assert result.exit_code == 0
    assert re.search(f"^warning: DATABASE_URL: .* {told}", result.stderr, re.MULTILINE)
    assert result.stderr.count("read-only") == 1
    code, found = status()
    assert (code, len(found["warnings"])) == (0, 1)
    assert found["warnings"][0].startswith(f"main: it {told}")
