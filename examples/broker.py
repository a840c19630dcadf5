"""The broker. This one sends nothing and takes every order: put your own in its place."""

import hashlib
import hmac
import secrets
from datetime import UTC, datetime

from openalgo_store import measure_latency

BROKER = "zerodha"
MOST_UNITS = 100_000
"""Of one order: a digit too many stops here."""


def send_order(token: str, action: str, quantity: int, order_type: str, product: str) -> str:
    """Send an order for the instrument with this token; the number that the broker gives it.

    How long that took is recorded, also where it raises. Your own reads the user's access token by
    get_auth_token(user_id, BROKER, only=("access_token",)), and has a time limit.
    """
    with measure_latency(None, BROKER, "place_order") as measured:
        measured.order_id = f"{datetime.now(UTC):%y%m%d}{secrets.randbelow(10**9):09}"
    return measured.order_id


def is_signed(body: bytes, signature: str, secret: str) -> bool:
    """Whether the broker sent this: the HMAC-SHA256 of the body under a secret of the two."""
    expected = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected.encode(), signature.encode())
