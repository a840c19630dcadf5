"""One value alone that a file cannot hold, beside many that it can, is named."""

from collections.abc import Callable

import pytest

from openalgo_store import Store, get_read_session, get_write_session, replace_symbols
from openalgo_store.operations.row_rules import RowFault, RowRules
from tests.support.rows import new_user, shares

pytestmark = pytest.mark.only("sqlite")

MOMENT = "2026-02-28 09:15:00.000000"
NO_MOMENTS = (
    "x''", f"CAST('{MOMENT}' AS BLOB)", "20260228", "2461100.5", "''", "'now'", "'2026-02-28'",
    "'2026-02-28 09:15:00'", "'2026-02-28 09:15:00.00000'", f"'{MOMENT}0'", f"'{MOMENT}Z'",
    f"'{MOMENT}' || char(0) || 'x'", "'2026-02-28T09:15:00.000000'",
    "'2026-02-28 09:15:00,000000'", "'2026-02-28 09:15:00.00000x'", "'2026-02-28 24:00:00.000000'",
    "'2026-02-28 09:60:00.000000'", "'2026-02-30 09:15:00.000000'", "'2026-00-28 09:15:00.000000'",
    "'0000-02-28 09:15:00.000000'", "'-001-02-28 09:15:00.000000'", "'10000-02-28 09:15:00.00000'",
)  # fmt: skip
NO_DAYS = (
    "x''", "CAST('2026-02-28' AS BLOB)", "20260228", "2461100.5", "''", "'now'", "'2026-2-28'",
    "'2026-02-30'", "'2026-13-01'", "'2026-02-00'", "'0000-02-28'", "'10000-02-28'",
    f"'{MOMENT}'", "'2026-02-28' || char(0)",
)  # fmt: skip
ODD = [
    ("name", "x'61'", "is not text"),
    ("name", "x''", "is not text"),
    ("name", "'a' || char(0)", "holds a NUL character"),
    ("lot_size", "'4x'", "is not a whole number"),
    ("lot_size", "0.5", "is not a whole number"),
    ("lot_size", "x'34'", "is not a whole number"),
    ("strike", "''", "is not a number"),
    ("strike", "x''", "is not a number"),
    ("strike", "-9e999", "is infinite"),
    *(("last_updated", value, "is not a moment") for value in NO_MOMENTS),
    *(("expiry", value, "is not a date") for value in NO_DAYS),
]
SOUND = [
    ("name", "''"),
    ("name", "NULL"),
    ("lot_size", "'4'"),
    ("strike", "5"),
    ("last_updated", "'0001-01-01 00:00:00.000000'"),
    ("last_updated", "'9999-12-31 23:59:59.999999'"),
    ("last_updated", "'2024-02-29 23:59:59.000001'"),
    ("expiry", "'0001-01-01'"),
    ("expiry", "'9999-12-31'"),
    ("expiry", "'2024-02-29'"),
]


def set_to(column: str, value: str) -> None:
    with get_write_session() as tx:
        tx.driver_connection.execute(f"UPDATE symbols SET {column} = {value} WHERE id = 2")


@pytest.fixture
def faults_with(store: Store) -> Callable[[str, str], list[RowFault]]:
    """What is told while the second of three symbols has this value in that column."""
    replace_symbols(shares(3), "zerodha")

    def faults(column: str, value: str) -> list[RowFault]:
        set_to(column, value)
        with get_read_session() as tx:
            found = list(RowRules(store, tx).faults())
        set_to(column, f"(SELECT {column} FROM symbols WHERE id = 3)")
        return found

    return faults


def test_each_odd_value_is_named(faults_with: Callable[[str, str], list[RowFault]]) -> None:
    for column, value, what in ODD:
        fault = RowFault("symbols", 2, f"{column} {what}")
        assert faults_with(column, value) == [fault], value


def test_a_text_that_is_not_utf_8_is_named(
    faults_with: Callable[[str, str], list[RowFault]],
) -> None:
    found = faults_with("name", "CAST(x'61ff' AS TEXT)")
    assert found == [RowFault("symbols", 2, "a text is not UTF-8")]


def test_bytes_are_no_broken_text(faults_with: Callable[[str, str], list[RowFault]]) -> None:
    assert faults_with("name", "x'61ff'") == [RowFault("symbols", 2, "name is not text")]


def test_a_flag_that_another_program_made_text_is_named(store: Store) -> None:
    user = new_user("asha")
    with get_write_session() as tx:
        driver = tx.driver_connection
        driver.execute("PRAGMA writable_schema = ON")
        driver.execute(
            "UPDATE sqlite_master SET sql = replace(sql, 'BOOLEAN', 'TEXT') WHERE name = 'users'"
        )
        driver.execute("PRAGMA writable_schema = RESET")
        driver.execute("UPDATE users SET is_active = '0'")
    with get_read_session() as tx:
        found = list(RowRules(store, tx).faults())
    assert found == [RowFault("users", user, "is_active is neither 0 nor 1")]


def test_the_last_that_can_be_is_no_fault(
    faults_with: Callable[[str, str], list[RowFault]],
) -> None:
    for column, value in SOUND:
        assert faults_with(column, value) == [], value
