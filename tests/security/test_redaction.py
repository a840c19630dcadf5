"""Redaction: what stands in texts as brokers and programs write them, however hostile."""

import json
from time import thread_time
from typing import Any

import pytest

from openalgo_store.security.redaction import LONGEST, as_json, cut, is_secret, redacted

SECRET = "Ux7secret9Q"
LEAKS: tuple[str, ...] = (
    f"mpin={SECRET}",
    f"login mPin: {SECRET}",
    f"TPIN = {SECRET}",
    f"API Key: {SECRET}",
    f"secret key={SECRET}",
    f"X-API-KEY: {SECRET}",
    json.dumps({"password": f'a"b\\{SECRET}'}),
    json.dumps({"body": json.dumps({"password": SECRET, "n": 5})}),
    json.dumps({"body": json.dumps({"password": f'a"b\\{SECRET}'})}),
    json.dumps({"body": json.dumps({"again": json.dumps({"password": f'a"{SECRET}'})})}),
    repr(f"it's {{\"a\": 'b'}}, {{'password': '{SECRET}'}}"),
    f"password='two\nlines {SECRET}'",
    f"password=\"un'closed {SECRET}",
    f"{{'passwords': ['first', '{SECRET}']}}",
    f"tokens=[first, {SECRET}",
    f"Cookie: a=1; session={SECRET}",
    rf"b'POST /x\r\nCookie: a=b; enctoken2=x; sid={SECRET}'",
    f"Authorization: Digest username=x, response={SECRET}",
    json.dumps({"Authorization": f"Digest username=x, response={SECRET}"}),
    f"postgresql://user:pa@ss@{SECRET}@host/db",
    f"redis://:{SECRET}@host",
)


@pytest.mark.parametrize("text", LEAKS)
def test_a_secret_is_found_in_whatever_way_it_is_written(text: str) -> None:
    assert SECRET not in redacted(text)
    assert "***" in redacted(text)


def test_what_stands_beside_a_secret_stays() -> None:
    for text, kept in (
        ("password=x, user=asha", "password=***, user=asha"),
        ("Cookie: a=1; b=2\nHost: x", "Cookie: ***\nHost: x"),
        ('{"authorization": "token a:b", "n": 5}', '{"authorization": ***, "n": 5}'),
        ("{'pins': [1, 2], 'n': 5}", "{'pins': ***, 'n': 5}"),
        (r'"{\"pin\": \"1\", \"n\": 5}"', r'"{\"pin\": ***\", \"n\": 5}"'),
        ("pin: '12\nn: 5", "pin: ***\nn: 5"),
        ("https://user:p@ss@host/a@b", "https://user:***@host/a@b"),
        ("spinning, campin: 5, keypins", "spinning, campin: 5, keypins"),
    ):
        assert redacted(text) == kept
    assert is_secret("mpin")
    assert is_secret("API Key")
    assert not is_secret("campin")


def test_a_long_text_is_cut_before_it_is_searched_and_after() -> None:
    text = f"password={SECRET} " * 100_000
    assert len(redacted(text)) <= 2 * LONGEST
    assert SECRET not in redacted(text)
    assert cut(redacted("x" * 10_000_000), LONGEST) == "x" * (LONGEST - 1) + "…"


@pytest.mark.parametrize("hide", [True, False])
def test_each_text_of_a_value_is_cut(hide: bool) -> None:
    class Long:
        def __repr__(self) -> str:
            return "x" * 200_000

    long = "x" * (LONGEST - 1) + "…"
    values: Any = {"text": "x" * 200_000, "x" * 200_000: 1, "list": ["x" * 200_000], "any": Long()}
    assert as_json(values, hide) == {"text": long, long: 1, "list": [long], "any": long}


HOSTILE = (
    "-eyJAAAAAAAA", ".eyJAAAAAAAA", "eyJ", "a.-", "a", "1", "gAAAA-", "openalgo_", "$argon2a",
    "token", "token=", "password ", "password\\", "password=\\", "password=\\\"", "password=\"\\",
    "password='\"", "password=b'\\\n", "pin=[", "pin:\n", "token=token ", "cookie:", "cookie=\"\\",
    "authorization='", "bearer ", "://", "://a:", "://:@", "://a:b@c", "123456:", "\\", "\"", " ",
)  # fmt: skip


def cost(text: str) -> float:
    """Processor seconds of this thread, the least of some tries."""
    spent = []
    for _ in range(3):
        began = thread_time()
        redacted(text)
        spent.append(thread_time() - began)
    return min(spent)


@pytest.mark.parametrize("piece", HOSTILE)
def test_four_times_the_text_is_about_four_times_the_work(piece: str) -> None:
    """Sixteen times it would be where each start looks at all that follows."""
    for text in ((piece * 60_000)[:60_000], ("password=\"'" + piece * 60_000)[:60_000]):
        assert cost(text) < 10 * cost(text[:15_000]) + 0.02
