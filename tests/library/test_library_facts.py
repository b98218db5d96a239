"""What a model can do, from its header and its template."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from gguf_writer import write_gguf

from nodetool_xl_desktop.gguf import read_model
from nodetool_xl_desktop.gguf.template import REASONING_TAGS, reasons, takes_tools
from nodetool_xl_desktop.library.facts import facts, from_json, to_json
from nodetool_xl_desktop.library.model_file import Capability, Trouble

TENSORS = [("token_embd.weight", (256, 64), "F32")]
TOOLS, REASONING = Capability.TOOLS, Capability.REASONING
EMBEDDING, VISION, AUDIO = Capability.EMBEDDING, Capability.VISION, Capability.AUDIO


def can(tmp_path: Path, metadata: dict[str, Any]) -> set[Capability]:
    header = read_model(write_gguf(tmp_path / "m.gguf", metadata, TENSORS))
    return set(facts(header).capabilities)


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        ({"general.architecture": "llama"}, set()),
        ({"general.architecture": "bert"}, {EMBEDDING}),
        ({"general.architecture": "nomic-bert-moe", "nomic-bert-moe.pooling_type": 1}, {EMBEDDING}),
        ({"general.architecture": "bert", "bert.pooling_type": 4}, set()),  # it ranks
        ({"general.architecture": "qwen3", "qwen3.pooling_type": 3}, {EMBEDDING}),
        ({"general.architecture": "qwen3", "qwen3.pooling_type": 0}, set()),
        ({"general.architecture": "clip"}, {VISION}),
        ({"general.architecture": "clip", "clip.has_audio_encoder": True}, {AUDIO}),
        (
            {"general.architecture": "clip", "clip.has_audio_encoder": True, "clip.has_vision_encoder": True},
            {VISION, AUDIO},
        ),
        ({"general.architecture": "llama", "clip.has_vision_encoder": True}, {VISION}),
        ({"general.architecture": "llama", "tokenizer.chat_template.tool_use": "{{ tools }}"}, {TOOLS}),
        ({"general.architecture": "llama", "tokenizer.chat_template": 5}, set()),
        ({"general.architecture": "llama", "llama.pooling_type": "3"}, set()),
    ],
)
def test_by_its_header(tmp_path: Path, metadata: dict[str, Any], expected: set[Capability]) -> None:
    assert can(tmp_path, metadata) == expected


@pytest.mark.parametrize(
    ("template", "tools", "reasoning"),
    [
        ("{% for m in messages %}{{ m.content }}{% endfor %}", False, False),
        ("You are a helpful assistant with a toolset. Think.", False, False),
        ("I like thinking about it; it makes sense.", False, False),
        ("{%- if tools %}{{ tools | tojson }}{% endif %}", True, False),
        ("{% for call in message.tool_calls %}{% endfor %}", True, False),
        ("<|im_start|>assistant\n<think>\n", False, True),
        ("{% set content = content.split('</think>')[-1] %}", False, True),
        ("{%- if enable_thinking is defined and not enable_thinking %}", False, True),
        ("{% if thinking %}<x>{% endif %}", False, True),
        ("{{ message.reasoning_content }}", False, True),
        ("Reasoning: {{ reasoning_effort }}", False, True),
        ("draft in [THINK] and [/THINK]", False, True),
        ("<|user|>hello<|end|>", False, False),
        ("", False, False),
    ],
)
def test_by_its_template(template: str, tools: bool, reasoning: bool) -> None:
    assert (takes_tools(template), reasons(template)) == (tools, reasoning)


@pytest.mark.parametrize("tag", REASONING_TAGS)
def test_every_tag_of_reasoning_counts(tag: str) -> None:
    assert reasons(f"{{% if x %}}{tag.upper()}{{% endif %}}")


def test_the_fingerprint_is_that_of_the_header_and_the_size(tmp_path: Path) -> None:
    def mark(name: str, metadata: dict[str, Any], size: int | None = None) -> str:
        path = write_gguf(tmp_path / name, {"general.architecture": "llama", **metadata}, TENSORS)
        if size:
            with path.open("r+b") as stream:
                stream.truncate(size)
        return facts(read_model(path)).fingerprint

    one = mark("one.gguf", {})
    assert one == mark("copy.gguf", {})
    assert len({one, mark("longer.gguf", {}, 100_000), mark("named.gguf", {"general.name": "other"})}) == 3


def test_texts_from_a_file_are_one_bounded_line(tmp_path: Path) -> None:
    hostile = "a\nb\u202e" + "x" * 5000
    metadata = {"general.architecture": hostile, "general.license": hostile, "general.name": hostile}
    said = facts(read_model(write_gguf(tmp_path / "m.gguf", metadata, TENSORS)))
    for text in (said.name, said.architecture, said.licence):
        assert text.isprintable()
        assert len(text) <= 200


def test_as_text_and_back(tmp_path: Path) -> None:
    said = facts(read_model(write_gguf(tmp_path / "m.gguf", {"general.architecture": "bert"}, TENSORS)))
    trouble = Trouble("what", "why \udce9", "")
    assert from_json(to_json(said)) == said
    assert from_json(to_json(trouble)) == trouble
    assert "\n" not in to_json(trouble)
