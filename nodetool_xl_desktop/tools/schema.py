"""The JSON Schema of a function's arguments, from its signature and its docstring.

msgspec makes the schema of each annotation and turns JSON values into what the annotation asks for. Measured against
pydantic: an import of 24 ms instead of 53, 0.7 MB instead of 10, no dependencies, and `typing.TypedDict` works on
Python 3.11.
"""

from __future__ import annotations

import dataclasses
import enum
import inspect
import json
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import docstring_parser
import msgspec

_REFERENCE = "#/$defs/"


@dataclass(frozen=True, slots=True)
class FunctionSchema:
    """What a signature and a docstring say: for the model, and the annotation of each parameter for the call."""

    description: str
    parameters: dict[str, Any]
    types: dict[str, Any]


def of_function(function: Callable[..., Any], name: str) -> FunctionSchema:
    """Read `function`; a Google-style `Args:` section describes the parameters.

    Raises:
        TypeError: a parameter has no annotation, no name that could be given, or a type that JSON cannot hold.
    """
    document = docstring_parser.google.parse(inspect.getdoc(function) or "")
    about = {param.arg_name.lstrip("*"): param.description or "" for param in document.params}
    hints = _hints(function, name)
    properties: dict[str, Any] = {}
    required = []
    types = {}
    for parameter in inspect.signature(function).parameters.values():
        where = f"{name}, parameter {parameter.name}"
        _check(parameter, where, hints)
        types[parameter.name] = hints[parameter.name]
        properties[parameter.name] = _of_parameter(parameter, hints[parameter.name], where, about)
        if parameter.default is parameter.empty:
            required.append(parameter.name)
    parameters: dict[str, Any] = {"type": "object", "properties": properties}
    if required:
        parameters["required"] = required
    parameters["additionalProperties"] = False
    return FunctionSchema(_first_paragraph(document), parameters, types)


def convert(value: Any, annotation: Any) -> Any:
    """A JSON value as what `annotation` asks for.

    Raises:
        msgspec.ValidationError: it does not fit.
    """
    return msgspec.convert(value, annotation)


def to_json(value: Any) -> str:
    """Anything with a JSON form (dataclasses, enums, dates, sets) as JSON.

    Raises:
        TypeError: it has none.
        ValueError: it holds itself.
    """
    try:
        return json.dumps(value, ensure_ascii=False, default=_plain)
    except RecursionError as error:
        raise TypeError("it is nested too deeply") from error


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        # WORKAROUND: msgspec 0.22 leaves out the defaults of a dataclass that it made itself.
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    return value.value if isinstance(value, enum.Enum) else msgspec.to_builtins(value)


def _hints(function: Callable[..., Any], name: str) -> dict[str, Any]:
    # An object that is called has its annotations at __call__, a function at itself.
    target = function if inspect.isroutine(function) else type(function).__call__
    try:
        return typing.get_type_hints(target, include_extras=True)
    except NameError as error:
        raise TypeError(f"{name}: an annotation names what is not there: {error}") from error


def _check(parameter: inspect.Parameter, where: str, hints: Mapping[str, Any]) -> None:
    if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
        raise TypeError(f"{where}: a tool takes a fixed list of arguments, no * and no **")
    if parameter.kind is parameter.POSITIONAL_ONLY:
        raise TypeError(f"{where}: it cannot be given by name")
    if parameter.name not in hints:
        raise TypeError(f"{where}: it has no annotation")


def _of_parameter(parameter: inspect.Parameter, annotation: Any, where: str, about: Mapping[str, str]) -> Any:
    try:
        whole = msgspec.json.schema(annotation)
        part = _inline(whole, whole.get("$defs", {}), ())
        if parameter.default is not parameter.empty:
            part["default"] = msgspec.to_builtins(parameter.default, str_keys=True)
    except (TypeError, NameError) as error:
        reason = str(error).splitlines()[0].split(" requires either")[0]
        raise TypeError(f"{where}: no JSON form of {annotation!r} is known: {reason}") from error
    except RecursionError as error:
        raise TypeError(f"{where}: its type holds itself: {error}") from error
    notes = [note for note in getattr(annotation, "__metadata__", ()) if isinstance(note, str)]  # of `Annotated`
    said = about.get(parameter.name) or " ".join(notes)
    if said:
        part["description"] = " ".join(said.split())
    return part


def _inline(part: Any, definitions: Mapping[str, Any], inside: tuple[str, ...]) -> Any:
    """`part` without references: the engine's grammars look them up from another root.

    Titles go too: they are the class names again, and each costs the model tokens.
    """
    if isinstance(part, list):
        return [_inline(one, definitions, inside) for one in part]
    if not isinstance(part, dict):
        return part
    if "$ref" in part:
        name = part["$ref"].removeprefix(_REFERENCE)
        if name in inside:
            raise RecursionError(name)
        return _inline(definitions[name], definitions, (*inside, name))
    kept = {key: value for key, value in part.items() if key not in ("$defs", "title")}
    fields = kept.pop("properties", None)  # a field may be called "title"
    shown = {
        key: value if key in ("default", "enum", "const") else _inline(value, definitions, inside)
        for key, value in kept.items()
    }
    if fields is not None:
        shown["properties"] = {name: _inline(field, definitions, inside) for name, field in fields.items()}
    return shown


def _first_paragraph(document: docstring_parser.Docstring) -> str:
    """All before the first blank line, on one line."""
    whole = "\n".join(part for part in (document.short_description, document.long_description) if part)
    if document.short_description and document.blank_after_short_description:
        whole = document.short_description
    return " ".join(whole.split("\n\n")[0].split())
