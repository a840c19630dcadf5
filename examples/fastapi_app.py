"""The same application on FastAPI: log in, API keys, orders, fills, a page of positions.

    pip install . fastapi uvicorn                            # here, in the folder of the project
    openalgo-store init                                     # the databases, two secrets in .env
    openalgo-store users add asha asha@example.org          # asks for a password
    openalgo-store load-symbols zerodha instruments.csv
    echo "SESSION_KEY='$(openssl rand -base64 32 | tr +/ -_)'" >> .env    # a Fernet key
    echo "POSTBACK_SECRET='$(openssl rand -hex 32)'" >> .env
    uvicorn --workers 4 examples.fastapi_app:app

The endpoints are `def`, not `async def`: FastAPI runs them in threads, so that one that waits for a
database keeps no other one waiting.
"""

import logging
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from html import escape
from typing import Annotated, Any, Literal

from cryptography.fernet import Fernet, InvalidToken
from fastapi import Depends, FastAPI, HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse
from fastapi.security import APIKeyCookie, APIKeyHeader
from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    PositiveFloat,
    PositiveInt,
    ValidationError,
)
from starlette.exceptions import HTTPException as AnyHTTPException

from openalgo_store import (
    DatabaseLogHandler,
    Position,
    Settings,
    StoreError,
    Transaction,
    User,
    authenticate_user,
    check_health,
    create_api_key,
    create_order,
    get_open_orders,
    get_positions,
    get_read_session,
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

HOURS_12 = 12 * 3600
MOST_BYTES = 16 * 1024
"""Of one body: FastAPI has no limit of its own."""


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Open the store before the first request, close it after the last: that writes what waits."""
    environment = {**read_env_file(".env"), **os.environ}
    app.state.sessions = Fernet(environment["SESSION_KEY"])
    app.state.postback_secret = environment["POSTBACK_SECRET"]
    with init_databases(Settings.from_env(environment)):
        logging.basicConfig(level="INFO", handlers=[logging.StreamHandler(), DatabaseLogHandler()])
        yield


app = FastAPI(title="Trading", lifespan=lifespan)


class Input(BaseModel):
    """What a client sends: each field of its type, and no other."""

    model_config = ConfigDict(strict=True, extra="forbid", hide_input_in_errors=True)


class Login(Input):
    username: str
    password: str


class NewKey(Input):
    name: str


class NewOrder(Input):
    symbol: str
    exchange: str
    action: Literal["BUY", "SELL"]
    quantity: Annotated[int, Field(ge=1, le=MOST_UNITS)]
    product: Literal["CNC", "MIS", "NRML", "MTF"]


class PostedFill(Input):
    order_id: str
    trade_id: str
    quantity: PositiveInt
    price: PositiveFloat
    traded_at: AwareDatetime


@app.middleware("http")
async def refuse_large_bodies(
    request: Request, call_next: Callable[[Request], Awaitable[Response]]
) -> Response:
    """Before they are read; nor is one read that does not say how long it is."""
    told = int(request.headers.get("content-length", "0"))
    if told > MOST_BYTES or "transfer-encoding" in request.headers:
        return JSONResponse({"error": f"a body has {MOST_BYTES} bytes at most, and says so"}, 413)
    return await call_next(request)


@app.exception_handler(StoreError)
def answer_store_error(request: Request, error: StoreError) -> JSONResponse:
    return JSONResponse(*answer_to(error))


@app.exception_handler(AnyHTTPException)
def answer_http_error(request: Request, error: AnyHTTPException) -> JSONResponse:
    return JSONResponse({"error": error.detail}, error.status_code, error.headers)


@app.exception_handler(RequestValidationError)
def answer_bad_input(request: Request, error: RequestValidationError) -> JSONResponse:
    """400, and without what was sent, which FastAPI's own answer repeats: it may be a password."""
    wrong = sorted({".".join(map(str, each["loc"])) or "body" for each in error.errors()})
    return JSONResponse({"error": f"missing, or not as it should be: {', '.join(wrong)}"}, 400)


def logged_in(
    request: Request,
    cookie: Annotated[str | None, Depends(APIKeyCookie(name="session", auto_error=False))],
) -> User:
    """Whose session cookie this is, if that user may still log in."""
    sessions: Fernet = request.app.state.sessions
    try:
        user = get_user(int(sessions.decrypt((cookie or "").encode(), ttl=HOURS_12)))
    except InvalidToken:
        user = None
    if user is None or not user.is_active:
        raise HTTPException(401, "log in first")
    return user


def key_owner(
    api_key: Annotated[str | None, Depends(APIKeyHeader(name="X-API-KEY", auto_error=False))],
) -> User:
    """Whose API key was sent; answered from memory."""
    user = get_user_by_api_key(api_key or "")
    if user is None:
        raise HTTPException(401, "this API key is not valid")
    return user


def read_session() -> Iterator[Transaction]:
    """One snapshot for all that a page reads."""
    with get_read_session() as tx:
        yield tx


async def raw_body(request: Request) -> bytes:
    return await request.body()


LoggedIn = Annotated[User, Depends(logged_in)]
KeyOwner = Annotated[User, Depends(key_owner)]
ReadSession = Annotated[Transaction, Depends(read_session, scope="function")]
"""It ends before the answer goes out. So may one that writes, and never later: see the guide."""


@app.post("/login")
def login(given: Login, request: Request, response: Response) -> dict[str, str]:
    user = authenticate_user(given.username, given.password)
    if user is None:
        raise HTTPException(401, "no active user has this name and this password")
    sealed = request.app.state.sessions.encrypt(str(user.id).encode()).decode()
    response.set_cookie(
        "session", sealed, max_age=HOURS_12, httponly=True, secure=True, samesite="strict"
    )
    return {"username": user.username}


@app.post("/api-keys", status_code=201)
def add_api_key(given: NewKey, user: LoggedIn, response: Response) -> dict[str, Any]:
    issued = create_api_key(user.id, given.name)
    response.headers["Cache-Control"] = "no-store"
    return {"id": issued.id, "api_key": issued.api_key}  # shown this once


@app.delete("/api-keys/{key_id}", status_code=204)
def end_api_key(key_id: int, user: LoggedIn) -> None:
    if key_id not in {key.id for key in list_api_keys(user.id)}:
        raise HTTPException(404, "you have no such key")
    revoke_api_key(key_id)


@app.post("/orders", status_code=201)
def place_order(order: NewOrder, user: KeyOwner, response: Response) -> dict[str, Any]:
    """All is checked before the broker is asked, and no session is open meanwhile."""
    token = get_symbol_token(order.symbol, order.exchange, BROKER)
    if token is None:
        raise HTTPException(400, "unknown symbol")
    order_id = send_order(token, order.action, order.quantity, "MARKET", order.product)
    try:
        create_order(
            order_id, user_id=user.id, broker=BROKER, order_type="MARKET", **order.model_dump()
        )
    except StoreError as error:  # the broker has it: who is told of an error would send it again
        log.error("order %s is at the broker, and not stored: %s", order_id, error)
        response.status_code = 202
        return {"order_id": order_id, "stored": False}  # report_order will bring it
    return {"order_id": order_id, "stored": True}


@app.post("/postback")
def take_postback(request: Request, body: Annotated[bytes, Depends(raw_body)]) -> dict[str, bool]:
    """A fill, as often as the broker likes to send it. Whatever is no 200 it sends again."""
    signature = request.headers.get("X-Signature", "")
    if not is_signed(body, signature, request.app.state.postback_secret):
        raise HTTPException(403, "the signature is not the broker's")
    try:
        fill = PostedFill.model_validate_json(body)
    except ValidationError as error:
        raise RequestValidationError(error.errors(include_url=False)) from error
    return {"recorded": record_fill(**fill.model_dump(), broker=BROKER).recorded}


@app.get("/positions", response_class=HTMLResponse)
def show_positions(user: LoggedIn, tx: ReadSession) -> str:
    positions, orders = get_positions(user.id, tx=tx), get_open_orders(user.id, tx=tx)
    rows = "".join(map(row, positions))
    return (
        f"<!doctype html><title>Positions</title><h1>Positions of {escape(user.username)}</h1>"
        f"<p>{len(orders)} open orders</p>"
        "<table><tr><th>Symbol<th>Exchange<th>Product<th>Quantity<th>Average<th>P&amp;L</tr>"
        f"{rows}</table>"
    )


def row(position: Position) -> str:
    """A row of the table. Whatever is text is escaped."""
    name = "<td>".join(map(escape, (position.symbol, position.exchange, position.product)))
    numbers = f"{position.quantity}<td>{position.average_price:.2f}<td>{position.pnl:.2f}"
    return f"<tr><td>{name}<td>{numbers}</tr>"


@app.get("/health")
def show_health(response: Response) -> dict[str, Any]:
    health = check_health()
    response.status_code = 200 if health.ok else 503
    return {"ok": health.ok, "problems": health.problems}
