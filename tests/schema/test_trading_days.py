"""A database from before positions had trading days: it is taken over to the millionth."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from sqlalchemy import Connection, NullPool, create_engine, text

from tests.conftest import Urls
from tests.models.book_arithmetic import day_of, millionths, price_of, rupees
from tests.models.position_model import Filled, Positions
from tests.schema.test_schema import migrate_up, migrations, run
from tests.support.chance import chance_of

FIRST = datetime(2026, 1, 5, 3, 45, tzinfo=UTC)
STATES = ["as traded", "quantity reported", "average reported", "P&L reported", "without trades"]
MILLIONTH = 1.5e-6
"""A double of some million rupees is not exact."""


@pytest.fixture(params=["main", "sandbox"])
def old(
    request: pytest.FixtureRequest, fresh_urls: Urls, engine_name: str
) -> Iterator[tuple[Connection, str, Path]]:
    """A database before the migration, the prefix of its tables, and the migration."""
    database = request.param
    step = next(each for each in migrations(database, engine_name) if "trading-days" in each.stem)
    engine = create_engine(fresh_urls[database], poolclass=NullPool)
    with engine.begin() as connection:
        migrate_up(connection, database)
        for each in reversed(migrations(database, engine_name)):
            if each.stem >= step.stem:
                run(connection, each.with_suffix(".rollback.sql"))
        yield connection, "" if database == "main" else "sandbox_", step
    engine.dispose()


@pytest.mark.timeout(900)
def test_old_positions_keep_quantity_and_profit_up_and_down(
    old: tuple[Connection, str, Path], soak: Callable[[int], int]
) -> None:
    connection, prefix, step = old
    traded = fill(connection, prefix, soak(1000), chance_of("old books"))
    before = read(connection, prefix)
    run(connection, step)
    after = read(connection, prefix)
    assert_same(before, after)
    for number, positions in enumerate(traded):
        if after[number]["state"] == "as traded":
            assert_folded(after[number], positions)
    booked = f"SELECT count(*) FROM {prefix}orders WHERE booked_quantity <> fill_quantity"
    assert connection.execute(text(booked)).scalar() == 0
    imported = f"SELECT count(*) FROM {prefix}trades WHERE is_fill <> (trade_id <> 'imported')"
    assert connection.execute(text(imported)).scalar() == 0
    run(connection, step.with_suffix(".rollback.sql"))
    back = read(connection, prefix)
    assert_same(before, back)
    for was, now in zip(before, back, strict=True):
        if was["state"] == "as traded":
            assert {name: was[name] for name in SUMS} == {name: now[name] for name in SUMS}
    run(connection, step)
    assert_same(before, read(connection, prefix))


SUMS = ("buy_quantity", "buy_value", "sell_quantity", "sell_value", "average_price")


def assert_same(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> None:
    """The quantities are equal, and what was made in all is so to the millionth."""
    for was, now in zip(before, after, strict=True):
        assert (was["symbol"], was["quantity"]) == (now["symbol"], now["quantity"])
        assert total(now) == pytest.approx(total(was), rel=1e-15, abs=MILLIONTH), was


def total(position: dict[str, Any]) -> float:
    return float(position["pnl"]) + rupees(position.get("realized_value", 0))


def assert_folded(row: dict[str, Any], positions: list[Filled]) -> None:
    """The sums are those of the last day of a plain fold."""
    days = Positions({}).tell(positions).days["CNC"]
    last = days[max(days)]
    assert [row[name] for name in SUMS] == [
        last.bought, last.bought_value, last.sold, last.sold_value, last.average
    ]  # fmt: skip
    assert (row["realized_value"], row["overnight_quantity"]) == (last.realized, last.overnight)
    assert str(row["trading_day"]) == str(max(days))


def read(connection: Connection, prefix: str) -> list[dict[str, Any]]:
    """The positions, each with its state, which is told by its broker."""
    found = connection.execute(text(f"SELECT * FROM {prefix}positions ORDER BY id")).mappings()
    return [dict(each) | {"state": STATES[each["id"] % len(STATES)]} for each in found]


def fill(connection: Connection, prefix: str, count: int, chance: Random) -> list[list[Filled]]:
    """So many positions, each with some hundred trades of a dozen days; what made each."""
    if not prefix:
        connection.execute(
            text(
                "INSERT INTO users (id, username, username_key, email, email_key, password_hash, "
                "created_at, is_active) VALUES (1, 'a', 'a', 'a@b.org', 'a@b.org', '-', "
                ":now, :yes)"
            ),
            {"now": "2026-01-01 00:00:00.000000+00", "yes": True},
        )
    orders, trades, positions, made = [], [], [], []
    for number in range(1, count + 1):
        fills = sorted(one_fill(chance) for _ in range(100))
        if chance.random() < 0.2:
            fills += flattening(fills)
        made.append(fills)
        for index, each in enumerate(fills):
            order_id = f"{number}-{index}"
            common = {"order_id": order_id, "symbol": f"S{number:04}", "action": each.action,
                      "quantity": each.quantity, "at": stored(each.at)}  # fmt: skip
            price = rupees(each.value // each.quantity)
            orders.append(common | {"fill_price": price, "fill_value": each.value})
            trades.append(common | {"trade_id": "T", "price": price})
            if index == 7:
                trades.append(common | {"trade_id": "imported", "price": price})
        positions.append(old_position(number, fills, chance))
    for sql, rows in ((ORDERS, orders), (TRADES, trades), (POSITIONS, positions)):
        connection.execute(text(sql.format(prefix=prefix)), rows)
    gone = f"DELETE FROM {prefix}trades WHERE symbol = :symbol"
    lost = [{"symbol": each["symbol"]} for each in positions if each["is_lost"]]
    connection.execute(text(gone), lost)
    return made


def one_fill(chance: Random) -> Filled:
    """On one of a dozen days, some of them late in the Indian night."""
    at = FIRST + timedelta(days=chance.randrange(12), seconds=chance.randrange(80_000))
    quantity = chance.randint(1, 500)
    price = chance.choice([chance.randint(1, 10**6) / 20, chance.randint(1, 10**9) / 10**6])
    return Filled(at, "CNC", chance.choice(["BUY", "SELL"]), quantity, quantity * millionths(price))


def flattening(fills: list[Filled]) -> list[Filled]:
    """What closes the position."""
    net = sum(each.quantity if each.action == "BUY" else -each.quantity for each in fills)
    side, at = "SELL" if net > 0 else "BUY", fills[-1].at
    return [Filled(at, "CNC", side, abs(net), abs(net) * 100_000_000)] if net else []


def old_position(number: int, fills: list[Filled], chance: Random) -> dict[str, Any]:
    """The row as the version before made it: one sum for ever, and what was reported."""
    state = STATES[number % len(STATES)]
    sums = {"BUY": [0, 0], "SELL": [0, 0]}
    for each in fills:
        sums[each.action][0] += each.quantity
        sums[each.action][1] += each.value
    (bought, bought_value), (sold, sold_value) = sums["BUY"], sums["SELL"]
    quantity = bought - sold
    average = 0.0
    if quantity:
        average = price_of(bought_value, bought) if quantity > 0 else price_of(sold_value, sold)
    last_price = chance.choice([None, 99.5, 101.25])
    price = average if last_price is None else last_price
    pnl = rupees(sold_value - bought_value) + quantity * price
    if state == "quantity reported":
        quantity += 11
    elif state == "average reported":
        average += 1.25
    elif state == "P&L reported":
        pnl = 1234.56
    return {
        "id": number, "symbol": f"S{number:04}", "quantity": quantity, "average_price": average,
        "last_price": last_price, "pnl": pnl, "buy_quantity": bought, "buy_value": bought_value,
        "sell_quantity": sold, "sell_value": sold_value,
        "trading_day": chance.choice([day_of(fills[-1].at), None])
        if state == "without trades" else day_of(fills[-1].at),
        "is_lost": state == "without trades",
    }  # fmt: skip


def stored(moment: datetime) -> str:
    """As SQLite keeps it; PostgreSQL reads it in the zone of the session, which is UTC."""
    return f"{moment:%Y-%m-%d %H:%M:%S.%f}"


ORDERS = """
INSERT INTO {prefix}orders (order_id, user_id, broker, symbol, exchange, action, quantity,
    order_type, product, status, fill_price, fill_quantity, fill_value, placed_at)
VALUES (:order_id, 1, 'zerodha', :symbol, 'NSE', :action, :quantity, 'MARKET', 'CNC', 'COMPLETE',
    :fill_price, :quantity, :fill_value, :at)"""
TRADES = """
INSERT INTO {prefix}trades (trade_id, order_id, user_id, broker, symbol, exchange, action, product,
    quantity, price, traded_at)
VALUES (:trade_id, :order_id, 1, 'zerodha', :symbol, 'NSE', :action, 'CNC', :quantity, :price, :at)
"""
POSITIONS = """
INSERT INTO {prefix}positions (id, user_id, broker, symbol, exchange, product, quantity,
    average_price, last_price, pnl, buy_quantity, buy_value, sell_quantity, sell_value,
    trading_day)
VALUES (:id, 1, 'zerodha', :symbol, 'NSE', 'CNC', :quantity, :average_price, :last_price, :pnl,
    :buy_quantity, :buy_value, :sell_quantity, :sell_value, :trading_day)"""
