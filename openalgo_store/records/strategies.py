"""What places orders."""

from datetime import datetime
from typing import Any, NamedTuple


class Strategy(NamedTuple):
    """What places orders for a user: strategy_type is webhook, python or chartink; config JSON."""

    id: int
    user_id: int
    name: str
    description: str | None
    strategy_type: str | None
    config: Any
    is_active: bool
    created_at: datetime
    updated_at: datetime | None
