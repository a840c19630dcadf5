"""`openalgo-store backup` and `restore` as commands."""

import json
from pathlib import Path

import pytest

from openalgo_store import Settings, Store
from openalgo_store.settings import DATABASES
from tests.support.command import fail, run, succeed
from tests.support.faulty_rows import plant_faults
from tests.support.installation import fill, with_secrets


def test_a_backup_is_made_and_restored(secrets: Settings, here: Path) -> None:
    with Store(with_secrets(secrets)) as store:
        fill(store)
    shown = succeed("backup", "saved").splitlines()
    assert [line.split()[0] for line in shown] == list(DATABASES)
    assert shown[0].endswith("rows in saved/main.db")
    listed = json.loads((here / "saved" / "manifest.json").read_text())
    assert listed["databases"]["main"]["rows"]["users"] == 1
    assert listed["databases"]["main"]["schema"].startswith("main-")
    variables = [
        f"{'' if n == 'main' else n.upper() + '_'}DATABASE_URL=sqlite:///new/{n}.db"
        for n in DATABASES
    ]
    (here / "new.env").write_text("\n".join(variables))
    report = succeed("restore", "saved", "--to", "new.env").splitlines()
    assert [line for line in report if line.endswith(", copied and compared")] == [
        line for line in report if not line.startswith(" ")
    ]
    again = succeed("restore", "saved", "--to", "sqlite:///new/main.db", "--database", "main")
    assert "the same rows were there already" in again
    assert "saved is not empty: name a new folder" in fail("backup", "saved")
    assert "absent is no backup" in fail("restore", "absent")


@pytest.mark.only("postgresql")
def test_rows_that_cannot_be_saved_are_named_and_the_exit_code_is_1(secrets: Settings) -> None:
    with Store(with_secrets(secrets)) as store:
        fill(store)
        planted = plant_faults(store)
    done = run("backup", "saved", "--database", "main")
    assert done.exit_code == 1
    lines = {f"left out: {each.table} {each.row_id}: {each.what}" for each in planted}
    assert lines <= {*done.stderr.splitlines()}
    assert succeed("restore", "saved", "--to", "sqlite:///new.db", "--database", "main")


@pytest.mark.only("sqlite")
def test_bad_rows_of_a_file_are_saved_and_left_out_only_where_that_is_said(
    secrets: Settings, here: Path
) -> None:
    with Store(with_secrets(secrets)) as store:
        fill(store)
        planted = plant_faults(store)
    succeed("backup", "saved", "--database", "main")
    assert "copy the others with --skip-bad FILE" in fail(
        "restore", "saved", "--to", "sqlite:///a.db"
    )
    succeed("restore", "saved", "--to", "sqlite:///b.db", "--skip-bad", "bad.txt")
    lines = {f"{each.table} {each.row_id}: {each.what}" for each in planted}
    assert lines <= {*(here / "bad.txt").read_text().splitlines()}
