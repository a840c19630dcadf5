"""The kinds of columns that come with a rule of their own."""

from collections.abc import Sequence

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Identity,
    Integer,
    text,
)
from sqlalchemy import false as sql_false
from sqlalchemy import true as sql_true
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeEngine

from .types import OneOf, PlainText, Whole


class _RowNumber(Whole):
    """What the database numbers rows with, in 64 bits.

    An engine without identity columns does so for a primary key that is INTEGER to the letter.
    """

    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[int]:
        return BigInteger() if dialect.supports_identity_columns else Integer()


def id_column() -> Column[int]:
    """The primary key, numbered by the database.

    A table from which rows are deleted is declared with sqlite_autoincrement: no number comes back.
    """
    return Column("id", _RowNumber, Identity(), primary_key=True)


def text_column(
    name: str,
    length: int,
    *rules: ForeignKey,
    one_of: Sequence[str] = (),
    nullable: bool = True,
    unique: bool = False,
    primary_key: bool = False,
) -> Column[str]:
    """Text of at most `length` characters, a rule that the database holds too.

    one_of lists all values the column may have.
    """
    checks = [CheckConstraint(f"length({name}) <= {length}", name=f"{name}_length")]
    kind = PlainText(length)
    if one_of:
        values = ", ".join(f"'{value}'" for value in one_of)
        checks.append(CheckConstraint(f"{name} IN ({values})", name=name))
        kind = OneOf(name, tuple(one_of), length)
    return Column(
        name,
        kind,
        *rules,
        *checks,
        nullable=nullable,
        unique=unique or None,
        primary_key=primary_key,
    )


def flag_column(name: str, default: bool | None = None) -> Column[bool]:
    """True or false; where the engine has only numbers for that, 0 and 1 and no other."""
    kind = Boolean(create_constraint=True, name=f"{name}_boolean")
    if default is None:
        return Column(name, kind, nullable=False)
    return Column(name, kind, nullable=False, server_default=sql_true() if default else sql_false())


def counter_column(name: str) -> Column[int]:
    """A whole number that starts at 0."""
    return Column(name, Whole, nullable=False, server_default=text("0"))
