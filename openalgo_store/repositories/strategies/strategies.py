"""Strategies: what places orders for a user, with its settings; in the main database only."""

from functools import cache
from typing import Any

from sqlalchemy import bindparam, select, update

from ...engine.expected import expect_one
from ...engine.queries import Query
from ...engine.sql_files import SqlFile
from ...engine.transaction import Transaction
from ...errors import NotFound
from ...records.strategies import Strategy
from ...sessions import reading, writing
from ...tables.strategies import strategies
from ...tables.types import Whole
from ...values import clock
from ...values.arguments import not_blank, only, true_or_false
from ..shapes import changed, equal, given, new_values

_CHANGEABLE = {"name", "description", "strategy_type", "config"}

_sql = SqlFile("strategies/strategies.sql", strategies)
_add_strategy = _sql.query("add_strategy", Strategy)
_get_strategy = _sql.query("get_strategy", Strategy)
_set_strategy_active = _sql.query("set_strategy_active", Strategy)
_delete_strategy = _sql.command("delete_strategy")
_columns = [strategies.c[name] for name in Strategy._fields]


@cache
def _list_strategies(asked: frozenset[str]) -> Query[Strategy]:
    """What is asked for, by name."""
    found = select(*_columns).where(*equal(strategies, asked))
    return Query.of(found.order_by(strategies.c.name), Strategy)


@cache
def _update_strategy(columns: frozenset[str]) -> Query[Strategy]:
    """UPDATE of these columns of the strategy `strategy_id`."""
    this = strategies.c.id == bindparam("strategy_id", type_=Whole)
    values = changed(strategies, columns)
    return Query.of(update(strategies).where(this).values(values).returning(*_columns), Strategy)


def create_strategy(
    user_id: int,
    name: str,
    strategy_type: str,
    description: str | None = None,
    config: Any = None,
    is_active: bool = False,
    *,
    tx: Transaction | None = None,
) -> Strategy:
    """A new strategy; strategy_type is webhook, python or chartink, config is JSON in clear.

    Raises Conflict for a name that the user has given already and for an unknown user;
    InvalidInput for an empty name, another type, and what is not JSON.
    """
    not_blank("name", name)
    with writing("main", tx) as tx:
        return expect_one(
            tx,
            _add_strategy,
            user_id=user_id,
            name=name,
            description=description,
            strategy_type=strategy_type,
            config=config,
            is_active=true_or_false("is_active", is_active),
            created_at=clock.now(),
        )


def get_strategy(strategy_id: int, *, tx: Transaction | None = None) -> Strategy | None:
    """The strategy with this id, or None."""
    with reading("main", tx) as tx:
        return tx.one(_get_strategy, id=strategy_id)


def list_strategies(
    user_id: int,
    *,
    strategy_type: str | None = None,
    is_active: bool | None = None,
    tx: Transaction | None = None,
) -> list[Strategy]:
    """The strategies of a user by name; of one type, or active or not, where that is given."""
    if is_active is not None:
        true_or_false("is_active", is_active)
    asked = given(strategy_type=strategy_type, is_active=is_active) | {"user_id": user_id}
    with reading("main", tx) as tx:
        return tx.all(_list_strategies(frozenset(asked)), **asked)


def update_strategy(strategy_id: int, *, tx: Transaction | None = None, **changes: Any) -> Strategy:
    """Change name, description, strategy_type or config; the strategy as it is now.

    Raises NotFound; InvalidInput for another column; what create_strategy raises.
    """
    row = only(_CHANGEABLE, changes, "update_strategy") | {"updated_at": clock.now()}
    if "name" in changes:
        not_blank("name", changes["name"])
    change = _update_strategy(frozenset(row))
    with writing("main", tx) as tx:
        return _found(strategy_id, tx.one(change, strategy_id=strategy_id, **new_values(row)))


def set_strategy_active(
    strategy_id: int, is_active: bool, *, tx: Transaction | None = None
) -> Strategy:
    """Let a strategy place orders, or stop it; the strategy as it is now. NotFound without one."""
    with writing("main", tx) as tx:
        changed = tx.one(
            _set_strategy_active,
            id=strategy_id,
            is_active=true_or_false("is_active", is_active),
            updated_at=clock.now(),
        )
        return _found(strategy_id, changed)


def delete_strategy(strategy_id: int, *, tx: Transaction | None = None) -> None:
    """Remove a strategy for good; NotFound without one."""
    with writing("main", tx) as tx:
        if not tx.run(_delete_strategy, id=strategy_id):
            raise NotFound(f"there is no strategy {strategy_id}")


def _found(strategy_id: int, strategy: Strategy | None) -> Strategy:
    if strategy is None:
        raise NotFound(f"there is no strategy {strategy_id}")
    return strategy
