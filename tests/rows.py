"""Small rows that tests write, and the sessions' view of them."""

from typing import Any

from sqlalchemy import func, insert, select

from openalgo_store import Instrument, Symbol, Transaction, clock, get_read_session
from openalgo_store.queries import Query
from openalgo_store.tables.main import strategies, symbols, users

ALL_NAMES = Query.of(select(users.c.username).order_by(users.c.id), str)
COUNT_USERS = Query.of(select(func.count()).select_from(users), int)


def user(name: str, **changes: Any) -> dict[str, Any]:
    """A row of users."""
    row = {
        "username": name,
        "username_key": name.casefold(),
        "email": f"{name}@example.org",
        "email_key": f"{name.casefold()}@example.org",
        "password_hash": "-",
        "created_at": clock.now(),
        "is_active": True,
    }
    return row | changes


def add_user(tx: Transaction, name: str, **changes: Any) -> None:
    """Insert one user."""
    tx.run(Query.of(insert(users).values(**user(name, **changes))))


def add_strategy(tx: Transaction, user_id: int, name: str, **changes: Any) -> None:
    """Insert one strategy of a user."""
    row = {
        "user_id": user_id,
        "name": name,
        "strategy_type": "python",
        "is_active": False,
        "created_at": clock.now(),
    }
    tx.run(Query.of(insert(strategies).values(**(row | changes))))


def shares(count: int, *, token: str = "T", exchange: str = "NSE") -> list[Instrument]:
    """A master of so many shares, SHARE0 and on; `token` tells one master from another."""
    return [
        Instrument(
            symbol=f"SHARE{number}",
            exchange=exchange,
            token=f"{token}{number}",
            broker_symbol=f"SHARE{number}-EQ",
            name=f"Share {number % 50}",
            instrument_type="EQ",
            lot_size=1,
            tick_size=0.05,
            strike=0.0,
        )
        for number in range(count)
    ]


def master(broker: str = "zerodha") -> dict[str, Symbol]:
    """What is stored, straight from the table."""
    stored = symbols.select().where(symbols.c.broker == broker)
    with get_read_session() as tx:
        return {each.symbol: each for each in tx.all(Query.of(stored, Symbol))}
