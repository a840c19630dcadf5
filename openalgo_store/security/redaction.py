"""Redaction: what no log may hold is taken out of texts and fields, and the rest made storable."""

import re
from collections.abc import Mapping
from math import isfinite
from typing import Any

from ..values.text import storable

HIDDEN = "***"
_DEEPEST = 6
"""Levels of nested fields that are looked into; what lies deeper is kept as text."""
LONGEST = 65_536
"""Characters of a text that are kept; twice as many are looked at."""

_NAME = (  # how the name of a field ends that holds one
    r"(?:pass(?:word|wd|phrase|code)|secret|token|pepper|credential|authorization|cookie"
    r"|(?:api|secret|access|private|encryption)[_\- ]?key|session[_-]?id"
    r"|(?<![a-z])(?:pwd|t?otp|[mt]?pin|jwt))s?"
)
_IS = r"""(?:\\*["'])?\s*[:=]\s*"""
_QUOTED = "|".join(  # the second is a text in a text: \"…\", and \\\" in it
    rf"b?{quote}(?:[^{quote}\\]|\\.)*+{quote}|\\+{quote}(?:[^{quote}\\]|\\\\(?:\\.|[^\\]))*+"
    for quote in "\"'"
)
_VALUE = (  # a quote that nobody closes goes to the end of its line
    rf"""{_QUOTED}|b?["'][^\r\n]*+|\[[^\]]*+\]?"""
    r"""|(?:(?:bearer|basic|token)\s+)?[^\s,;&)\]}"']+"""
)
_FLAGS = re.IGNORECASE | re.DOTALL
_IS_SECRET = re.compile(rf"{_NAME}$", re.IGNORECASE)
# Each is linear: of what one attempt has looked through in vain, the next starts behind.
_PATTERNS = (
    # Cookie: …; …, to the end of the line; "Authorization": "…"
    (
        re.compile(rf"((?:authorization|cookie)s?{_IS})(?:{_QUOTED}|[^\r\n]+)", _FLAGS),
        rf"\1{HIDDEN}",
    ),
    # password=…, "access_token": "…"
    (re.compile(rf"({_NAME}{_IS})(?:{_VALUE})", _FLAGS), rf"\1{HIDDEN}"),
    (re.compile(r"\b(bearer\s+)[\w.~+/=:-]{8,}", re.IGNORECASE), rf"\1{HIDDEN}"),
    (re.compile(r"(://[^\s:/@]*:)[^\s/]+@"), rf"\1{HIDDEN}@"),  # user:password@host
    (re.compile(r"\bopenalgo_[\w-]{32,}"), HIDDEN),  # an API key of this store
    (re.compile(r"(?<![\w-])eyJ[\w-]{8,}\.[\w-]+\.[\w-]*"), HIDDEN),  # a JSON web token
    (re.compile(r"\bgAAAA[\w-]{32,}=*"), HIDDEN),  # what Fernet sealed
    (re.compile(r"(?<!\d)\d{6,}:[\w-]{30,}"), HIDDEN),  # a Telegram bot's, in its URLs
    (re.compile(r"\$argon2\w+\$[^\s'\"]+"), HIDDEN),  # the hash of a password
)


def redacted(text: str) -> str:
    """The text without keys, tokens and passwords, as far as they can be told.

    Storable, and of no more characters than are looked at.
    """
    text = cut(text, 2 * LONGEST)
    for pattern, instead in _PATTERNS:
        text = pattern.sub(instead, text)
    return text


def is_secret(name: str) -> bool:
    """Whether a field of this name holds a key, token or password."""
    return _IS_SECRET.search(name) is not None


def cut(text: str, most: int) -> str:
    """The text, storable, of at most so many characters."""
    text = storable(text[: most + 1])
    return text if len(text) <= most else f"{text[: most - 1]}…"


def as_json(value: Any, hide: bool, depth: int = 0) -> Any:
    """The value as the JSON it is or, where it is none, as its repr; with `hide` redacted.

    Each of its texts is cut.
    """
    try:
        if value is None or value is True or value is False:
            return value
        if isinstance(value, (int, float)) and isfinite(value) and abs(value) < 2**63:
            return value
        if isinstance(value, str):
            return _text(value, hide)
        if isinstance(value, Mapping) and depth < _DEEPEST:
            return {
                _text(str(name), hide): HIDDEN
                if hide and is_secret(str(name))
                else as_json(item, hide, depth + 1)
                for name, item in value.items()
            }
        if isinstance(value, (list, tuple, set, frozenset)) and depth < _DEEPEST:
            return [as_json(item, hide, depth + 1) for item in value]
        return _text(repr(value), hide)
    except Exception:  # a value may do anything when it is looked at
        return f"<{type(value).__name__}>"


def _text(text: str, hide: bool) -> str:
    return cut(redacted(text) if hide else text, LONGEST)
