"""The values of the interface: what may be put into them, what is refused, and what they show."""

from __future__ import annotations

import base64
import copy
import dataclasses
import pickle
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nodetool_xl_desktop.provider import (
    Chunk,
    Endpoint,
    ImagePart,
    LanguageModel,
    Message,
    Provider,
    TextPart,
    TokenCount,
    ToolCall,
    ToolResultPart,
    Usage,
)

PIXELS = bytes(range(256)) * 4000
IMAGE = ImagePart(PIXELS, "image/jpeg")
VALUES = [
    TextPart("a"),
    IMAGE,
    ToolResultPart("1", "add", "4"),
    ToolCall("1", "add", {"a": 1}),
    Message("user", "hi"),
    Message("user", [TextPart("a"), IMAGE]),
    Chunk("text"),
    Usage(1, 2, 3),
    LanguageModel("id", "name", Path("model.gguf"), 1),
    Endpoint("http://127.0.0.1:1", "secret"),
]


# Values do not change


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_no_field_can_be_set(value: Any) -> None:
    for field in dataclasses.fields(value):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(value, field.name, getattr(value, field.name))


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_a_value_is_equal_to_its_copy_here_and_in_another_process(value: Any) -> None:
    assert copy.deepcopy(value) == value
    assert pickle.loads(pickle.dumps(value)) == value


@pytest.mark.parametrize("value", [value for value in VALUES if not isinstance(value, ToolCall)])
def test_what_holds_no_arguments_can_be_a_key(value: Any) -> None:
    assert {value: 1}[copy.deepcopy(value)] == 1


def test_a_list_of_parts_becomes_a_tuple_that_nobody_else_holds() -> None:
    parts: list[Any] = [TextPart("a")]
    calls = [ToolCall("1", "add")]
    message = Message("assistant", parts, calls)
    parts.append(TextPart("b"))
    calls.clear()
    assert message.content == (TextPart("a"),)
    assert message.tool_calls == (ToolCall("1", "add"),)


def test_parts_may_come_from_any_iterable() -> None:
    assert Message("user", (part for part in [TextPart("a")])).content == (TextPart("a"),)


# What they show


def test_an_endpoint_is_shown_without_its_key() -> None:
    shown = f"{Endpoint('http://127.0.0.1:1', 'secret')!r} {Endpoint('http://127.0.0.1:1', 'secret')}"
    assert "secret" not in shown
    assert "http://127.0.0.1:1" in shown


def test_an_image_is_shown_without_its_bytes() -> None:
    assert len(repr(IMAGE)) < 100
    assert len(repr(Message("user", [TextPart("look"), IMAGE]))) < 400


def test_an_image_says_its_data_and_its_type(tmp_path: Path) -> None:
    assert IMAGE.url == "data:image/jpeg;base64," + base64.b64encode(PIXELS).decode()
    for name, kind in {"a.png": "png", "a.JPG": "jpeg", "a.jpeg": "jpeg", "a.webp": "webp", "a": "png"}.items():
        (tmp_path / name).write_bytes(b"pixels")
        assert ImagePart.of_file(tmp_path / name) == ImagePart(b"pixels", f"image/{kind}")


def test_a_token_count_is_a_number_that_says_how_it_was_counted() -> None:
    count = TokenCount(5, exact=True)
    assert count == 5
    assert count + 1 == 6
    assert isinstance(count, int)
    assert count.exact
    assert not TokenCount(5, exact=False).exact
    assert repr(count) == "TokenCount(5, exact=True)"
    assert f"{count:,} tokens" == "5 tokens"


@pytest.mark.parametrize("exact", [True, False])
def test_a_copied_count_still_says_how_it_was_counted(exact: bool) -> None:
    count = TokenCount(7, exact=exact)
    for made in (copy.copy(count), copy.deepcopy(count), pickle.loads(pickle.dumps(count))):
        assert (made, made.exact) == (7, exact)


def test_the_provider_is_known_by_its_name() -> None:
    assert Provider("xllamacpp") is Provider.XLlamaCpp
    with pytest.raises(ValueError, match="ollama"):
        Provider("ollama")


# Messages


def test_the_text_of_a_message_is_that_of_its_parts() -> None:
    assert Message("user", "a").text == "a"
    assert Message("user").text == ""
    assert Message("user", [TextPart("a"), IMAGE, TextPart("b")]).text == "a\nb"


def test_a_message_that_is_one_stays_the_same() -> None:
    message = Message("user", "a")
    assert Message.of(message) is message


@pytest.mark.parametrize(
    ("openai", "message"),
    [
        ({"role": "user", "content": "hi"}, Message("user", "hi")),
        ({"role": "user"}, Message("user")),
        ({"role": "assistant", "content": None, "tool_calls": None}, Message("assistant")),
        ({"role": "user", "content": []}, Message("user", ())),
        (
            {"role": "user", "content": [{"type": "text", "text": "a"}, "b"]},
            Message("user", [TextPart("a"), TextPart("b")]),
        ),
        (
            {"role": "user", "content": [{"type": "image_url", "image_url": {"url": IMAGE.url, "detail": "low"}}]},
            Message("user", [IMAGE]),
        ),
        (
            {"role": "assistant", "tool_calls": [{"id": "1", "function": {"name": "add", "arguments": '{"a": 1}'}}]},
            Message("assistant", tool_calls=(ToolCall("1", "add", {"a": 1}),)),
        ),
        (
            {"role": "assistant", "tool_calls": [{"function": {"name": "add", "arguments": {"a": 1}}}]},
            Message("assistant", tool_calls=(ToolCall("", "add", {"a": 1}),)),
        ),
        (
            {"role": "assistant", "tool_calls": [{"id": "1", "function": {"name": "now", "arguments": ""}}]},
            Message("assistant", tool_calls=(ToolCall("1", "now"),)),
        ),
        (
            {"role": "tool", "content": "4", "tool_call_id": "1", "name": "add"},
            Message("tool", "4", tool_call_id="1", name="add"),
        ),
    ],
)
def test_a_message_in_openais_form(openai: dict[str, Any], message: Message) -> None:
    assert Message.of(openai) == message


@pytest.mark.parametrize("arguments", ['{"a": ', "[1]", "5", "[" * 100_000], ids=["cut", "list", "number", "deep"])
def test_arguments_that_cannot_be_read_are_kept_as_a_malformed_call(arguments: str) -> None:
    """A history may hold what some model once wrote; the chat goes on all the same."""
    call = {"id": "1", "function": {"name": "add", "arguments": arguments}}
    (kept,) = Message.of({"role": "assistant", "tool_calls": [call]}).tool_calls
    assert (kept.id, kept.name, kept.args, kept.raw) == ("1", "add", {}, arguments)
    assert "JSON" in kept.problem


@pytest.mark.parametrize(
    ("openai", "says"),
    [
        ({}, "role"),
        ({"content": "hi"}, "role"),
        ({"role": None, "content": "hi"}, "role"),
        ("hi", "'hi'"),
        (5, "5"),
        ({"role": "user", "content": 5}, "content.*5"),
        ({"role": "user", "content": {"type": "text", "text": "a"}}, "content"),
        ({"role": "user", "content": b"bytes"}, "content.*bytes"),
        ({"role": "user", "content": [5]}, "part.*5"),
        ({"role": "user", "content": [{"type": "audio"}]}, "part.*audio"),
        ({"role": "user", "content": [{"type": "text"}]}, "part.*text"),
        (
            {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://a/b.png"}}]},
            "data: address",
        ),
        (
            {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,%%%"}}]},
            "base64",
        ),
        ({"role": "assistant", "tool_calls": [{"name": "add"}]}, "tool call.*add"),
        ({"role": "assistant", "tool_calls": ["add"]}, "tool call.*add"),
        ({"role": "assistant", "tool_calls": True}, "tool calls.*True"),
        ({"role": "assistant", "tool_calls": {"name": "add"}}, "tool calls.*add"),
    ],
)
def test_what_is_no_message_is_refused_in_words(openai: Any, says: str) -> None:
    with pytest.raises(ValueError, match=f"(?s){says}") as refused:
        Message.of(openai)
    assert len(str(refused.value)) < 250


def test_an_unknown_part_does_not_flood_the_error() -> None:
    with pytest.raises(ValueError, match="no known kind") as refused:
        Message.of({"role": "user", "content": [{"type": "video", "data": "x" * 1_000_000}]})
    assert len(str(refused.value)) < 250


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
keys = st.sampled_from(["role", "content", "tool_calls", "tool_call_id", "name"])


@given(st.dictionaries(keys, json_values | st.sampled_from(["user", "assistant"])))
def test_any_json_object_is_a_message_or_a_value_error(openai: dict[str, Any]) -> None:
    try:
        message = Message.of(openai)
    except ValueError:
        return
    assert message.role == openai["role"]
    assert isinstance(message.text, str)
