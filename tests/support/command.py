"""The command as a test runs it: its result, its only line of an error."""

import json
import re
from typing import Any

from click.testing import CliRunner, Result

from openalgo_store.cli import main
from tests.support.waiting import DEADLINE

ROWS = 600
SECRETS = ["API_KEY_PEPPER", "TOKEN_ENCRYPTION_KEYS"]
AWAY = {
    "sqlite": "sqlite:////dev/null/away.db",
    "postgresql": "postgresql://u:top-secret@127.0.0.1:1/none",
}
STATUS = ["status", "--timeout", DEADLINE]
"""For a machine that does other things, too, and may take its time."""


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
    result = run(*STATUS, "--json")
    return result.exit_code, json.loads(result.stdout)


def counts(report: str) -> dict[str, int]:
    """The numbers of a report by their names."""
    found = re.findall(r"^  ([a-z]+) +([\d,]+)$", report, re.MULTILINE)
    return {name: int(number.replace(",", "")) for name, number in found}
