"""What a statement is called with is in no error of it, in no traceback and in no log."""

import logging
import traceback
from collections.abc import Callable

import pytest
from sqlalchemy import insert, text

from openalgo_store import Store, StoreError, Transaction
from openalgo_store.engine.queries import Query
from openalgo_store.tables.accounts import api_keys, users
from tests.support.rows import user

SECRET = "hunter2-is-no-secret-any-more"
ROW = user("asha", password_hash=SECRET)
SYNTAX = Query[None]("broken", None, {None: text("UPDATE users SET none = :secret")}, None)
KEY = {"user_id": 7, "api_key": SECRET, "created_at": ROW["created_at"]}

FAILURES: dict[str, Callable[[Transaction], object]] = {
    "a syntax error": lambda tx: tx.run(SYNTAX, secret=SECRET),
    "a row twice": lambda tx: [tx.run(Query.of(insert(users).values(ROW))) for _ in range(2)],
    "many rows": lambda tx: tx.many(Query.of(insert(users)), [ROW, ROW]),
    "no parent": lambda tx: tx.run(Query.of(insert(api_keys).values(KEY))),
    "a value refused": lambda tx: tx.run(Query.of(insert(users).values(ROW | {"id": SECRET}))),
    "no value": lambda tx: tx.run(Query.of(insert(users).values(ROW | {"created_at": None}))),
    "on the Connection": lambda tx: tx.connection.execute(
        text("SELECT :secret +"), {"secret": SECRET}
    ),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_an_error_and_its_causes_show_no_parameter(
    store: Store, failure: str, caplog: pytest.LogCaptureFixture
) -> None:
    """With every logger of SQLAlchemy at DEBUG."""
    caplog.set_level(logging.DEBUG)
    for name in ("sqlalchemy", "sqlalchemy.engine", "sqlalchemy.pool"):
        caplog.set_level(logging.DEBUG, logger=name)
    with Store(store.settings) as loud, pytest.raises(StoreError) as caught:
        with loud.transaction("main", readonly=False) as tx:
            FAILURES[failure](tx)
    error: BaseException | None = caught.value
    shown = "".join(traceback.format_exception(caught.value)) + caplog.text
    while error is not None:
        shown += f"{error} {error!r}"
        error = error.__cause__ or error.__context__
    assert SECRET not in shown
