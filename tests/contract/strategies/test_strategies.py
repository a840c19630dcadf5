"""Strategies: kept with their settings, switched on and off, one name once for each user."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from openalgo_store import (
    Conflict,
    InvalidInput,
    NotFound,
    SessionMisuse,
    Store,
    Strategy,
    TransactionFailed,
    create_strategy,
    delete_strategy,
    delete_user,
    get_read_session,
    get_strategy,
    get_write_session,
    list_strategies,
    set_strategy_active,
    update_strategy,
)
from openalgo_store.tables.strategies import STRATEGY_TYPES
from openalgo_store.values import clock
from tests.support.rows import ODD_TEXTS, new_user

CONFIGS: list[Any] = [
    None, {}, [], "", False, "text", "1.0", [None, 0, -0.5, 1.0, 2**53],
    {"symbols": ["SBIN", "M&M"], "stop": {"loss": 1.5, "trail": True}, "note": None, "": ""},
    {text: [text] for text in ODD_TEXTS},
    {"big": 2**63, "huge": 10**40, "tiny": 5e-324, "deep": [[[[[[{"a": [1]}]]]]]]},
]  # fmt: skip


@pytest.fixture
def user(store: Store) -> int:
    """Asha, whose strategies these are."""
    return new_user()


def test_a_strategy_comes_back_with_every_column(user: int) -> None:
    began = clock.now()
    config = {"symbol": "SBIN", "quantity": 10}
    strategy = create_strategy(
        user_id=user, name="Opening range", strategy_type="python", description="5 minutes",
        config=config, is_active=True,
    )  # fmt: skip
    assert strategy == Strategy(
        id=strategy.id, user_id=user, name="Opening range", description="5 minutes",
        strategy_type="python", config=config, is_active=True, created_at=strategy.created_at,
        updated_at=None,
    )  # fmt: skip
    assert began <= strategy.created_at <= clock.now()
    assert get_strategy(strategy.id) == strategy
    assert get_strategy(strategy.id + 1) is None
    plain = create_strategy(user, "Plain", "webhook")
    assert (plain.description, plain.config, plain.is_active) == (None, None, False)


def test_any_json_comes_back_the_same(user: int) -> None:
    for number, config in enumerate(CONFIGS):
        strategy = create_strategy(user, f"S{number}", "python", config=config)
        assert repr(strategy.config) == repr(config)
        assert get_strategy(strategy.id) == strategy
        update_strategy(strategy.id, config=["another"])
        assert repr(update_strategy(strategy.id, config=config).config) == repr(config)


def test_a_number_alone_is_no_config(user: int) -> None:
    for number in (0, 1.0, -0.5, 10**30):
        with pytest.raises(InvalidInput, match="put it into an object"):
            create_strategy(user, "S", "python", config=number)
    assert list_strategies(user) == []


def test_json_beyond_what_can_be_written_is_refused(user: int) -> None:
    deep: list[Any] = []
    for _ in range(5000):
        deep = [deep]
    for config, message in ((deep, "too many levels"), ([10**5000], "a thousand digits")):
        with pytest.raises(InvalidInput, match=message):
            create_strategy(user, "S", "python", config=config)
    assert list_strategies(user) == []


def test_any_text_comes_back_the_same(user: int) -> None:
    for text in ODD_TEXTS:
        strategy = create_strategy(user, text, "chartink", description=text)
        assert (strategy.name, strategy.description) == (text, text)
    assert [each.name for each in list_strategies(user)] == sorted(ODD_TEXTS)


def test_strategies_are_told_by_name_and_by_what_is_asked(user: int) -> None:
    binod = new_user("binod")
    for name, kind in (("c", "python"), ("B", "webhook"), ("a", "chartink"), ("d", "python")):
        create_strategy(user, name, kind, is_active=name in "cB")
    create_strategy(binod, "c", "python")

    def names(**filters: Any) -> list[str]:
        return [each.name for each in list_strategies(user, **filters)]

    assert names() == ["B", "a", "c", "d"]  # by code point
    assert names(strategy_type="python") == ["c", "d"]
    assert names(is_active=True) == ["B", "c"]
    assert names(is_active=False, strategy_type="python") == ["d"]
    assert [each.user_id for each in list_strategies(binod)] == [binod]
    assert list_strategies(99) == []


def test_a_change_returns_the_strategy_as_it_is_now(user: int) -> None:
    strategy = create_strategy(user, "One", "python", config={"a": 1})
    bystander = create_strategy(user, "Two", "python")
    changes: list[dict[str, Any]] = [
        {"name": "Uno"}, {"name": "Uno"}, {"description": "first"}, {"strategy_type": "chartink"},
        {"config": {"b": [2]}}, {"config": None, "description": None, "name": "One"},
    ]  # fmt: skip
    for change in changes:
        changed = update_strategy(strategy.id, **change)
        assert changed.updated_at is not None
        strategy = strategy._replace(**change, updated_at=changed.updated_at)
        assert changed == get_strategy(strategy.id) == strategy
    for is_active in (True, True, False):
        changed = set_strategy_active(strategy.id, is_active)
        strategy = strategy._replace(is_active=is_active, updated_at=changed.updated_at)
        assert changed == get_strategy(strategy.id) == strategy
    assert get_strategy(bystander.id) == bystander
    delete_strategy(strategy.id)
    assert get_strategy(strategy.id) is None
    assert list_strategies(user) == [bystander]


def test_a_name_is_a_users_once(user: int) -> None:
    one, two = (create_strategy(user, name, "python") for name in ("One", "Two"))
    assert create_strategy(new_user("binod"), "One", "python").name == "One"
    assert create_strategy(user, "one", "python").name == "one"
    before = list_strategies(user)
    with pytest.raises(Conflict) as raised:
        create_strategy(user, "One", "webhook")
    assert raised.value.constraint == "uq_strategies_user_id_name"
    with pytest.raises(Conflict) as raised:
        update_strategy(two.id, name="One")
    assert raised.value.constraint == "uq_strategies_user_id_name"
    with pytest.raises(TransactionFailed), get_write_session() as tx:
        set_strategy_active(one.id, True, tx=tx)
        with pytest.raises(Conflict):
            create_strategy(user, "Two", "python", tx=tx)
    assert list_strategies(user) == before
    delete_strategy(one.id)
    assert update_strategy(two.id, name="One").name == "One"


def test_a_strategy_is_an_existing_users(user: int) -> None:
    with pytest.raises(Conflict, match=r"strategies\.user_id must name a row of users") as raised:
        create_strategy(99, "One", "python")
    assert raised.value.constraint == "fk_strategies_user_id"
    strategy = create_strategy(user, "One", "python", is_active=True)
    delete_user(user)
    assert get_strategy(strategy.id) == strategy
    assert not set_strategy_active(strategy.id, False).is_active


BAD_STRATEGIES: list[tuple[dict[str, Any], str]] = [
    ({"name": ""}, "the name is empty: give one"),
    ({"name": " \t\n "}, "the name is empty: give one"),
    ({"name": 5}, "text is needed, not int"),
    ({"name": "x" * 101}, "text of 101 characters where the column holds 100"),
    ({"name": "x\0"}, "text with a NUL character"),
    ({"description": "x\ud800"}, "text with a lone surrogate"),
    ({"strategy_type": "excel"}, "strategy_type must be one of webhook, python, chartink"),
    ({"strategy_type": "Python"}, "strategy_type must be one of webhook, python, chartink"),
    ({"config": {"a": float("nan")}}, "NaN and infinity are not numbers"),
    ({"config": [{"a": ["\0"]}]}, "text with a NUL character"),
    ({"config": {1: 2}}, "JSON keys must be text"),
    ({"config": {"at": clock.now()}}, "datetime is not JSON"),
]


def test_a_bad_strategy_is_one_clear_error_and_leaves_nothing(user: int) -> None:
    strategy = create_strategy(user, "One", "python")
    row: dict[str, Any] = {"user_id": user, "name": "Two", "strategy_type": "python"}
    with get_write_session() as tx:
        for change, message in BAD_STRATEGIES:
            with pytest.raises(InvalidInput, match=message):
                create_strategy(**row | change, tx=tx)
            with pytest.raises(InvalidInput, match=message):
                update_strategy(strategy.id, tx=tx, **change)
    for flag in ("yes", 1, None):
        with pytest.raises(InvalidInput, match="is_active must be True or False"):
            create_strategy(user, "Two", "python", is_active=flag)  # type: ignore[arg-type]
        with pytest.raises(InvalidInput, match="is_active must be True or False"):
            set_strategy_active(strategy.id, flag)  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match=r"strategies\.name needs a value"):
        update_strategy(strategy.id, name=None)
    for column in ("is_active", "user_id", "id", "created_at", "nonsense"):
        with pytest.raises(InvalidInput, match=f"cannot change {column}: it takes config, desc"):
            update_strategy(strategy.id, **{"name": "Two", column: 1})  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match="update_strategy cannot change nothing"):
        update_strategy(strategy.id)
    assert list_strategies(user) == [strategy]


def test_the_database_itself_knows_the_types(user: int) -> None:
    for kind in STRATEGY_TYPES:
        create_strategy(user, kind, kind)
    with pytest.raises(InvalidInput, match="breaks the rule ck_strategies_strategy_type:"):
        with get_write_session() as tx:
            tx.connection.exec_driver_sql("UPDATE strategies SET strategy_type = 'excel'")


def test_what_is_not_there_cannot_be_changed(user: int) -> None:
    strategy = create_strategy(user, "One", "python")
    asks: list[Callable[..., object]] = [
        partial(update_strategy, name="Two"),
        partial(set_strategy_active, is_active=True),
        delete_strategy,
    ]
    for ask in asks:
        for number in (99, 0, -1):
            with pytest.raises(NotFound, match=f"there is no strategy {number}"):
                ask(number)
    with get_write_session() as tx:
        for ask in asks:
            with pytest.raises(NotFound):
                ask(99, tx=tx)
        changed = update_strategy(strategy.id, name="Two", tx=tx)  # the session goes on
    with get_read_session() as tx:
        for ask in asks:
            with pytest.raises(SessionMisuse, match="a read session cannot write"):
                ask(strategy.id, tx=tx)
    assert list_strategies(user) == [changed]
