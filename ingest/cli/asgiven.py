"""Flags whose value needs no conversion are taken as they are, and shown in the words they are written in.

typer converts every value through pydantic, also one that was not given, or
is a text that shall be a text. Loading pydantic for that took a fifth of the
start of each command; here only a value that must be converted costs it. Nor
does the help speak of types of Python.
"""

from __future__ import annotations

from typing import Any

from typer.core import TyperArgument, TyperOption


class _Option(TyperOption):
    """A flag that leaves to typer only what there is to convert."""

    def process_value(self, ctx: Any, value: Any) -> Any:
        """The value as its command receives it."""
        return _heard(self, ctx, value) if _is_ready(self, value) else super().process_value(ctx, value)

    def _get_number_range_help_str(self) -> None:
        """Nothing: that a count is at least 1 goes without saying, and the most is 64 bits."""


class _Argument(TyperArgument):
    """An argument that leaves to typer only what there is to convert."""

    def process_value(self, ctx: Any, value: Any) -> Any:
        """The value as its command receives it."""
        return _heard(self, ctx, value) if _is_ready(self, value) else super().process_value(ctx, value)

    def display_type(self, ctx: Any) -> str:  # noqa: ARG002  # typer's signature
        """Nothing: what an argument is, its name says."""
        return ""

    def display_type_rich(self, ctx: Any) -> str:
        """Nothing, for the same reason."""
        return self.display_type(ctx)

    def _usage_display_name(self) -> str:
        """As it is written in the reference: `FILE`, or `[DIR]` where it may be left out."""
        return self.metavar or super()._usage_display_name()


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
