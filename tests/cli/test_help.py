"""What each command says of itself."""

from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from openalgo_store.cli import main
from tests.support.command import run, succeed


def commands(command: click.Command, name: str = "") -> Iterator[str]:
    """The words of each command that does something."""
    if isinstance(command, click.Group):
        for word, each in command.commands.items():
            yield from commands(each, f"{name} {word}".strip())
    else:
        yield name


@pytest.mark.parametrize("name", list(commands(main)))
def test_the_help_of_a_command_has_an_example_of_it_and_opens_nothing(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert f"For example: openalgo-store {name}" in " ".join(
        succeed(*name.split(), "--help").split()
    )
    assert list(tmp_path.iterdir()) == []


def test_no_secret_can_be_given_on_the_command_line() -> None:
    def parameters(command: click.Command) -> Iterator[str]:
        yield from (each.name or "" for each in command.params)
        for each in command.commands.values() if isinstance(command, click.Group) else ():
            yield from parameters(each)

    assert not {each for each in parameters(main) if "password" in each or "secret" in each}


def test_a_shell_completes_commands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMP_WORDS", "openalgo-store api-k")
    monkeypatch.setenv("COMP_CWORD", "1")
    monkeypatch.setenv("_MAIN_COMPLETE", "bash_complete")
    assert "api-keys" in run().stdout
