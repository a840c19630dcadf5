"""python -m tests.both_engines ARGUMENTS: pytest on both engines at once, each with a core.

What they tell comes as it is told. The exit code is 1 where one has failed, or none had a test.
"""

import os
import subprocess
import sys

import pytest

from tests.support.chance import SEED

ENGINES = ("sqlite", "postgresql")


def main() -> int:
    """Start both, with one seed where there is one, and wait for both."""
    command = [sys.executable, "-m", "pytest", *sys.argv[1:]]
    seed = {"OPENALGO_TEST_SEED": SEED} if SEED else {}
    runs = [
        subprocess.Popen(command, env=os.environ | seed | {"OPENALGO_TEST_ENGINES": engine})
        for engine in ENGINES
    ]
    codes = {run.wait() for run in runs}
    return int(codes - {pytest.ExitCode.NO_TESTS_COLLECTED} != {pytest.ExitCode.OK})


if __name__ == "__main__":
    sys.exit(main())
