"""The rules of the house, held by tests: layers, no ORM, engine names, public names."""

import ast
import importlib
import inspect
import pkgutil
import re
import subprocess
import sys
import typing
from pathlib import Path
from types import ModuleType

import pytest

import openalgo_store
from openalgo_store import repositories

PACKAGE = Path(openalgo_store.__file__).parent
SOURCES = sorted(PACKAGE.rglob("*.py"))
MAY_NAME_ENGINES = {"engine", "schema", "settings"}
"""settings/ knows how their URLs are written."""
WAITING = {"threading", "queue", "_thread", "concurrent", "concurrent.futures"}
OPTIONS = {"sqlite_where", "postgresql_where", "sqlite_autoincrement", "postgresql_include"}
"""How SQLAlchemy spells the WHERE of an index and ids that are used once, as an engine's own."""


AREAS = [
    importlib.import_module(each.name)
    for each in pkgutil.iter_modules(repositories.__path__, f"{repositories.__name__}.")
    if each.ispkg
]
INTERNAL = {
    "check_book",
    "write_log_batch",
    "prove_pepper",
    "prove_cipher",
    "renew_cipher_proof",
    "check_secrets",
    "find_closed_tokens",
    "find_contradictions",
    "pack",
    "unpack",
    "compare_symbols",
    "write_difference",
    "written_symbols",
    "refuse_a_bad_file",
    "refuse_a_loss",
    "fits",
    "whole_master",
    "today",
    "lock_order",
    "find_and_lock_order",
    "take_first",
    "read_adjusted",
    "match_lots",
    "realize_adjusted",
    "read_lots",
    "read_open_lots",
    "lock_active_user",
    "check_instrument",
    "check_exchange",
    "only_one",
    "refuse_rejection",
    "change_order",
    "status_of",
    "set_fills",
    "change_position",
    "drop_report",
    "position_of",
    "agrees",
    "adjusted",
    "fold_day",
    "own_sums",
    "prices_by_day",
    "refuse_beyond",
    "check_book_sums",
    "read_adjustments",
    "read_closed_days",
    "read_fills",
    "tell_again",
    "record_late_report",
}
"""What modules of one area, and start-up, offer each other."""


SHARED = {
    "openalgo_store/tables": {"cache_epochs", "columns", "metadata", "types"},
    "openalgo_store/records": set(),
    "openalgo_store/repositories": {"announcing", "purging", "shapes"},
    "sql": {"README", "cache_epochs"},
    "tests/contract": set(),
}
"""Where each area has a file or a folder of its name, and what all areas share there."""


def modules_of(area: ModuleType) -> list[ModuleType]:
    """The modules of an area's folder."""
    found = pkgutil.iter_modules(area.__path__, f"{area.__name__}.")
    return [importlib.import_module(each.name) for each in found]


def test_importing_the_package_loads_no_orm_and_no_rich_and_no_yoyo() -> None:
    code = "import sys, openalgo_store; print(*sorted(sys.modules))"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    modules = set(loaded.stdout.split())
    assert "openalgo_store.store" in modules
    assert not modules & {"sqlalchemy.orm", "psycopg", "rich", "yoyo", "click"}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_the_name_of_an_engine_stands_only_where_engines_differ(path: Path) -> None:
    if MAY_NAME_ENGINES & set(path.relative_to(PACKAGE).parts):
        return
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            assert node.value.lower() not in {"sqlite", "postgresql"}, f"line {node.lineno}"
        elif isinstance(node, (ast.Attribute, ast.Name, ast.keyword)):
            name = getattr(node, "attr", None) or getattr(node, "id", None) or node.arg  # type: ignore[union-attr]
            named = re.search("sqlite|postgres|psycopg", name or "", re.IGNORECASE)
            assert not named or name in OPTIONS, node.lineno


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_assert_stands_for_what_the_product_must_check(path: Path) -> None:
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    assert not [node.lineno for node in nodes if isinstance(node, ast.Assert)]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_what_threads_wait_at_comes_from_one_place(path: Path) -> None:
    """A lock of `threading` hangs where green threads and real ones meet."""
    if path.parent.name == "threads":
        return
    allowed = {"TIMEOUT_MAX"} | ({"ThreadPoolExecutor"} if path.name == "health.py" else set())
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level == 0:
            names = {each.name for each in node.names} - allowed
            assert not names or node.module not in WAITING, node.lineno
            assert "cached_property" not in names, node.lineno  # it has a lock on Python 3.11
            assert node.module != "time" or "sleep" not in names, node.lineno
        elif isinstance(node, ast.Import):
            assert not {each.name for each in node.names} & WAITING, node.lineno
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            assert (node.value.id, node.attr) != ("time", "sleep"), node.lineno


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_file_is_read_in_one_sitting(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 350
    assert path.stem not in {"utils", "helpers", "manager", "base"}


def entries(folder: Path) -> set[str]:
    """The names of what is in a folder, without what Python itself needs or leaves."""
    return {each.name for each in folder.iterdir() if each.name != "__pycache__"}


def test_the_package_has_a_room_for_each_concern_and_few_of_them() -> None:
    assert len(entries(PACKAGE)) <= 20


@pytest.mark.parametrize("folder", SHARED)
def test_an_area_has_the_same_name_wherever_it_appears(folder: str) -> None:
    names = {Path(name).stem for name in entries(PACKAGE.parent / folder)} - {"__init__"}
    assert names == {area.__name__.rpartition(".")[2] for area in AREAS} | SHARED[folder]


@pytest.mark.parametrize("name", openalgo_store.__all__)
def test_a_public_name_is_documented_and_typed(name: str) -> None:
    thing = getattr(openalgo_store, name)
    assert inspect.getdoc(thing), name
    if inspect.isfunction(thing):
        hints = typing.get_type_hints(thing)
        assert set(hints) >= {*inspect.signature(thing).parameters, "return"} - {"self"}


def test_the_public_names_are_those_of_the_areas_and_nothing_else_is_exported() -> None:
    exported = {
        name
        for name, thing in vars(openalgo_store).items()
        if not name.startswith("_") and not inspect.ismodule(thing)
    }
    assert exported == set(openalgo_store.__all__)
    assert len(openalgo_store.__all__) == len(exported)


@pytest.mark.parametrize("area", AREAS, ids=lambda area: area.__name__.rpartition(".")[2])
def test_an_area_exports_every_public_function_of_its_modules(area: ModuleType) -> None:
    order = sorted(area.__all__, key=lambda name: (not name.isupper(), not name[0].isupper(), name))
    assert area.__all__ == order
    for module in modules_of(area):
        for name, function in inspect.getmembers(module, inspect.isfunction):
            is_public = not name.startswith("_") and function.__module__ == module.__name__
            assert not is_public or name in area.__all__ or name in INTERNAL, name


def test_every_repository_function_takes_a_session() -> None:
    without = {
        "warm_symbol_cache", "warm_api_key_cache",  # caches, which no session may fill
        "search_symbols",  # answers from a cache alone
        "record_latency", "measure_latency",  # written by a thread
        *INTERNAL,
    }  # fmt: skip
    for module in (each for area in AREAS for each in modules_of(area)):
        for name, function in inspect.getmembers(module, inspect.isfunction):
            if function.__module__ == module.__name__ and not name.startswith("_"):
                parameters = inspect.signature(function).parameters
                assert name in without or "tx" in parameters, name


def test_every_project_file_is_free_of_machine_names() -> None:
    root = PACKAGE.parent
    if not (root / ".git").exists():
        pytest.fail("run the tests from a checkout")
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=root, capture_output=True, text=True, check=True,
    ).stdout.split("\n")  # fmt: skip
    names = ("/ro" + "ot/", "/wo" + "rk/", "pypi." + "org", "files.python" + "hosted")
    for name in filter(None, listed):
        path = root / name
        if path.is_file() and path.suffix in {".py", ".md", ".sql", ".toml", ".ini", ""}:
            content = path.read_text(encoding="utf-8")
            assert not [each for each in names if each in content], name
