"""The file .env: KEY=VALUE lines. Only the commands read it, the library never does."""

import re
from pathlib import Path

from ..errors import ConfigurationError

_LINE = re.compile(
    r"""
    (?:export\s+)?
    (?P<key>[A-Za-z_][A-Za-z0-9_]*) \s*=\s*
    (?: '(?P<literal>[^']*)'
      | "(?P<quoted>(?:[^"\\]|\\.)*)"
      | (?P<bare>(?!['"]).*?)
    )
    \s* (?:(?<=\s)\#.*)?
    """,
    re.VERBOSE,
)
_ESCAPE = re.compile(r"\\(.)")
_ESCAPED = {"n": "\n", "r": "\r", "t": "\t"}


def read_env_file(path: Path) -> dict[str, str]:
    """The variables of the file, none when there is no file.

    Blank lines, # comments and a leading `export` are passed over; 'single' quotes keep a value
    as it is, "double" ones know \\n, \\r, \\t, \\" and \\\\. Raises ConfigurationError with the
    line's number, and without its text, which may be a secret.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return {}
    except UnicodeDecodeError:
        raise ConfigurationError(f"{path} is not UTF-8 text: save it as that") from None
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}") from error
    values = {}
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.strip()
        if not stripped or stripped[0] == "#":
            continue
        found = _LINE.fullmatch(stripped)
        if found is None:
            raise ConfigurationError(f"{path}, line {number}: write KEY=VALUE, closing every quote")
        values[found["key"]] = _value(found)
    return values


def _value(found: re.Match[str]) -> str:
    if found["literal"] is not None:
        return found["literal"]
    if found["quoted"] is not None:
        return _ESCAPE.sub(lambda each: _ESCAPED.get(each[1], each[1]), found["quoted"])
    return found["bare"]
