"""Chance comes from one seed: the same in every run, fresh in a soak, and printed there."""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
OWN_SEED = re.compile(r"\bRandom\(|\bseed\(|default_rng\((?!chance_of)|derandomize|random\.\w+\(\)")
DRAW = "from tests.support.chance import chance_of; print(chance_of('a').random())"


def test_no_test_has_a_seed_of_its_own() -> None:
    for path in (ROOT / "tests").rglob("*.py"):
        if path not in (Path(__file__), ROOT / "tests" / "support" / "chance.py"):
            assert not OWN_SEED.search(path.read_text(encoding="utf-8")), path


def test_chance_repeats_itself_except_in_a_soak_and_there_with_its_seed() -> None:
    assert drawn() == drawn()
    assert drawn(OPENALGO_SOAK="1") != drawn(OPENALGO_SOAK="1")
    assert drawn(OPENALGO_TEST_SEED="7") == drawn(OPENALGO_SOAK="1", OPENALGO_TEST_SEED="7")


def test_a_soak_prints_the_seed_that_repeats_it() -> None:
    printed = run("-m", "pytest", "-q", "--collect-only", "tests/security", OPENALGO_SOAK="1")
    assert re.search(r"^OPENALGO_TEST_SEED=\d+$", printed, re.MULTILINE)


def test_a_soak_leaves_out_what_is_the_same_every_time() -> None:
    folders = ("tests/security", "tests/contract/trading", "tests/startup", "tests/engine")
    printed = run("-m", "pytest", "-q", "--collect-only", *folders, OPENALGO_SOAK="1")
    found = set(re.findall(r"/(test_\w+)\.py", printed))
    assert {"test_security", "test_books_model", "test_any_order", "test_startup"} <= found
    assert "test_interrupts" in found  # which counts for itself
    assert not found & {"test_hosts", "test_races", "test_holdings", "test_redaction"}


def test_a_soak_of_the_faults_leaves_none_out() -> None:
    whole = {"OPENALGO_SOAK": "1", "OPENALGO_TEST_ENGINES": "sqlite,postgresql"}
    printed = run("-m", "pytest", "-q", "--collect-only", "tests/faults", **whole)
    files = {path.stem for path in (ROOT / "tests" / "faults").glob("test_*.py")}
    assert set(re.findall(r"/(test_\w+)\.py", printed)) == files


def drawn(**variables: str) -> str:
    return run("-c", DRAW, **variables)


def run(*arguments: str, **variables: str) -> str:
    """What Python prints with these variables alone of those that steer chance."""
    environment = {
        k: v for k, v in os.environ.items() if k not in ("OPENALGO_SOAK", "OPENALGO_TEST_SEED")
    }
    done = subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=environment | variables,
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout
