"""What a chat template says that a model was taught: to call tools, to reason before it answers.

A template is a program, and what it says is guessed from its words: those of the templates that models are published
with. The tags of reasoning are also what `provider.reasoning` takes out of an answer.
"""

from __future__ import annotations

import re

#: What opens reasoning, in small letters, and what closes it.
REASONING_TAGS = {
    "<think>": "</think>",  # DeepSeek R1, Qwen 3, and most others
    "<thinking>": "</thinking>",
    "<thought>": "</thought>",
    "<reasoning>": "</reasoning>",
    "[think]": "[/think]",  # Magistral
    "<|begin_of_thought|>": "<|end_of_thought|>",  # OpenThinker, Sky-T1
    "<seed:think>": "</seed:think>",  # Seed-OSS
    "\u25c1think\u25b7": "\u25c1/think\u25b7",  # Kimi
    "<|channel|>analysis<|message|>": "<|end|>",  # gpt-oss
    "<|channel>thought": "<channel|>",  # Gemma 4
}

#: What tells reasoning wherever it stands. Not what closes that of gpt-oss, which ends any message.
_MARKS = tuple(tag for pair in REASONING_TAGS.items() for tag in pair if tag != "<|end|>")
#: Variables that a template reads: the list of tools, the calls of an earlier answer.
_TOOLS = re.compile(r"\b(?:tools|tool_calls?|available_tools|builtin_tools)\b")
#: Variables that switch reasoning or hold an earlier one: Qwen 3, DeepSeek 3.1, gpt-oss, Granite.
_REASONING = re.compile(
    r"\b(?:enable_thinking|reasoning_content|reasoning_effort|thinking_budget)\b|\b(?:if|not|and|or)\s+thinking\b"
)


def takes_tools(template: str) -> bool:
    """Whether a template writes tools, or the calls of them."""
    return _TOOLS.search(template) is not None


def reasons(template: str) -> bool:
    """Whether a template knows of reasoning: by its tags, or by what switches it."""
    small = template.lower()
    return _REASONING.search(small) is not None or any(tag in small for tag in _MARKS)
