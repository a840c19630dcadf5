"""The applications of examples/ as their users know them: real servers, real HTTP."""

import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from openalgo_store import (
    Store,
    create_api_key,
    create_user,
    get_latency_stats,
    get_order,
    get_user_by_api_key,
    get_write_session,
    hash_password,
    update_order_status,
    update_user,
)
from tests.examples.conftest import PASSWORD, POSTBACK_SECRET, USER
from tests.support.leaks import Leaks
from tests.support.served import Answer, Served, served
from tests.support.waiting import wait_until

APPLICATIONS = {
    "flask": (
        "gunicorn", "--preload", "--workers", "2", "--threads", "4", "--bind", "127.0.0.1:0",
        "examples.flask_app:create_app()",
    ),
    "fastapi": ("uvicorn", "--port", "0", "examples.fastapi_app:app"),
}  # fmt: skip
ORDER = {
    "symbol": "RELIANCE", "exchange": "NSE", "action": "BUY", "quantity": 100, "product": "MIS",
}  # fmt: skip


def post_fill(server: Served, fill: object, secret: str = POSTBACK_SECRET) -> Answer:
    """A fill as the broker sends it, signed."""
    body = json.dumps(fill).encode()
    signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return server.ask("POST", "/postback", body, {"X-Signature": signature})


@pytest.mark.parametrize("name", APPLICATIONS)
def test_a_user_logs_in_makes_a_key_orders_and_sees_the_filled_position(
    here: Store, leaks: Leaks, tmp_path: Path, name: str
) -> None:
    log, began = tmp_path / "log", datetime.now(UTC)
    with served(log, *APPLICATIONS[name]) as server:
        assert server.ask("GET", "/health").status == 200
        assert server.ask("GET", "/positions").status == 401
        wrong = {"username": USER, "password": f"{PASSWORD}!"}
        assert server.ask("POST", "/login", wrong).status == 401
        assert server.ask("POST", "/login", wrong | {"username": 7}).status == 400
        assert server.ask("POST", "/login", b"[" * 10_000).status == 400
        found = server.ask("POST", "/login", {"username": USER.upper(), "password": PASSWORD})
        assert found.status == 200, found.text
        assert {"HttpOnly", "Secure"} <= set(found.headers["Set-Cookie"].split("; "))

        issued = json.loads(server.ask("POST", "/api-keys", {"name": "bot"}).text)
        leaks.note(issued["api_key"])
        key = {"X-API-KEY": issued["api_key"]}
        assert server.ask("POST", "/orders", ORDER).status == 401
        assert server.ask("POST", "/orders", ORDER, {"X-API-KEY": "openalgo_no"}).status == 401
        for field, value in (
            ("quantity", -1),
            ("quantity", "1"),
            ("action", "HOLD"),
            ("symbol", "X"),
        ):
            assert server.ask("POST", "/orders", ORDER | {field: value}, key).status == 400
        for garbage in (b"no JSON", b"\xff", b"[" * 5_000, b"[]"):
            refused = server.ask("POST", "/orders", garbage, key)
            assert (refused.status, list(json.loads(refused.text))) == (400, ["error"])
        large = server.ask("POST", "/postback", b" " * 17_000)
        assert (large.status, list(json.loads(large.text))) == (413, ["error"])
        placed = server.ask("POST", "/orders", ORDER, key)
        assert placed.status == 201, placed.text
        order_id = json.loads(placed.text)["order_id"]
        order = get_order(order_id)
        assert order is not None

        fill = {
            "order_id": order_id, "trade_id": "T1", "quantity": 60, "price": 1402,
            "traded_at": datetime.now(UTC).isoformat(),
        }  # fmt: skip
        assert post_fill(server, fill, "another secret").status == 403
        assert [json.loads(post_fill(server, fill).text)["recorded"] for _ in "12"] == [True, False]
        assert post_fill(server, fill | {"quantity": 61}).status == 409
        no_object = post_fill(server, [])
        assert (no_object.status, json.loads(no_object.text)["error"][-1:].isalpha()) == (400, True)
        assert post_fill(server, fill | {"order_id": "unknown"}).status == 404
        assert post_fill(server, fill | {"traded_at": "2026-08-25T04:01:00"}).status == 400
        for price in (10**400, float("inf"), float("nan"), "1402", True):
            assert post_fill(server, fill | {"trade_id": "T3", "price": price}).status == 400, price
        assert post_fill(server, fill | {"trade_id": "T3", "quantity": 2**63}).status == 400
        page = server.ask("GET", "/positions").text
        assert "Positions of asha &lt;b&gt;" in page
        assert "RELIANCE<td>NSE<td>MIS" in page.replace("\n", "")
        assert "<td>60<td>1402.00<td>0.00" in page.replace("\n", "")

        with get_write_session() as tx:  # as one that keeps order and user, or the file, too long
            update_order_status(order_id, "OPEN", tx=tx)
            update_user(order.user_id, email="another@example.org", tx=tx)
            late = post_fill(server, fill | {"trade_id": "T2"})
            sent = server.ask("POST", "/orders", ORDER, key)
        assert (late.status, late.headers["Retry-After"]) == (503, "2")
        assert (sent.status, json.loads(sent.text)["stored"]) == (202, False)
        assert json.loads(post_fill(server, fill | {"trade_id": "T2"}).text)["recorded"]

        other = create_user("binod", "binod@example.org", hash_password(PASSWORD))
        others = create_api_key(other.id)
        assert server.ask("DELETE", f"/api-keys/{others.id}").status == 404
        assert get_user_by_api_key(others.api_key) == other
        assert server.ask("POST", "/orders", ORDER, key).status == 201
        assert server.ask("DELETE", f"/api-keys/{issued['id']}").status == 204
        wait_until(lambda: server.ask("POST", "/orders", {}, key).status == 401)  # CACHE_LEASE
    filled = get_order(order_id)
    assert filled is not None
    assert (filled.status, filled.fill_quantity) == ("COMPLETE", 120)
    stats = get_latency_stats(began, began + timedelta(hours=1))
    assert [each.count for each in stats] == [3]  # what waited was written at the end
    leaks.check("the log of the server", log.read_bytes())
