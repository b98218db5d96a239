"""Whether arguments fit a tool, and the little that is mended before: models write 5 as "5".

Both the call and the parser of calls in text go through `fit`, so that a call is judged in one way. jsonschema decides
what is valid; what is mended is only what has one reading.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from jsonschema.exceptions import ValidationError, best_match  # type: ignore[import-untyped]
from referencing import Registry
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012

from nodetool_xl_desktop.tools.tool import Tool

_INTEGER = re.compile(r"[+-]?\d{1,300}")
_NUMBER = re.compile(r"[+-]?(\d{1,300}(\.\d{0,300})?|\.\d{1,300})([eE][+-]?\d{1,3})?")
_MOST_SHOWN = 60

#: References are looked up inside the schema only: without this, jsonschema would fetch addresses.
_NOTHING_ELSE: Registry[Any] = Registry()


@dataclass(frozen=True, slots=True)
class Fitted:
    """The arguments as the tool takes them, and what is wrong with them; "" where nothing is."""

    args: dict[str, Any]
    problem: str


def fit(tool: Tool, args: Mapping[str, Any]) -> Fitted:
    """Mend `args` where there is one reading ("5" for an integer), and check them against the tool's schema."""
    mender = _Mender(tool.parameters)
    try:
        mended = mender.mend(dict(args), tool.parameters)
        errors = list(mender.validator.iter_errors(mended))
    except Unresolvable as unknown:
        return Fitted(dict(args), f"the schema of {tool.name} refers to what it does not have: {unknown}")
    except RecursionError:
        return Fitted(dict(args), "the arguments are nested too deeply")
    # A wrong name says more than that the right one is missing.
    unknown_names = [error for error in errors if error.validator == "additionalProperties" and not error.absolute_path]
    return Fitted(mended, _explain((unknown_names or [best_match(errors)])[0], tool) if errors else "")


class _Mender:
    """Walks a value along a schema."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self.validator = Draft202012Validator(schema, registry=_NOTHING_ELSE)
        self._resolver = _NOTHING_ELSE.resolver_with_root(DRAFT202012.create_resource(schema))

    def mend(self, value: Any, schema: Any) -> Any:
        """`value` as `schema` wants it where there is one reading, else as it is."""
        schema = self._resolved(schema)
        if branches := schema.get("anyOf") or schema.get("oneOf"):
            return self._branches(value, branches)
        if isinstance(schema.get("enum"), list):
            return _mend_enum(value, schema["enum"])
        kinds = schema.get("type", ())
        if isinstance(kinds, str):
            return self._kind(value, kinds, schema)
        return self._branches(value, [{**schema, "type": kind} for kind in kinds])

    def _branches(self, value: Any, branches: list[Any]) -> Any:
        """As it is where a branch takes it so, else for the first branch that takes it mended."""
        valid = [branch for branch in branches if self._fits(value, branch)]
        for branch in valid or branches:
            mended = self.mend(value, branch)
            if self._fits(mended, branch):
                return mended
        return value

    def _fits(self, value: Any, schema: Any) -> bool:
        return bool(self.validator.evolve(schema=schema).is_valid(value))

    def _kind(self, value: Any, kind: str, schema: Mapping[str, Any]) -> Any:
        if isinstance(value, str) and kind in ("array", "object"):
            value = _from_json(value, list if kind == "array" else dict)
        if kind == "object" and isinstance(value, dict):
            return self._object(value, schema)
        if kind == "array" and isinstance(value, list | tuple):
            places, rest = schema.get("prefixItems", []), schema.get("items")
            return [self.mend(one, places[at] if at < len(places) else rest) for at, one in enumerate(value)]
        return _mend_plain(value, kind)

    def _object(self, value: dict[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
        fields, required = schema.get("properties", {}), schema.get("required", ())
        others = schema.get("additionalProperties")
        mended = {}
        for name, one in value.items():
            if one is None and name in fields and name not in required and not self._fits(None, fields[name]):
                continue  # null for what may be left out is leaving it out
            mended[name] = self.mend(one, fields.get(name, others))
        return mended

    def _resolved(self, schema: Any) -> Mapping[str, Any]:
        """What a reference refers to, after a few steps at most: one may refer to itself."""
        for _ in range(10):
            if not isinstance(schema, Mapping) or "$ref" not in schema:
                break
            schema = self._resolver.lookup(schema["$ref"]).contents
        return schema if isinstance(schema, Mapping) else {}


def _mend_enum(value: Any, choices: list[Any]) -> Any:
    if value in choices:
        return value
    same = [choice for choice in choices if str(choice).casefold() == str(value).casefold()]
    return same[0] if len(same) == 1 else value


def _mend_plain(value: Any, kind: str) -> Any:
    if isinstance(value, str):
        return _from_text(value, kind)
    if isinstance(value, bool):
        return value
    if kind == "integer" and isinstance(value, float) and value.is_integer():
        return int(value)
    if kind == "string" and isinstance(value, int | float):
        return json.dumps(value)
    return value


def _from_text(value: str, kind: str) -> Any:
    word = value.strip()
    if kind == "integer" and _INTEGER.fullmatch(word):
        return int(word)
    if kind in ("integer", "number") and _NUMBER.fullmatch(word):
        number = float(word)
        if math.isinf(number):
            return value
        whole = number.is_integer() and (kind == "integer" or _INTEGER.fullmatch(word))
        return int(word) if whole and _INTEGER.fullmatch(word) else int(number) if whole else number
    if kind == "boolean" and word.lower() in ("true", "false"):
        return word.lower() == "true"
    if kind == "null" and word.lower() in ("null", "none"):
        return None
    return value


def _from_json(value: str, kind: type) -> Any:
    try:
        found = json.loads(value)
    except (ValueError, RecursionError):
        return value
    return found if isinstance(found, kind) else value


def _explain(error: ValidationError, tool: Tool) -> str:
    """Which argument, and what was expected of it."""
    if error.validator == "required" and not error.absolute_path:
        missing = [name for name in error.validator_value if name not in error.instance]
        return f"the argument `{'`, `'.join(missing)}` is missing"
    if error.validator == "additionalProperties" and not error.absolute_path:
        known = tool.parameters.get("properties", {})
        unknown = [name for name in error.instance if name not in known]
        takes = f"it takes {', '.join(f'`{name}`' for name in known)}" if known else "it takes none"
        return f"{tool.name} has no argument `{'`, `'.join(unknown)}`; {takes}"
    name = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in error.absolute_path).lstrip(".")
    return f"the argument `{name}` is {_shown(error.instance)}, expected {_expected(error)}"


def _expected(error: ValidationError) -> str:
    wanted = error.validator_value
    if error.validator == "type":
        return " or ".join(wanted) if isinstance(wanted, list) else str(wanted)
    if error.validator == "enum":
        return f"one of {', '.join(json.dumps(value, ensure_ascii=False) for value in wanted)}"
    if error.validator == "required":
        return f"with {', '.join(f'`{name}`' for name in wanted)}"
    if error.validator in ("anyOf", "oneOf"):
        return " or ".join(str(branch.get("type", branch)) for branch in wanted)
    return f"{error.validator} {_shown(wanted)}"


def _shown(value: Any) -> str:
    try:
        text = json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError):
        text = repr(value)
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}..."
