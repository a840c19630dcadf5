"""Mistakes about copies, backups, checks and keeping databases in shape."""

from .mutation import Mutation

COPYING = "openalgo_store/operations/copying.py"
RULES = "openalgo_store/operations/row_rules.py"
COPIED = ("tests/operations/test_copying.py",)
PLANTED = ("tests/operations/test_planted_faults.py",)
ODD = ("tests/operations/test_odd_values.py",)
SAVED = ("tests/operations/test_backup.py",)
SHAPED = ("tests/operations/test_optimizing.py",)

COPIES = (
    Mutation(
        "copy: what the target keeps is not compared with what was sent",
        COPYING,
        "            _compare(database, table, copied[table.name], _sum_of(write, table))\n",
        "",
        COPIED,
    ),
    Mutation(
        "copy: bad rows are left out, and with each batch some good ones",
        COPYING,
        "rows.where(key > batch[-1][at])",
        "rows.where(key > batch[-1][at] + 1)",
        COPIED,
    ),
    Mutation(
        "copy: a file that is linked is copied onto itself",
        "openalgo_store/engine/sqlite/dialect.py",
        "return Path(self.identity).samefile(other.identity)",
        "return bool(self.identity == other.identity)",
        ("tests/cli/test_hostile_copies.py",),
    ),
    Mutation(
        "copy: the list of bad rows overwrites any file",
        "openalgo_store/cli/copying.py",
        "if path.exists() and not _is_list(path):",
        "if False:",
        ("tests/cli/test_hostile_copies.py",),
    ),
    Mutation(
        "check: of rows that are alike the first one is bad, too",
        RULES,
        'numbered.c.nth > literal_column("1")',
        'numbered.c.nth > literal_column("0")',
        PLANTED,
    ),
    Mutation(
        "check: what is missing is asked for by IS NULL",
        "openalgo_store/engine/sqlite/stored_rows.py",
        "f\"typeof({column.name}) = 'null'\"",
        'f"{column.name} IS NULL"',
        PLANTED,
    ),
    Mutation(
        "check: a NUL alone in a table is not seen while texts are read",
        "openalgo_store/engine/sqlite/stored_rows.py",
        'if "\\0" in "".join(given):',
        "if False:",
        ODD,
    ),
    Mutation(
        "backup: a file is saved page by page beside its log",
        "openalgo_store/engine/sqlite/dialect.py",
        "held.dbapi_connection.backup(file)",
        "shutil.copy(self.identity, path)",
        SAVED,
    ),
    Mutation(
        "optimize: tables that others hold or own are passed over in silence",
        "openalgo_store/engine/postgresql_optimizing.py",
        "skipped.append(notice.message_primary)",
        "pass",
        SHAPED,
        ("postgresql",),
    ),
)
