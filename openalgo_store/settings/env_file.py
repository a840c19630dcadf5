"""The file .env: KEY=VALUE lines. The commands read it, the library never does by itself."""

import os
import re
from pathlib import Path

from ..errors import ConfigurationError, InvalidInput

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
_ALIKE = re.compile(
    r"""
    [ \t]* (?:export[ \t]+)? [A-Za-z_][A-Za-z0-9_]*=
    (?: '[^']*'
      | "(?:[^"\\$`]|\\["\\$`])*"
      | [^\s'"\\$`&|;<>(){}~]*
    )
    (?:[ \t]+ (?:\#.*)?)?
    """,
    re.VERBOSE,
)
"""What read_env_file and a shell surely read alike."""
_ESCAPE = re.compile(r"\\(.)")
_ESCAPED = {"n": "\n", "r": "\r", "t": "\t"}


def read_env_file(path: str | os.PathLike[str]) -> dict[str, str]:
    """The variables of the file, none when there is no file.

    `Settings.from_env({**read_env_file(".env"), **os.environ})` reads what the commands read.

    Blank lines, # comments and a leading `export` are passed over; 'single' quotes keep a value
    as it is, "double" ones know \\n, \\r, \\t, \\" and \\\\. Raises ConfigurationError with the
    line's number, and without its text, which may be a secret.
    """
    text = _text(path)
    values = {}
    for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), 1):
        stripped = line.strip()
        if not stripped or stripped[0] == "#":
            continue
        found = _LINE.fullmatch(stripped)
        if found is None:
            raise ConfigurationError(f"{path}, line {number}: write KEY=VALUE, closing every quote")
        values[found["key"]] = _value(found)
    return values


def unlike_in_a_shell(path: str | os.PathLike[str]) -> list[str]:
    """The variables that a shell which reads the file takes otherwise, or stumbles over."""
    return [
        found["key"]
        for line in _text(path).split("\n")
        if (found := _LINE.fullmatch(line.removeprefix("\ufeff").strip()))
        and not _ALIKE.fullmatch(line)
    ]


def _text(path: str | os.PathLike[str]) -> str:
    try:
        return Path(path).read_bytes().decode()
    except FileNotFoundError:
        return ""
    except UnicodeDecodeError:
        raise ConfigurationError(f"{path} is not UTF-8 text: save it as that") from None
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}") from error
    except (TypeError, ValueError):
        raise InvalidInput("the path of a file is needed, as '.env'") from None


def _value(found: re.Match[str]) -> str:
    if found["literal"] is not None:
        return found["literal"]
    if found["quoted"] is not None:
        return _ESCAPE.sub(lambda each: _ESCAPED.get(each[1], each[1]), found["quoted"])
    return found["bare"]
