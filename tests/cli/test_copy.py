"""`openalgo-store copy` as a command."""

import os
from pathlib import Path

import pytest

from openalgo_store import Settings, Store, create_user, get_read_session, hash_password, use_store
from openalgo_store.cli.copying import settings_of
from openalgo_store.settings import variable_of
from tests.conftest import Urls
from tests.support.command import fail, run, succeed
from tests.support.faulty_rows import plant_faults
from tests.support.installation import fill, with_secrets
from tests.support.rows import ALL_NAMES


@pytest.fixture
def filled(environment: Urls) -> Settings:
    """The environment names an installation in which every table has rows."""
    settings = with_secrets(Settings.from_env(os.environ))
    with Store(settings) as store:
        fill(store)
    use_store(None)
    return settings


def names_in(url: str) -> list[str]:
    with Store(Settings(database_url=url)) as store, use_store(store), get_read_session() as tx:
        return tx.all(ALL_NAMES)


def test_a_database_is_copied_to_a_new_file(filled: Settings, here: Path) -> None:
    report = succeed("copy", "--to", "sqlite:///new/main.db").splitlines()
    assert report[0].startswith("main: ")
    assert report[0].endswith(" rows, copied and compared")
    assert [each.split() for each in report if each.startswith("  users ")] == [["users", "1"]]
    assert names_in("sqlite:///new/main.db") == ["asha"]
    assert [each.name for each in (here / "new").glob("*.db")] == ["main.db"]
    again = succeed("copy", "--to", "sqlite:///new/main.db").splitlines()[0]
    assert again.endswith(" rows, the same rows were there already")


def test_all_five_are_copied_where_a_file_of_settings_says(filled: Settings, here: Path) -> None:
    urls = {variable_of(name): f"sqlite:///new/{name}.db" for name in ("main", "logs")}
    lines = [f"{name}={url}" for name, url in urls.items()]
    (here / "new.env").write_text("\n".join(lines))
    report = succeed("copy", "--to", "new.env", "--database", "all")
    started = [each.partition(":")[0] for each in report.splitlines() if not each.startswith(" ")]
    assert started == ["main", "sandbox", "latency", "logs", "telegram"]
    assert sorted(each.name for each in (here / "databases").glob("*.db")) == [
        "latency.db", "openalgo_sandbox.db", "telegram.db",
    ]  # fmt: skip
    assert succeed("copy", "--from", "new.env", "--to", "sqlite:///third.db", "--database", "logs")


def test_other_settings_hold_for_what_is_named_on_the_command_line(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (here / "new.env").write_text("DB_LOCK_TIMEOUT=7")
    monkeypatch.setenv("DB_POOLER", "transaction")
    monkeypatch.setenv("DB_LOCK_TIMEOUT", "5")
    monkeypatch.setenv("LOGS_DATABASE_URL", "sqlite:///elsewhere.db")
    monkeypatch.setenv("READ_DATABASE_URL", "postgresql://replica/main")
    for place, timeout in (("sqlite:///new.db", 5), ("new.env", 7)):
        settings = settings_of("--to", place, ["main"])
        assert (settings.db_pooler, settings.db_lock_timeout) == ("transaction", timeout)
        assert "elsewhere" not in settings.logs_database_url
        assert settings.read_database_url == ""


def test_a_target_with_rows_is_refused_in_one_line_unless_they_may_go(filled: Settings) -> None:
    url = "sqlite:///new.db"
    succeed("copy", "--to", url)
    with Store(Settings(database_url=url)) as store, use_store(store):
        create_user("ravi", "ravi@example.org", hash_password("a long password"))
    assert fail("copy", "--to", url) == (
        "error: main: the target has rows of its own: name an empty database, or use --replace to "
        "delete them"
    )
    assert names_in(url) == ["asha", "ravi"]
    succeed("copy", "--to", url, "--replace")
    assert names_in(url) == ["asha"]


def test_bad_rows_are_lines_before_anything_is_written_and_of_a_file_when_left_out(
    filled: Settings, here: Path
) -> None:
    with Store(filled) as store:
        planted = plant_faults(store)
    use_store(None)
    found = run("copy", "--to", "sqlite:///new.db")
    assert found.exit_code == 1
    assert {f"{each.table} {each.row_id}: {each.what}" for each in planted} <= {
        *found.stdout.splitlines()
    }
    assert "rows break rules, and nothing was written" in found.stderr
    assert names_in("sqlite:///new.db") == []
    report = succeed("copy", "--to", "sqlite:///new.db", "--skip-bad", "bad.txt")
    assert (here / "bad.txt").read_text() == found.stdout
    rows = {line.partition(":")[0] for line in found.stdout.splitlines()}
    assert [each.split() for each in report.splitlines() if "left out" in each] == [
        ["left", "out", str(len(rows))]
    ]
    assert names_in("sqlite:///new.db") == ["asha"]


def test_what_cannot_be_copied_is_one_line(filled: Settings, here: Path) -> None:
    assert "--to names neither a URL nor a file" in fail("copy", "--to", "nothing.env")
    mistyped = fail("copy", "--to", "new.env", "--from", "postgresql:/u:top-secret@host/main")
    assert "--from names neither a URL nor a file" in mistyped
    assert "top-secret" not in mistyped
    assert "the store runs on sqlite" in fail("copy", "--to", "mysql://localhost/openalgo")
    assert "the main database of --from is not there or not up to date: look at its name" in fail(
        "copy", "--from", "sqlite:///absent.db", "--to", "sqlite:///new.db"
    )
    assert not (here / "absent.db").exists()
    assert not (here / "new.db").exists()
    nowhere = ["copy", "--to", "sqlite:///new.db", "--skip-bad", "absent/bad.txt"]
    assert "--skip-bad absent/bad.txt cannot be written" in fail(*nowhere)
    (here / "taken").write_text("")
    assert "taken/folder cannot be made" in fail("backup", "taken/folder")
    url = filled.url("main")
    assert "the source and the target are the same database" in fail("copy", "--to", url)
