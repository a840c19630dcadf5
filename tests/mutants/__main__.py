"""`python -m tests.mutants [WORDS]`: all mistakes, or those named so; 1 when one is not noticed."""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

from .mutation import Mutation
from .mutations import MUTATIONS

ROOT = Path(__file__).resolve().parents[2]
COPIED = ("openalgo_store", "sql", "migrations", "tests", "pyproject.toml")
LIMIT = 300
"""Seconds for the tests of one mutation; the unchanged project gets three times as much."""
FAILED = re.compile(r"^(?:FAILED|ERROR) (\S+)", re.MULTILINE)


def main(words: list[str]) -> int:
    chosen = [each for each in MUTATIONS if all(word in each.name for word in words)]
    with tempfile.TemporaryDirectory(prefix="mutants") as folder:
        copy = Path(folder)
        copy_project(copy)
        for engine in sorted({engine for each in chosen for engine in each.engines}):
            names = {name for each in chosen if engine in each.engines for name in each.tests}
            if noticed := run_tests(copy, sorted(names), engine, LIMIT * 3):
                print(f"without any mistake, on {engine}: {noticed} fails")
                return 2
        survivors = [each.name for each in chosen if not is_killed(each, copy)]
    print(f"{len(chosen)} mistakes, {len(survivors)} of them not noticed", *survivors, sep="\n  ")
    return 1 if survivors or not chosen else 0


def is_killed(mutation: Mutation, copy: Path) -> bool:
    """Whether a test fails, on one of the engines, while the mistake is in the copy."""
    began = time.monotonic()
    file = copy / mutation.file
    source = file.read_text(encoding="utf-8")
    file.write_text(mutation.applied(source), encoding="utf-8")
    try:
        found = (run_tests(copy, mutation.tests, each, LIMIT) for each in mutation.engines)
        killer = next(filter(None, found), None)
    finally:
        file.write_text(source, encoding="utf-8")
    state = "noticed" if killer else "SURVIVES"
    print(f"{state:8} {time.monotonic() - began:5.1f} s  {mutation.name}")
    if killer:
        print(f"{'':18} {killer}", flush=True)
    return killer is not None


def run_tests(copy: Path, tests: Iterable[str], engine: str, limit: float) -> str | None:
    """The first test that fails in the copy, or None."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-rfE", "--tb=no", *tests]
    environment = os.environ | {
        "OPENALGO_TEST_ENGINES": engine,
        "PYTHONPATH": str(copy),
        "PYTHONDONTWRITEBYTECODE": "1",  # a mutation of the same length would find the old code
    }
    pytest = subprocess.Popen(
        command, cwd=copy, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, start_new_session=True,
    )  # fmt: skip
    try:
        output = pytest.communicate(timeout=limit)[0]
    except subprocess.TimeoutExpired:
        os.killpg(pytest.pid, signal.SIGKILL)
        pytest.communicate()
        return f"nothing: its tests did not end in {limit:g} s"
    if pytest.returncode not in (0, 1):
        raise RuntimeError(f"these tests cannot be run:\n{output}")
    return FAILED.findall(output)[0] if pytest.returncode else None


def copy_project(folder: Path) -> None:
    for name in COPIED:
        if (source := ROOT / name).is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
