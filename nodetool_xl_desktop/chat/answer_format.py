"""What an answer has to look like: any text, JSON, JSON of a schema, or what a grammar allows.

One value, as OpenAI's `response_format` has it, so that it comes from one preset as a whole:

    {"type": "text"}
    {"type": "json_object"}
    {"type": "json_schema", "json_schema": {"schema": {...}}}
    {"type": "grammar", "grammar": "root ::= \\"yes\\" | \\"no\\""}

The last one is ours: to the engine it goes as `grammar` (GBNF), beside the sampling.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any

from nodetool_xl_desktop.chat import gbnf
from nodetool_xl_desktop.core.translation import tr

#: Of a schema or a grammar, in letters of its text: one that is larger is no description of an answer.
LONGEST = 200_000


class Kind(StrEnum):
    """The kinds there are."""

    TEXT = "text"
    JSON = "json_object"
    SCHEMA = "json_schema"
    GRAMMAR = "grammar"


TITLES = {Kind.TEXT: tr("Any text"), Kind.JSON: "JSON", Kind.SCHEMA: tr("JSON Schema"), Kind.GRAMMAR: tr("Grammar")}


def of_schema(schema: Any) -> dict[str, Any]:
    """The value that asks for JSON of this schema."""
    return {"type": Kind.SCHEMA.value, "json_schema": {"schema": schema}}


def of_grammar(grammar: str) -> dict[str, Any]:
    """The value that asks for what this grammar allows."""
    return {"type": Kind.GRAMMAR.value, "grammar": grammar}


def source(value: Mapping[str, Any]) -> str:
    """The schema or the grammar of a value as a text to edit; empty where it has none."""
    if value["type"] == Kind.SCHEMA:
        return json.dumps(value["json_schema"]["schema"], indent=2, ensure_ascii=False)
    return str(value["grammar"]) if value["type"] == Kind.GRAMMAR else ""


def of_source(kind: Kind, text: str) -> dict[str, Any]:
    """The value of a kind, with the schema or the grammar that was typed.

    Raises:
        ValueError: it cannot be used; its text says why, and where.
    """
    if kind is Kind.SCHEMA:
        try:
            return checked(of_schema(json.loads(text)))
        except json.JSONDecodeError as error:
            raise ValueError(tr("line {lineno}: this is no JSON ({msg})", lineno=error.lineno, msg=error.msg)) from None
        except RecursionError:
            raise ValueError(tr("it is nested too deeply")) from None
    return checked(of_grammar(text) if kind is Kind.GRAMMAR else {"type": kind.value})


def checked(value: Any) -> dict[str, Any]:
    """A value in the form in which it is kept.

    Raises:
        ValueError: it cannot be used; its text says why.
    """
    match value:
        case {"type": "json_schema", "json_schema": {"schema": schema}} | {"type": "json_object", "schema": schema}:
            _check_schema(schema)
            return of_schema(schema)
        case {"type": "grammar", "grammar": str(grammar)}:
            if not grammar.strip():
                raise ValueError(tr("there is no grammar yet"))
            if len(grammar) > LONGEST:
                raise ValueError(tr("the grammar is longer than {longest:,} letters", longest=LONGEST))
            if problem := gbnf.problem_of(grammar):
                raise ValueError(tr("the grammar cannot be read: {problem}", problem=problem))
            return of_grammar(grammar)
        case {"type": "text" | "json_object" as kind}:
            return {"type": kind}
    raise ValueError(tr("it is none of text, json_object, json_schema (with its schema) and grammar (with its text)"))


def _check_schema(schema: Any) -> None:
    """Whether the engine can make a grammar of a schema, as far as that can be known without it."""
    if not isinstance(schema, Mapping):
        raise ValueError(tr('a JSON Schema has to be an object, such as {"type": "object"}'))
    # Most chats ask for text, and need not wait for this.
    from jsonschema import Draft202012Validator, SchemaError  # type: ignore[import-untyped] # noqa: PLC0415
    from jsonschema.validators import validator_for  # type: ignore[import-untyped] # noqa: PLC0415

    try:
        if len(json.dumps(schema, allow_nan=False)) > LONGEST:
            raise ValueError(tr("the schema is longer than {longest:,} letters", longest=LONGEST))
        validator_for(schema, default=Draft202012Validator).check_schema(schema)
        for part in _parts(schema):
            _check_part(part, schema)
    except SchemaError as error:
        place = "/".join(str(step) for step in error.absolute_path)
        said = error.message[:200]
        if place:
            raise ValueError(tr("the schema is wrong at {place}: {why}", place=place, why=said)) from None
        raise ValueError(tr("the schema is wrong: {why}", why=said)) from None
    except RecursionError:
        raise ValueError(tr("the schema is nested too deeply")) from None


def _check_part(part: Mapping[str, Any], whole: Mapping[str, Any]) -> None:
    if part.get("enum") == []:
        raise ValueError(tr("the schema has an `enum` without a choice"))
    reference = part.get("$ref")
    if isinstance(reference, str) and not _is_there(reference, whole):
        raise ValueError(tr("the schema refers to {reference}, which is not in it", reference=reference))


def _is_there(reference: str, whole: Mapping[str, Any]) -> bool:
    """Whether a reference leads to a place in the same schema; the engine follows no other."""
    if not reference.startswith("#"):
        return False
    place: Any = whole
    for step in reference.removeprefix("#").split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(place, Mapping) and name in place:
            place = place[name]
        elif isinstance(place, list) and name.isdecimal() and int(name) < len(place):
            place = place[int(name)]
        else:
            return False
    return True


def _parts(schema: Any) -> Iterator[Mapping[str, Any]]:
    """Every object in a schema; what stands in a `const`, an `enum` or a default is data, and no part of it."""
    if isinstance(schema, Mapping):
        yield schema
        for name, inner in schema.items():
            if name not in ("const", "enum", "default", "examples"):
                yield from _parts(inner)
    elif isinstance(schema, list):
        for inner in schema:
            yield from _parts(inner)
