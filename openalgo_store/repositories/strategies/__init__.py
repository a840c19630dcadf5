"""What places orders."""

from ...records.strategies import (
    Strategy,
)
from .strategies import (
    create_strategy,
    delete_strategy,
    get_strategy,
    list_strategies,
    set_strategy_active,
    update_strategy,
)

__all__ = [
    "Strategy",
    "create_strategy",
    "delete_strategy",
    "get_strategy",
    "list_strategies",
    "set_strategy_active",
    "update_strategy",
]
