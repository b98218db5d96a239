"""What a tool is: a name, a description, the schema of its arguments, and something that can be called.

Everything that makes, checks, calls or describes tools goes through this one shape, be the tool a plain function or an
object with state.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from jsonschema.exceptions import SchemaError  # type: ignore[import-untyped]

from nodetool_xl_desktop.tools import schema

#: The names that the models' formats accept.
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")

_PYTHON_TYPES = {
    "string": "str",
    "integer": "int",
    "number": "float",
    "boolean": "bool",
    "array": "list",
    "object": "dict",
    "null": "None",
}


@runtime_checkable
class Tool(Protocol):
    """Something that a model may call; `parameters` is a JSON Schema of type object.

    The call takes the arguments by name. It may be a coroutine function. Its result is text, an `Image`, both of
    them as a `tools.Result`, None, or anything that can be written as JSON.

    It may also have `forced_parameters`: a narrower schema for calls that a grammar forces, for the sake of models too
    small to stay with the matter by themselves.
    """

    @property
    def name(self) -> str:
        """What the model calls it: letters, digits, `_` and `-`, at most 64."""

    @property
    def description(self) -> str:
        """What it does, for the model."""

    @property
    def parameters(self) -> Mapping[str, Any]:
        """The JSON Schema of its arguments."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Do it."""


@dataclass(frozen=True, slots=True)
class Image:
    """A result that is a picture."""

    data: bytes
    mime_type: str = "image/png"


@dataclass(frozen=True, slots=True)
class FunctionTool:
    """A typed function as a tool."""

    name: str
    description: str
    parameters: Mapping[str, Any]
    function: Callable[..., Any]
    types: Mapping[str, Any]

    def __call__(self, **arguments: Any) -> Any:
        """Call the function; JSON values become what its annotations ask for (dataclasses, enums, tuples).

        Raises:
            msgspec.ValidationError: a value does not fit its annotation.
        """
        return self.function(**{name: schema.convert(value, self.types[name]) for name, value in arguments.items()})


def as_tool(obj: Tool | Callable[..., Any], *, name: str = "", description: str = "") -> Tool:
    """`obj` as a tool: itself where it is one already, else made from its signature and its docstring.

    Args:
        obj: a tool, or a function with annotations and a docstring.
        name: instead of the function's own.
        description: instead of the first paragraph of its docstring.

    Raises:
        TypeError: it cannot be a tool; the message names the function and the parameter.
    """
    if inspect.isclass(obj):
        raise TypeError(f"{obj.__name__} is a class: give one of its objects, such as {obj.__name__}()")
    made = obj if isinstance(obj, Tool) else _from_function(obj, name, description)
    if not isinstance(made.name, str) or not _NAME.fullmatch(made.name):
        raise TypeError(f"{made.name!r} is no name for a tool: letters, digits, _ and -, 64 at most")
    if not isinstance(made.description, str):
        raise TypeError(f"{made.name}: its description is no text")
    if not isinstance(made.parameters, Mapping) or made.parameters.get("type") != "object":
        raise TypeError(f"{made.name}: its parameters are no JSON Schema of type object")
    try:
        json.dumps(made.parameters)
        Draft202012Validator.check_schema(made.parameters)
    except (SchemaError, TypeError, ValueError) as error:
        message = error.message if isinstance(error, SchemaError) else error
        raise TypeError(f"{made.name}: its parameters are no JSON Schema: {message}") from error
    _check_references(made.parameters, made.parameters, made.name)
    return made


def _check_references(part: Any, whole: Mapping[str, Any], name: str) -> None:
    """What a schema refers to has to be in it: nothing is fetched for it, and the model would be told nonsense."""
    if isinstance(part, list):
        for one in part:
            _check_references(one, whole, name)
    elif isinstance(part, Mapping):
        reference = part.get("$ref")
        if isinstance(reference, str) and not _leads_somewhere(reference, whole):
            raise TypeError(f"{name}: its parameters refer to {reference!r}, which is not among them")
        for one in part.values():
            _check_references(one, whole, name)


def _leads_somewhere(reference: str, whole: Mapping[str, Any]) -> bool:
    start, *steps = reference.split("/")
    at: Any = whole
    for step in steps:
        key = step.replace("~1", "/").replace("~0", "~")
        if isinstance(at, list) and key.isdigit() and int(key) < len(at):
            at = at[int(key)]
        elif isinstance(at, Mapping) and key in at:
            at = at[key]
        else:
            return False
    return start == "#"


def _from_function(function: Callable[..., Any], name: str, description: str) -> FunctionTool:
    if not callable(function):
        raise TypeError(f"{function!r} is no tool: it is no function")
    own_name = name or getattr(function, "__name__", "")
    if not own_name or own_name == "<lambda>":
        raise TypeError(f"{function!r} is no tool: it has no name")
    found = schema.of_function(function, own_name)
    about = description or found.description
    if not about:
        raise TypeError(f"{own_name}: it has no docstring, and the model would not know what it is for")
    return FunctionTool(own_name, about, found.parameters, function, found.types)


def is_async(tool: Tool) -> bool:
    """Whether calling it only makes a coroutine."""
    target = tool.function if isinstance(tool, FunctionTool) else tool
    return inspect.iscoroutinefunction(target) or inspect.iscoroutinefunction(type(target).__call__)


def definition(tool: Tool) -> dict[str, Any]:
    """The tool as the OpenAI API and the engine's server take it."""
    function = {"name": tool.name, "description": tool.description, "parameters": dict(tool.parameters)}
    return {"type": "function", "function": function}


def signature(tool: Tool) -> str:
    """The tool as one line of Python, for a model whose template knows no tools; what is known of it as a comment."""
    properties, required = tool.parameters.get("properties", {}), tool.parameters.get("required", ())
    shown = []
    for name in parameter_order(tool):
        default = ""
        if name not in required:
            default = " = " + _literal(properties[name].get("default") if _is_schema(properties[name]) else None)
        shown.append(f"{name}: {_python_type(properties[name])}{default}")
    said = (properties[name].get("description") if _is_schema(properties[name]) else None for name in properties)
    parts = [f"{name}: {text}" for name, text in zip(properties, said, strict=True) if text]
    about = " ".join(" ".join([tool.description, *parts]).split())
    return f"def {tool.name}({', '.join(shown)}) -> str: ..." + (f"  # {about}" if about else "")


def parameter_order(tool: Tool) -> list[str]:
    """The names of its arguments as a call without names gives them: those that are required first."""
    properties, required = tool.parameters.get("properties", {}), tool.parameters.get("required", ())
    return sorted(properties, key=lambda name: name not in required)  # sorted() keeps the order within each half


def _is_schema(part: Any) -> bool:
    return isinstance(part, Mapping)


def _literal(value: Any) -> str:
    return repr(json.loads(json.dumps(value)))  # as the model would write it in Python


def _python_type(part: Any) -> str:
    """A JSON Schema as a Python annotation, as near as it comes; `Any` where it says nothing."""
    if not _is_schema(part):
        return "Any"
    if "enum" in part or "const" in part:
        return f"Literal[{', '.join(_literal(value) for value in part.get('enum', [part.get('const')]))}]"
    if branches := part.get("anyOf") or part.get("oneOf"):
        return " | ".join(dict.fromkeys(_python_type(branch) for branch in branches))
    kinds = part.get("type", "")
    return " | ".join(_of_kind(kind, part) for kind in ([kinds] if isinstance(kinds, str) else kinds))


def _of_kind(kind: str, part: Mapping[str, Any]) -> str:
    if kind == "array":
        return _python_list(part)
    return _python_dict(part) if kind == "object" else _PYTHON_TYPES.get(kind, "Any")


def _python_list(part: Mapping[str, Any]) -> str:
    if places := part.get("prefixItems"):
        return f"tuple[{', '.join(_python_type(place) for place in places)}]"
    return f"list[{_python_type(part['items'])}]" if _is_schema(part.get("items")) else "list"


def _python_dict(part: Mapping[str, Any]) -> str:
    if fields := part.get("properties"):
        return "{" + ", ".join(f'"{name}": {_python_type(field)}' for name, field in fields.items()) + "}"
    values = part.get("additionalProperties")
    return f"dict[str, {_python_type(values)}]" if _is_schema(values) and values else "dict"
