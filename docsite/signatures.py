"""For mkdocstrings: what a reader cannot see in a signature as it is written."""

import ast
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from griffe import (
    AliasResolutionError,
    Attribute,
    Class,
    Extension,
    Function,
    Module,
    Parameter,
    ParameterKind,
    Parameters,
)


class Signatures(Extension):
    """Records have their fields, second names their function's signature, defaults their value."""

    def on_class_members(self, *, cls: Class, **_: Any) -> None:
        """A NamedTuple gets the `__init__` that Python makes of its fields."""
        if not any(str(base) == "NamedTuple" for base in cls.bases):
            return
        fields = [
            Parameter(
                name,
                annotation=member.annotation,
                kind=ParameterKind.positional_or_keyword,
                default=member.value,
            )
            for name, member in cls.members.items()
            if member.is_attribute and member.annotation is not None
        ]
        cls.set_member("__init__", Function("__init__", parameters=Parameters(*fields)))

    def on_module_members(self, *, mod: Module, **_: Any) -> None:
        """`get_read_session = reading` is shown as the function that it is."""
        for name, member in list(mod.members.items()):
            function = isinstance(member, Attribute) and mod.members.get(str(member.value))
            if isinstance(function, Function):
                again = Function(name, parameters=function.parameters, returns=function.returns)
                again.docstring = function.docstring
                mod.set_member(name, again)

    def on_package(self, *, pkg: Module, **_: Any) -> None:
        """`timeout = PATIENCE` is shown with its number."""
        for function in _functions(pkg):
            for parameter in function.parameters:
                path = getattr(parameter.default, "canonical_path", "")
                with suppress(AliasResolutionError, KeyError, ValueError, SyntaxError):
                    named = pkg[path.removeprefix(f"{pkg.name}.")]
                    value = str(named.value) if named.is_attribute else ""
                    if not value.startswith("timedelta("):
                        ast.literal_eval(value)
                    parameter.default = value


def _functions(place: Module | Class) -> Iterator[Function]:
    for member in place.members.values():
        if isinstance(member, Function):
            yield member
        elif isinstance(member, (Module, Class)):
            yield from _functions(member)
