"""Every statement of sql/ is used, typed, and served on both engines as its comment says."""

import re
from collections import Counter

from sqlalchemy.types import NullType

from openalgo_store import Store, get_write_session
from openalgo_store.engine.sql_reader import Statement, read_statements
from openalgo_store.settings import project_folder
from openalgo_store.tables import METADATA
from tests.support.plans import (
    analyse_tables,
    index_in_plan,
    is_sorted,
    plan_of,
    reads_a_whole_table,
)
from tests.support.samples import ROWS, fill
from tests.support.statements import FILES, claimed_indexes, queries, statements


def test_every_statement_is_used_by_a_repository_and_has_a_name_of_its_own() -> None:
    used = {query.name for query in queries() if query.binds is not None}
    names = Counter(name for name, _ in statements())
    assert FILES
    assert used == names.keys()
    assert names.total() == len(names)


def test_every_bind_and_every_result_has_a_type_on_both_engines() -> None:
    for query in queries():
        for engine in ("sqlite", "postgresql"):
            statement = query.on(engine)
            compiled = statement.compile()  # type: ignore[attr-defined]
            results = statement.exported_columns if query.record else ()  # type: ignore[attr-defined]
            for each in (*compiled.binds.values(), *results):
                assert not isinstance(each.type, NullType), f"{query.name}: {each}"


OF_THE_SESSION = re.compile(
    r"\b(localtime\w*|current_(date|time)|date_trunc|date_part|to_char|age)\b"
    r"|::\s*(date|time)|as\s+(date|time|timestamp)\b|\bextract\s*\((?!\s*epoch)|\bat\s+time\s+zone\b",
    re.IGNORECASE,
)
"""What a server answers by the zone of its session, which a pooler may have given to another."""
IN_A_NAMED_ZONE = re.compile(r"AT TIME ZONE '[A-Za-z/]+'( AS DATE)?")
"""What it answers by the zone that is named."""


def test_no_statement_and_no_migration_asks_the_session_for_a_day_or_an_hour() -> None:
    migrations = project_folder("migrations").rglob("*.sql")
    texts = [path.read_text(encoding="utf-8") for path in migrations]
    texts += [each.sql for _, own in statements() for each in own.values()]
    assert len(texts) > 50
    for text in texts:
        asked = OF_THE_SESSION.search(IN_A_NAMED_ZONE.sub("", re.sub(r"--.*", "", text)))
        assert asked is None, asked


def test_every_statement_passes_explain(store: Store) -> None:
    for query in queries():
        plan_of(store, query)


def test_every_statement_is_served_by_the_indexes_that_its_comment_names(
    store: Store, engine_name: str
) -> None:
    """On analysed tables of many rows; none is read whole, and nothing sorted without a word.

    But for what checks a whole book.
    """
    for database, metadata in METADATA.items():
        with get_write_session(database) as tx:
            for table in metadata.sorted_tables:
                fill(tx, table, ROWS[engine_name])
        analyse_tables(store, database, metadata.sorted_tables)
    texts = dict(statements())
    checked = 0
    of_whole_tables = read_statements("trading/checks.sql").keys()
    for query in (each for each in queries() if each.binds is not None):
        if query.name in of_whole_tables:
            continue
        own = texts[query.name]
        statement = own.get(engine_name) or own[None]
        plan = plan_of(store, query)
        names = claimed_indexes(query, statement)
        if not names or (_inserts(statement) and "Conflict Arbiter" not in plan):
            continue
        checked += 1
        for name in names:
            spelled = index_in_plan(store, query, name)
            assert re.search(rf"\b{spelled}\b", plan), f"{query.name}: {spelled}\n{plan}"
        assert not reads_a_whole_table(query, plan), f"{query.name}\n{plan}"
        assert "sort" in statement.comment or not is_sorted(plan), f"{query.name}\n{plan}"
    assert checked > len(texts) / 2


def _inserts(statement: Statement) -> bool:
    """Of an INSERT only PostgreSQL says by which index it finds a conflict."""
    return statement.sql.startswith("INSERT")
