"""The documentation is true: its examples run, its lists are complete, its links lead somewhere."""

import doctest
import inspect
import logging
import re
import shlex
from dataclasses import fields, replace
from datetime import time
from pathlib import Path
from secrets import token_urlsafe
from typing import get_args
from unittest.mock import patch

import pytest
from click import Command, Context, Group
from cryptography.fernet import Fernet

import openalgo_store
from openalgo_store import (
    ConfigurationError,
    Settings,
    Store,
    close_databases,
    create_api_key,
    create_user,
    errors,
    get_auth_token,
    get_user_by_api_key,
    get_write_session,
    init_databases,
    records,
    save_auth_token,
    use_store,
)
from openalgo_store.cli import main
from openalgo_store.instruments import READERS
from openalgo_store.schema.migrate import pending_migrations
from openalgo_store.settings import DATABASES, variable_of
from tests.programs.migrations import run_yoyo
from tests.support.forked import Program
from tests.support.settings import Urls

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
DOCS = ROOT / "docs"
ARCHITECTURE = DOCS / "architecture.md"
AREAS = openalgo_store._AREAS
PAGES = [README, ROOT / "sql" / "README.md", *sorted(DOCS.rglob("*.md"))]
TITLED = r'(?ms)^```{} title="{}"\n(.*?)^```$'
"""A block that says where it belongs."""
NEW_DATABASES = {README, DOCS / "tour.md"}
"""Pages that begin with empty databases, as their reader does; the others find the tables made."""
COMMANDS = (
    "python3 -m venv .venv && .venv/bin/pip install --quiet . && .venv/bin/openalgo-store demo",
    "python3 -m venv .venv && .venv/bin/pip install --quiet tox tox-uv && "
    ".venv/bin/tox run-parallel -p 2 -e lint,type,py311-sqlite,py311-postgres",
)


def blocks(page: Path, language: str) -> list[str]:
    """The fenced blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)


def section(page: Path, title: str) -> str:
    return page.read_text().partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def before_sections(page: Path) -> str:
    return page.read_text().partition("\n## ")[0]


def test_functions_that_take_no_session_are_named_in_the_architecture() -> None:
    idiom = section(ARCHITECTURE, "One idiom").partition("```")[0]
    areas = {name: getattr(openalgo_store, name) for each in AREAS for name in each.__all__}
    functions = {name: each for name, each in areas.items() if inspect.isfunction(each)}
    without = {
        name for name, each in functions.items() if "tx" not in inspect.signature(each).parameters
    }
    assert set(re.findall(r"`(\w+)`", idiom)) - {"tx"} == without


def test_folders_of_tests_are_named_in_the_architecture() -> None:
    folders = {each.parent.name for each in (ROOT / "tests").glob("*/__init__.py")}
    (row,) = re.findall(r"^\| `tests/` \|.*$", ARCHITECTURE.read_text(), re.MULTILINE)
    assert {name for name in folders if f"`{name}/" not in row} == set()


def table(text: str) -> list[list[str]]:
    """The cells of a table's rows, without backticks, without its head."""
    rows = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip().strip("`") for cell in row] for row in rows[2:]]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_examples_of_a_page_run(
    page: Path,
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    engine_name: str,
) -> None:
    begins_with = "settings" if page in NEW_DATABASES else "migrated_settings"
    found: Settings = request.getfixturevalue(begins_with)
    monkeypatch.chdir(tmp_path)
    for name in DATABASES:
        monkeypatch.setenv(variable_of(name), found.url(name))
    source = "".join(each for each in blocks(page, "python") if ">>>" in each)
    examples = doctest.DocTestParser().get_doctest(source, {}, page.name, str(page), 0)
    assert len(examples.examples) == page.read_text().count("\n>>> ")
    said: list[str] = []
    try:
        with patch.dict(READERS):  # a reader that a page registers is none of other tests
            failed = doctest.DocTestRunner().run(examples, out=said.append).failed
    finally:
        close_databases()
        logging.getLogger("openalgo_store.statements").setLevel(logging.NOTSET)
    assert failed == 0, "".join(said)


def test_every_python_block_is_an_example_that_runs() -> None:
    """But for those with a title: quotations, and what tests of their own take from a page."""
    for page in PAGES:
        for block in blocks(page, "python"):
            assert block.startswith(">>> "), block


def test_every_page_is_in_the_navigation_once() -> None:
    nav = (ROOT / "mkdocs.yml").read_text().partition("\nnav:\n")[2]
    pages = sorted(str(path.relative_to(DOCS)) for path in DOCS.rglob("*.md"))
    assert sorted(re.findall(r"[\w/-]+\.md", nav)) == pages


def test_what_a_page_quotes_stands_in_the_file() -> None:
    for page in PAGES:
        for path, quoted in re.findall(TITLED.format("python", "as in (.*?)"), page.read_text()):
            lines = iter((ROOT / path).read_text().splitlines())
            lost = [line for line in quoted.splitlines() if line and line not in lines]
            assert lost == [], f"{page.name}: {path} has changed"


def test_the_two_commands_stand_in_the_readme_word_for_word() -> None:
    found = [block.strip() for block in blocks(README, "sh")]
    assert found[:2] == list(COMMANDS)


def test_the_settings_are_documented_with_their_defaults() -> None:
    documented = {row[0]: row[1] for row in table(before_sections(DOCS / "settings.md"))}
    actual = {}
    for each in fields(Settings):
        default = f"{each.default:%H:%M}" if isinstance(each.default, time) else str(each.default)
        actual[each.name.upper()] = "none" if default in ("", "None") else default
    assert documented == actual


def test_every_public_name_stands_in_the_reference_once() -> None:
    pages = {path.stem: references(path) for path in (DOCS / "reference").glob("*.md")}
    pages["errors"] = references(DOCS / "errors.md")
    listed = sorted(name for names in pages.values() for name in names)
    assert listed == sorted(set(openalgo_store.__all__)), (
        "a line ::: openalgo_store.NAME is missing"
    )
    own_pages = {"errors": errors} | {each.__name__.rpartition(".")[2]: each for each in AREAS}
    for name, area in own_pages.items():
        assert set(pages[name]) == set(area.__all__), f"{name}.md has the names of another area"


def references(page: Path) -> list[str]:
    """The names whose docstrings a page of the site shows."""
    return re.findall(r"^::: openalgo_store\.(\w+)$", page.read_text(), re.MULTILINE)


def test_the_words_of_the_trading_columns_are_documented() -> None:
    words = table(section(DOCS / "reference" / "trading.md", "Words"))
    documented = {name: tuple(re.findall(r"[\w-]+", listed)) for name, listed in words}
    named = {name: get_args(each) for name, each in vars(records.trading).items()}
    assert documented == {name: each for name, each in named.items() if each}


def test_the_errors_are_documented() -> None:
    documented = {row[0] for row in table(before_sections(DOCS / "errors.md"))}
    assert documented == set(errors.__all__) - {"StoreError"}


def test_the_commands_are_documented() -> None:
    assert isinstance(main, Group)
    documented = {row[0].split()[1] for row in table(before_sections(DOCS / "commands.md"))}
    assert documented == set(main.commands)


def test_every_command_line_of_the_pages_is_understood() -> None:
    """Its command is there and takes these options; nothing is executed."""
    assert isinstance(main, Group)
    for page in PAGES:
        for line in re.findall(r"^openalgo-store (?!.*…)(.+)$", page.read_text(), re.MULTILINE):
            words = shlex.split(line.partition(" <")[0], comments=True)
            command: Command = main
            while isinstance(command, Group):
                command = command.commands[words.pop(0)]
            command.make_parser(Context(command)).parse_args(words)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)]+)\)", page.read_text()):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.is_file(), link
        if anchor:
            titles = re.findall(r"^#+ (.+)$", target.read_text(), re.MULTILINE)
            assert anchor in {title.lower().replace(" ", "-") for title in titles}, link


def test_the_yoyo_commands_of_the_documentation_bring_every_database_up(
    engine_name: str, fresh_urls: Urls, tmp_path: Path
) -> None:
    text = "".join(blocks(DOCS / "migrations.md", "sh"))
    lines = [line for line in text.splitlines() if line.startswith("yoyo apply")]
    (tmp_path / "databases").mkdir()
    (tmp_path / "migrations").symlink_to(ROOT / "migrations")
    brought_up = []
    for line in lines:
        command = shlex.split(line)
        database, engine = Path(command[-1]).parts[-2:]
        if engine != engine_name:
            continue
        if engine == "postgresql":  # the server of the tests instead of the reader's
            server = fresh_urls[database].removeprefix("postgresql+psycopg")
            command[command.index("--database") + 1] = f"openalgo+{engine}{server}"
            url = fresh_urls[database]
        else:
            documented = command[command.index("--database") + 1].rpartition("/")[2]
            default = next(f.default for f in fields(Settings) if f.name == _field(database))
            assert str(default).endswith(f"/{documented}")
            url = f"sqlite:///{tmp_path / 'databases' / documented}"
        process = Program(run_yoyo, str(tmp_path), *command[1:])
        _, said = process.communicate(60)
        assert process.returncode == 0, said
        assert pending_migrations(url, database) == []
        brought_up.append(database)
    assert brought_up == list(DATABASES)


def test_the_statements_for_lost_secrets_let_new_ones_in(migrated_settings: Settings) -> None:
    def open_with_new_secrets() -> None:
        close_databases()
        pepper, key = token_urlsafe(48), Fernet.generate_key().decode()
        init_databases(replace(migrated_settings, api_key_pepper=pepper, token_encryption_keys=key))

    open_with_new_secrets()
    user = create_user("asha", "asha@example.org", "$argon2-none")
    before = create_api_key(user.id)
    save_auth_token(user.id, "zerodha", "a token")
    with pytest.raises(ConfigurationError, match="API_KEY_PEPPER is not the one"):
        open_with_new_secrets()
    use_store(Store(migrated_settings))
    with get_write_session() as tx:
        for block in blocks(DOCS / "secrets.md", "sql"):
            for statement in block.strip().split("\n"):
                tx.connection.exec_driver_sql(statement.rstrip(";"))
    open_with_new_secrets()
    assert get_user_by_api_key(before.api_key) is None
    assert get_user_by_api_key(create_api_key(user.id).api_key) == user
    assert get_auth_token(user.id, "zerodha") is None
    assert save_auth_token(user.id, "zerodha", "another").access_token == "another"
    close_databases()


def _field(database: str) -> str:
    return variable_of(database).lower()


def test_no_page_names_a_machine() -> None:
    for page in PAGES:
        assert not re.search(r"/(work|tmp|home|root)/", page.read_text()), page.name
