"""`as_tool` for tools that come again and again: a schema that was looked through is not looked through anew.

To look through one of fifty fields took 14 ms (measured), and a chat's tools are told with every request and every
count of its tokens.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from nodetool_xl_desktop.tools.tool import Tool, as_tool


def checked_tool(obj: Tool | Callable[..., Any]) -> Tool:
    """`obj` as a tool.

    Raises:
        TypeError: as `as_tool`.
    """
    if inspect.isclass(obj) or not isinstance(obj, Tool):
        return as_tool(obj)
    try:
        said = json.dumps([obj.name, obj.description, obj.parameters])
    except (TypeError, ValueError, RecursionError):
        return as_tool(obj)  # which says what is wrong
    if problem := _problem(said):
        raise TypeError(problem)
    return obj


@dataclass(frozen=True, slots=True)
class _Said:
    """What is told of a tool."""

    name: str
    description: str
    parameters: Mapping[str, Any]

    def __call__(self) -> None:
        """Does nothing."""


@lru_cache(maxsize=1024)
def _problem(said: str) -> str:
    """Why these cannot be a tool; empty where they can."""
    try:
        as_tool(_Said(*json.loads(said)))
    except TypeError as error:
        return str(error)
    return ""
