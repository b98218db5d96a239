"""A server's tools as a model can be offered them: valid, unique, harmless to check; else left out with a reason."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nodetool_xl_desktop.tools import as_tool
from nodetool_xl_desktop.tools.arguments import fit
from nodetool_xl_desktop.tools.mcp.bounds import MOST_VALUES, count_values
from nodetool_xl_desktop.tools.mcp.log import LINES_KEPT, LONGEST_LINE, LogKind, ServerLog
from nodetool_xl_desktop.tools.mcp.offering import MOST_TOOLS, Described, Listed, offer, tool_name
from nodetool_xl_desktop.tools.mcp.redaction import Redactor


def listed(schema: Any, name: str = "t") -> Listed:
    return Listed(name, "", "", schema)


def one(schema: Any) -> Any:
    (tool,), left_out = offer("s", [listed(schema)])
    assert not left_out
    return tool.parameters


def reason(schema: Any) -> str:
    tools, (left_out,) = offer("s", [listed(schema)])
    assert not tools
    return left_out.why


names = st.text(min_size=1, max_size=90) | st.from_regex(r"[A-Za-z0-9_.-]{1,80}", fullmatch=True)


@given(st.lists(names, max_size=12, unique=True))
def test_every_name_becomes_a_valid_one_of_its_own(tools: list[str]) -> None:
    offered, left_out = offer("My server", [listed({"type": "object"}, name) for name in tools])
    assert [tool.own_name for tool in offered] == tools
    assert not left_out
    assert len({tool.name for tool in offered}) == len(tools)
    for tool in offered:
        as_tool(Described(tool.name, tool.description, tool.parameters))
        assert tool.name == tool_name("My server", tool.own_name), "in whatever company"


def test_what_a_person_reads_is_one_line_of_visible_signs() -> None:
    told = [Listed("a", "Read \u202eetirw\u200b\nfiles\x1b[2J", "", {}), Listed("b\u2066", "\u200b", "", {})]
    assert [tool.title for tool in offer("s", [*told, Listed("\u200b", "", "", {})])[0]] == [
        "Read etirw files[2J",
        "b",
        tool_name("s", "\u200b"),
    ]


def test_plain_names_stay_readable_and_belong_to_one_server() -> None:
    assert tool_name("Files", "read_file") == "files__read_file"
    assert tool_name("a", "b__c") != tool_name("a b", "c")
    assert len(tool_name("a" * 40, "b" * 100)) <= 64


def test_too_many_and_twice_the_same_are_left_out() -> None:
    tools, left_out = offer("s", [listed({}, f"t{number}") for number in range(MOST_TOOLS + 2)] + [listed({}, "t0")])
    assert len(tools) == MOST_TOOLS
    assert [one.name for one in left_out] == [f"t{MOST_TOOLS}", f"t{MOST_TOOLS + 1}", "t0"]


def test_what_schemas_lack_is_added_and_expressions_are_only_told() -> None:
    assert one({}) == {"type": "object", "properties": {}}
    assert one({"type": "object", "$schema": "http://json-schema.org/draft-07/schema#"})["properties"] == {}
    word = {"type": "string", "pattern": "^(a+)+$", "description": "A word."}
    made = one({"type": "object", "properties": {"w": word, "pattern": word}, "patternProperties": {"(a+)+$": {}}})
    assert made["properties"]["w"] == {"type": "string", "description": "A word. (matches ^(a+)+$)"}
    assert set(made["properties"]) == {"w", "pattern"}, "a property may have that name"
    assert "patternProperties" not in made
    began = time.process_time()
    assert not fit(Described("t", "", made), {"w": "a" * 60 + "!"}).problem
    assert time.process_time() - began < 1


def nested(depth: int) -> Any:
    schema: Any = {"type": "string"}
    for _ in range(depth):
        schema = {"type": "object", "properties": {"a": schema}}
    return schema


LAUGHS = {f"l{number}": {"allOf": [{"$ref": f"#/$defs/l{number + 1}"}] * 2} for number in range(40)}


@pytest.mark.parametrize(
    ("schema", "why"),
    [
        (None, "is none"),
        ([], "is none"),
        ({"type": "string"}, "not of type object"),
        ({"type": "object", "properties": []}, "properties of its schema"),
        ({"type": "object", "properties": {"a": {"type": "nonsense"}}}, "no JSON Schema"),
        ({"type": "object", "properties": {"a": {"$ref": "https://x.example/schema"}}}, "not among them"),
        ({"type": "object", "$defs": {**LAUGHS, "l40": {}}, "allOf": [{"$ref": "#/$defs/l0"}]}, "too involved"),
        (
            {"type": "object", "$defs": {"a": {"anyOf": [{"$ref": "#/$defs/a"}]}}, "allOf": [{"$ref": "#/$defs/a"}]},
            "end",
        ),
        (nested(2_000), "too deeply"),
        ({"type": "object", "properties": {f"p{number}": {} for number in range(20_000)}}, "too involved"),
    ],
)
def test_a_schema_that_cannot_be_used_is_left_out_with_the_reason(schema: Any, why: str) -> None:
    assert why in reason(schema)


def test_a_tree_may_refer_to_itself() -> None:
    tree = {"type": "object", "properties": {"children": {"type": "array", "items": {"$ref": "#/$defs/tree"}}}}
    made = one({"type": "object", "$defs": {"tree": tree}, "properties": {"root": {"$ref": "#/$defs/tree"}}})
    tool = Described("t", "", made)
    assert not fit(tool, {"root": {"children": [{"children": []}]}}).problem
    assert fit(tool, {"root": {"children": 5}}).problem


schemas = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["object", "string", "#/$defs/a", "#", "^(a+)+$"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "type",
                    "properties",
                    "$ref",
                    "$defs",
                    "a",
                    "items",
                    "anyOf",
                    "allOf",
                    "pattern",
                    "enum",
                    "required",
                    "not",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(schemas)
def test_any_schema_is_usable_or_left_out(schema: Any) -> None:
    tools, left_out = offer("s", [listed(schema)])
    assert len(tools) + len(left_out) == 1
    for tool in tools:
        made = as_tool(Described(tool.name, tool.description, tool.parameters))
        fit(made, {"a": "a" * 50})
    for one in left_out:
        assert one.why.endswith(".")


def test_values_are_counted_without_those_within_texts() -> None:
    assert count_values(b'{"a": [1, 2, 3]}') < 10
    table = b'{"text": "' + b'a,b,{\\"c\\"}\\n' * 100_000 + b'"}'
    assert count_values(table) < 10
    assert count_values(b"[" + b"{}," * MOST_VALUES + b"{}]") > MOST_VALUES
    assert count_values(b"[" + b'"a",' * MOST_VALUES + b'"a"]') > MOST_VALUES


def test_a_log_is_bounded_in_every_way() -> None:
    log = ServerLog(Redactor(["s3cret"]))
    log.feed(b"begin \xff s3c")
    log.feed(b"ret\nhalf")
    assert [line.text for line in log.lines] == ["begin \ufffd ••••••"]
    log.end()
    assert log.last_words == "half"
    for number in range(LINES_KEPT * 3):
        log.note(f"{number} {'x' * LONGEST_LINE * 2}")
    assert len(log.lines) == LINES_KEPT
    assert all(len(line.text) <= LONGEST_LINE + 3 for line in log.lines)
    log.feed(b"y\n" * 100_000)
    assert sum(line.kind is LogKind.STDERR for line in log.lines) < LINES_KEPT
    log.feed(b"z" * 1_000_000)
    log.end()
    assert len(log.lines) == LINES_KEPT
