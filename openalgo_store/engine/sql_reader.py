"""Reads the files of sql/: their format, and what this reader refuses, is in docs/statements.md."""

import re
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from ..settings import project_folder

MARK = re.compile(r"/\*(\w+)\*/(?=\w)")
"""Before the name of a table, for the prefix that it gets."""

_ENGINES = {"sqlite", "postgresql"}
_NAME = re.compile(r"-- name: (\w+)(?: @(\w+))?\n")
_NAMES = re.compile(r"^(?=[ \t]*--[ \t]*name\b)", re.MULTILINE)
_COMMENT = re.compile(r"(?:--.*\n)+")
_LITERAL_OR_COMMENT = re.compile(r"('[^']*')|--.*")
_LITERAL = re.compile(r"'[^']*'")
_BIND = re.compile(r"(?<![:\w]):(\w+)")
_NESTED = re.compile(r"\([^()]*\)")
_VERB = re.compile(r"\b(?:SELECT|INSERT|UPDATE|DELETE)\b")
_SELECTED = re.compile(
    r"SELECT\b(?:\s+DISTINCT\b)?(.*?)(?:\b(?:FROM|WHERE|UNION|INTERSECT|EXCEPT|ORDER|LIMIT)\b|$)",
    re.DOTALL,
)
_RETURNED = re.compile(r"\bRETURNING\b(.*)", re.DOTALL)
_COLUMN = re.compile(r"(?:\w+\.)?([a-z_]\w*)|.*\bAS\s+([a-z_]\w*)", re.DOTALL)

_HIDDEN = "¤"
"""Stands for a literal, and for what is in parentheses, while the rest is looked at."""

_INSTEAD = {
    r"\b(?:select|insert|update|delete|from|as|returning)\b": "write keywords in capitals",
    r"\A(?!(?:WITH|SELECT|INSERT|UPDATE|DELETE)\b)": "begin with WITH or with a verb",
    r"'": "close the quotes",
    r";": "give each statement its own name",
    r"/\*": "write comments with --",
    r"[\"`\[]": "choose names that need no quotes, and no arrays",
    r"[?$\\]": "write binds as :name",
    rf"\w{_HIDDEN}": "write literals without a letter before them",
    r":\w+:": "write CAST(:name AS TYPE)",
}
"""What the reader would misunderstand outside literals, and what to do instead."""
_BIND_IN_LITERAL = re.compile(r"(?<![:\w]):\w|\\:")


class Statement(NamedTuple):
    """A statement for one engine or for both: the comment above it, its SQL, what stands in it."""

    comment: str
    sql: str
    binds: frozenset[str]
    columns: tuple[str, ...]
    marks: frozenset[str]


@cache
def read_statements(path: str) -> dict[str, dict[str | None, Statement]]:
    """The statements of a file: name -> engine (None: every engine) -> statement.

    LookupError, which says what to write instead, for one that this reader does not understand.
    """
    head, *parts = _NAMES.split((project_folder("sql") / path).read_text(encoding="utf-8"))
    if _LITERAL_OR_COMMENT.sub("", head).strip():
        raise LookupError(f"sql/{path}: begin the first statement with -- name: its_name")
    found: dict[str, dict[str | None, Statement]] = {}
    for part in parts:
        named = _NAME.match(part)
        if named is None or named[2] not in {None, *_ENGINES}:
            first = part.splitlines()[0]
            raise LookupError(f"sql/{path}: {first}: write -- name: its_name, with @engine or not")
        name, engine = named.groups()
        texts = found.setdefault(name, {})
        if engine in texts:
            raise LookupError(f"sql/{path} has {name} twice")
        try:
            texts[engine] = _read(part[named.end() :])
        except ValueError as error:
            raise LookupError(f"sql/{path}: {name}: {error}") from None
    for name, texts in found.items():
        is_complete = None in texts or texts.keys() == _ENGINES
        shapes = {(each.binds, each.columns, each.marks) for each in texts.values()}
        if not is_complete or len(shapes) > 1:
            raise LookupError(f"sql/{path}: {name} is not the same for every engine")
    return found


def _read(part: str) -> Statement:
    """A statement and its comment; ValueError says what is wrong with it."""
    comment = _COMMENT.match(part)
    if comment is None:
        raise ValueError("say above it, in a comment, which index serves it")
    sql = _LITERAL_OR_COMMENT.sub(lambda found: found[1] or "", part).strip().removesuffix(";")
    if any(map(_BIND_IN_LITERAL.search, _LITERAL.findall(sql))):
        raise ValueError("pass a literal with :word in it as a bind")
    bare = _LITERAL.sub(_HIDDEN, sql)
    unmarked = MARK.sub("", bare)
    for pattern, instead in _INSTEAD.items():
        if re.search(pattern, unmarked):
            raise ValueError(instead)
    return Statement(
        " ".join(comment[0].replace("--", "").split()),
        sql,
        frozenset(_BIND.findall(bare)),
        tuple(_columns(unmarked)),
        frozenset(MARK.findall(bare)),
    )


def _columns(sql: str) -> Iterator[str]:
    """The names of the columns that a statement returns, none for one that returns no rows."""
    while (flat := _NESTED.sub(_HIDDEN, sql)) != sql:
        sql = flat
    verb = _VERB.search(sql)
    if verb is None or "(" in sql or ")" in sql:
        raise ValueError("close the parentheses, and end with a verb")
    returned = (_SELECTED if verb[0] == "SELECT" else _RETURNED).search(sql, verb.start())
    for each in returned[1].split(",") if returned else ():
        named = _COLUMN.fullmatch(each.strip())
        if named is None:
            raise ValueError("name each column that comes back, as in count(*) AS symbols")
        yield named[1] or named[2]
