"""Flags whose value needs no conversion are taken as they are.

typer converts every value through pydantic, also one that was not given, or
is a text that shall be a text. Loading pydantic for that took a fifth of the
start of each command; here only a value that must be converted costs it.
"""

from __future__ import annotations

from typing import Any

from typer.core import TyperArgument, TyperOption


class _Option(TyperOption):
    """A flag that leaves to typer only what there is to convert."""

    def process_value(self, ctx: Any, value: Any) -> Any:
        """The value as its command receives it."""
        return _heard(self, ctx, value) if _is_ready(self, value) else super().process_value(ctx, value)


class _Argument(TyperArgument):
    """An argument that leaves to typer only what there is to convert."""

    def process_value(self, ctx: Any, value: Any) -> Any:
        """The value as its command receives it."""
        return _heard(self, ctx, value) if _is_ready(self, value) else super().process_value(ctx, value)


_CLASSES: dict[type[Any], type[Any]] = {TyperOption: _Option, TyperArgument: _Argument}


def take_as_given(parameters: list[Any]) -> list[Any]:
    """The parameters, which convert only what must be converted."""
    for parameter in parameters:
        # typer makes its parameters itself, from annotations: a class of ours can only be given to them here.
        parameter.__class__ = _CLASSES.get(type(parameter), type(parameter))
    return parameters


def _is_ready(parameter: Any, value: Any) -> bool:
    """True for what was not given and need not be, and for what is of the annotated type already."""
    if value is None:
        return not parameter.required
    annotation = getattr(getattr(parameter, "type_descriptor", None), "annotation", None)
    return type(value) is annotation


def _heard(parameter: Any, ctx: Any, value: Any) -> Any:
    """The value, once who asked to hear it has."""
    takes_many = parameter.multiple or parameter.nargs == -1
    given = () if value is None and takes_many else value
    return given if parameter.callback is None else parameter.callback(ctx, parameter, given)
