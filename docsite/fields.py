"""For mkdocstrings: a record is shown with its fields and their types, as a dataclass is."""

from typing import Any

from griffe import Class, Extension, Function, Parameter, ParameterKind, Parameters


class RecordFields(Extension):
    """Gives each NamedTuple the `__init__` that Python makes of its fields."""

    def on_class_members(self, *, cls: Class, **_: Any) -> None:
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
