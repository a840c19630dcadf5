"""A small trading application on Flask: log in, API keys, orders, fills, a page of positions.

    pip install openalgo-store flask gunicorn
    openalgo-store init                                     # the databases, two secrets in .env
    openalgo-store users add asha asha@example.org          # asks for a password
    openalgo-store load-symbols zerodha instruments.csv
    echo "SESSION_KEY='$(openssl rand -hex 32)'" >> .env    # signs the session cookies
    echo "POSTBACK_SECRET='$(openssl rand -hex 32)'" >> .env
    gunicorn --workers 4 --threads 8 "examples.flask_app:create_app()"

Each worker process makes the application, and so opens a store of its own. With --preload gunicorn
makes it once and forks: that works as well.
"""

import logging
import os
from datetime import datetime, timedelta
from typing import Any

from flask import (
    Blueprint,
    Flask,
    Response,
    abort,
    current_app,
    jsonify,
    render_template_string,
    request,
    session,
)
from werkzeug.exceptions import HTTPException

from openalgo_store import (
    DatabaseLogHandler,
    Settings,
    StoreError,
    User,
    authenticate_user,
    check_health,
    create_api_key,
    create_order,
    get_positions,
    get_symbol_token,
    get_user,
    get_user_by_api_key,
    init_databases,
    list_api_keys,
    read_env_file,
    record_fill,
    revoke_api_key,
)

from .answers import answer_to, log
from .broker import BROKER, MOST_UNITS, is_signed, send_order

pages = Blueprint("pages", __name__)

ORDER = {"symbol": str, "exchange": str, "action": str, "quantity": int, "product": str}
FILL = {"order_id": str, "trade_id": str, "quantity": int, "price": float, "traded_at": str}
WORDS = {"action": {"BUY", "SELL"}, "product": {"CNC", "MIS", "NRML", "MTF"}}
POSITIONS = """<!doctype html><title>Positions</title><h1>Positions of {{ user.username }}</h1>
<table><tr><th>Symbol<th>Exchange<th>Product<th>Quantity<th>Average<th>P&amp;L</tr>
{% for each in positions %}<tr><td>{{ each.symbol }}<td>{{ each.exchange }}<td>{{ each.product }}
<td>{{ each.quantity }}<td>{{ "%.2f" % each.average_price }}<td>{{ "%.2f" % each.pnl }}</tr>
{% endfor %}</table>"""


def create_app() -> Flask:
    """The application, with the store open. A setting that is missing or wrong raises here."""
    environment = {**read_env_file(".env"), **os.environ}
    init_databases(Settings.from_env(environment))
    logging.basicConfig(level="INFO", handlers=[logging.StreamHandler(), DatabaseLogHandler()])
    app = Flask(__name__)
    app.config.update(
        SECRET_KEY=environment["SESSION_KEY"],
        POSTBACK_SECRET=environment["POSTBACK_SECRET"],
        SESSION_COOKIE_SECURE=True,  # HTTPS only; browsers let localhost pass
        SESSION_COOKIE_SAMESITE="Strict",
        PERMANENT_SESSION_LIFETIME=timedelta(hours=12),
        MAX_CONTENT_LENGTH=16 * 1024,
    )
    app.register_blueprint(pages)
    app.register_error_handler(StoreError, answer_to)
    app.register_error_handler(HTTPException, answer_http_error)
    return app


def answer_http_error(error: HTTPException) -> tuple[dict[str, str | None], int]:
    return {"error": error.description}, error.code or 500


@pages.post("/login")
def login() -> dict[str, str]:
    given = body_with({"username": str, "password": str})
    user = authenticate_user(given["username"], given["password"])
    if user is None:
        abort(401, "no active user has this name and this password")
    session.clear()
    session["user_id"] = user.id
    session.permanent = True
    return {"username": user.username}


@pages.post("/api-keys")
def add_api_key() -> tuple[Response, int]:
    issued = create_api_key(logged_in().id, body_with({"name": str})["name"])
    answer = jsonify(id=issued.id, api_key=issued.api_key)  # shown this once
    answer.headers["Cache-Control"] = "no-store"
    return answer, 201


@pages.delete("/api-keys/<int:key_id>")
def end_api_key(key_id: int) -> tuple[str, int]:
    if key_id not in {key.id for key in list_api_keys(logged_in().id)}:
        abort(404, "you have no such key")
    revoke_api_key(key_id)
    return "", 204


@pages.post("/orders")
def place_order() -> tuple[dict[str, Any], int]:
    """All is checked before the broker is asked, and no session is open meanwhile."""
    user, order = key_owner(), body_with(ORDER)
    token = get_symbol_token(order["symbol"], order["exchange"], BROKER)
    unknown = [name for name, words in WORDS.items() if order[name] not in words]
    if token is None or unknown or not 1 <= order["quantity"] <= MOST_UNITS:
        abort(400, f"unknown symbol, action or product, or no quantity of 1 to {MOST_UNITS}")
    order["order_type"] = "MARKET"
    order_id = send_order(token, order["action"], order["quantity"], "MARKET", order["product"])
    try:
        create_order(order_id, user_id=user.id, broker=BROKER, **order)
    except StoreError as error:  # the broker has it: who is told of an error would send it again
        log.error("order %s is at the broker, and not stored: %s", order_id, error)
        return {"order_id": order_id, "stored": False}, 202  # report_order will bring it
    return {"order_id": order_id, "stored": True}, 201


@pages.post("/postback")
def take_postback() -> dict[str, bool]:
    """A fill, as often as the broker likes to send it. Whatever is no 200 it sends again."""
    signature = request.headers.get("X-Signature", "")
    if not is_signed(request.get_data(), signature, current_app.config["POSTBACK_SECRET"]):
        abort(403, "the signature is not the broker's")
    fill = body_with(FILL)
    try:
        fill["traded_at"] = datetime.fromisoformat(fill["traded_at"])
    except ValueError:
        abort(400, "traded_at is no ISO time")
    return {"recorded": record_fill(**fill, broker=BROKER).recorded}


@pages.get("/positions")
def show_positions() -> str:
    user = logged_in()
    return render_template_string(POSITIONS, user=user, positions=get_positions(user.id))


@pages.get("/health")
def show_health() -> tuple[dict[str, Any], int]:
    health = check_health()
    return {"ok": health.ok, "problems": health.problems}, 200 if health.ok else 503


def logged_in() -> User:
    """Whose session cookie this is, if that user may still log in."""
    user = get_user(session["user_id"]) if "user_id" in session else None
    if user is None or not user.is_active:
        abort(401, "log in first")
    return user


def key_owner() -> User:
    """Whose API key was sent; answered from memory."""
    user = get_user_by_api_key(request.headers.get("X-API-KEY", ""))
    if user is None:
        abort(401, "this API key is not valid")
    return user


def body_with(fields: dict[str, type]) -> dict[str, Any]:
    """These fields of a JSON object, each of its type, and nothing else that was sent."""
    try:
        body = request.get_json()
    except RecursionError:
        abort(400, "this JSON has too many levels")
    if not isinstance(body, dict):
        abort(400, "send a JSON object")
    if wrong := [name for name, kind in fields.items() if not fits(body.get(name), kind)]:
        abort(400, f"missing, or of another type: {', '.join(wrong)}")
    return {name: body[name] for name in fields}


def fits(value: object, kind: type) -> bool:
    """Whether JSON has given such a value; true is no number."""
    return type(value) is kind or (kind is float and type(value) is int)
