"""openalgo-store load-symbols and token: what a load reports, and why one is refused."""

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.command import ROWS, counts, fail, status, succeed
from tests.support.settings import Urls


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
    assert "one of aliceblue, angel, " in fail("load-symbols", "nobody", "file.csv")
    assert list(here.iterdir()) == []


def test_token_prints_the_token_alone(empty_environment: Urls, files: tuple[Path, Path]) -> None:
    assert "openalgo-store init" in fail("token", "NIFTY", "NSE_INDEX", "zerodha")
    succeed("load-symbols", "zerodha", files[0])
    found = succeed("token", "NIFTY", "NSE_INDEX", "zerodha")
    assert f"{found.strip().split('::::')[0]}," in files[0].read_text()
    assert "::::" in found
    for absent in (("NIFTY", "NSE", "zerodha"), ("NIFTY", "NSE_INDEX", "nobody")):
        assert "not found" in fail("token", *absent)
