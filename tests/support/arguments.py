"""A good value for each argument of each public function."""

import inspect
from datetime import timedelta
from typing import Any

from argon2 import PasswordHasher
from argon2.profiles import CHEAPEST

import openalgo_store
from tests.support.rows import MONDAY, shares

AREAS = [name for area in openalgo_store._AREAS for name in area.__all__]
FUNCTIONS = sorted(
    name
    for name in (*AREAS, "get_read_session", "get_write_session", "get_db_session",
                 "get_engine", "get_pending_migrations", "get_schema_version",
                 "run_pending_migrations", "get_ttl_to_session_end", "flush_writers",
                 "read_env_file", "check_health")
    if inspect.isfunction(getattr(openalgo_store, name))
)  # fmt: skip

_CHEAP = PasswordHasher.from_parameters(CHEAPEST)
GOOD: dict[str, Any] = {
    "user_id": 1, "username": "binod", "email": "b@example.org", "password": "a long password",
    "password_hash": _CHEAP.hash("a long password"), "api_key": "openalgo_key", "key_id": 1,
    "broker": "zerodha", "access_token": "a token", "order_id": "A1", "trade_id": "T1",
    "symbol": "SBIN", "exchange": "NSE", "action": "BUY", "quantity": 1, "price": 812.0,
    "order_type": "LIMIT", "product": "CNC", "status": "OPEN", "traded_at": MONDAY,
    "date": MONDAY.date(), "start_date": MONDAY.date(), "end_date": MONDAY.date(),
    "name": "opening range", "strategy_type": "python", "strategy_id": 1,
    "is_active": True, "broker_symbol": "SBIN-EQ", "token": "T7", "pairs": [("SBIN", "NSE")],
    "since": MONDAY, "until": MONDAY + timedelta(hours=1), "before": MONDAY,
    "operation": "place_order", "start_time": MONDAY, "end_time": MONDAY, "chat_id": 7,
    "enabled": True, "message_id": 1, "claim": "none", "error": "429", "message_type": "order",
    "content": "hello", "positions_data": [], "holdings_data": [], "symbols": shares(2),
    "symbols_data": shares(2), "path": ".env", "average_price": 812.0, "reason": "split 1:2",
    "from_product": "CNC", "to_product": "MIS", "query": "share", "underlying": "SBIN",
    "expiry": MONDAY.date(),
}  # fmt: skip
"""A value for each argument that must be given."""
CHANGES: dict[str, dict[str, Any]] = {
    "update_user": {"username": "asha", "email": "a@example.org", "password_hash": "-"},
    "update_order": {
        "quantity": 7,
        "price": 1.0,
        "trigger_price": 1.0,
        "order_type": "SL",
        "product": "MIS",
    },
    "update_strategy": {"name": "x", "description": "x", "strategy_type": "python", "config": {}},
}
"""What goes into `**changes`."""


def is_needed(parameter: inspect.Parameter) -> bool:
    """Whether a call must give it."""
    named = parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
    return named and parameter.default is parameter.empty


def needed(name: str) -> dict[str, Any]:
    """The arguments without which a function cannot be called."""
    parameters = inspect.signature(getattr(openalgo_store, name)).parameters.values()
    return {each.name: GOOD[each.name] for each in parameters if is_needed(each)}
