"""Chats that nobody would think of, for the tests of the provider."""

from __future__ import annotations

from hypothesis import strategies as st

from nodetool_xl_desktop.engine.client import Template
from nodetool_xl_desktop.provider import Message, TextPart, ToolCall, ToolResultPart

ROLES = ("system", "developer", "user", "assistant", "tool", "function", "narrator", " User ")

texts = st.one_of(
    st.sampled_from(["", " ", "\n\n", "Hi", "é 漢 \u2028", "half \ud800 surrogate"]),
    st.text(max_size=20),
)
names = st.sampled_from(["add", "look_up", "f-1"])
#: A model numbers its calls anew in each turn, or not at all.
ids = st.sampled_from(["", "1", "2", "call_a"])
arguments = st.dictionaries(st.sampled_from(["a", "b"]), st.integers(0, 9) | st.text(max_size=5), max_size=2)
calls = st.builds(ToolCall, ids, names, arguments)
parts = st.one_of(st.builds(TextPart, texts), st.builds(ToolResultPart, ids, names, texts))
contents = st.one_of(st.none(), texts, st.lists(parts, max_size=3))


@st.composite
def messages(draw: st.DrawFn) -> Message:
    """Any message that its type allows, an assistant's with calls."""
    role = draw(st.sampled_from(ROLES))
    made = draw(st.lists(calls, max_size=3)) if role == "assistant" else []
    return Message(role, draw(contents), tuple(made), draw(ids), draw(st.just("") | names))


chats = st.lists(messages(), max_size=8)
templates = st.builds(Template, *[st.booleans()] * 4)
