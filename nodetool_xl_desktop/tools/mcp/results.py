"""What a server answers, as a model and a person can take it."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from typing import Any

import mcp_types as types

from nodetool_xl_desktop.core import units
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.tools.call import Result
from nodetool_xl_desktop.tools.mcp.errors import McpError
from nodetool_xl_desktop.tools.mcp.states import PromptMessage, ResourceContent
from nodetool_xl_desktop.tools.tool import Image

#: Those that the engine can look at.
_PICTURES = ("image/png", "image/jpeg", "image/webp", "image/gif", "image/bmp")


def result(called: types.CallToolResult) -> Result:
    """The result of a call: its text, and the first of its pictures.

    Raises:
        McpError: the tool says that it failed.
    """
    texts, pictures = _read(called.content)
    text = "\n\n".join(texts)
    if not text and not pictures and called.structured_content is not None:
        text = json.dumps(called.structured_content, ensure_ascii=False)
    if called.is_error:
        raise McpError(text.strip() or tr("The tool failed, and does not say why"))
    if len(pictures) > 1:
        text = "\n\n".join([*([text] if text.strip() else []), f"(It gave {len(pictures)} pictures; one is shown.)"])
    return Result(text, pictures[0]) if pictures else Result(text)


def messages(prompt: types.GetPromptResult) -> tuple[PromptMessage, ...]:
    """The messages of a prompt."""
    made: list[PromptMessage] = []
    for message in prompt.messages:
        texts, pictures = _read([message.content])
        made += [PromptMessage(str(message.role), text) for text in texts]
        made += [PromptMessage(str(message.role), image=picture) for picture in pictures]
    return tuple(made)


def contents(read: types.ReadResourceResult) -> tuple[ResourceContent, ...]:
    """What a resource holds."""
    return tuple(_content(one) for one in read.contents)


def _content(one: types.TextResourceContents | types.BlobResourceContents) -> ResourceContent:
    if isinstance(one, types.TextResourceContents):
        return ResourceContent(str(one.uri), one.mime_type or "text/plain", one.text)
    return ResourceContent(str(one.uri), one.mime_type or "application/octet-stream", data=_bytes(one.blob))


def _read(blocks: Iterable[Any]) -> tuple[list[str], list[Image]]:
    texts: list[str] = []
    pictures: list[Image] = []
    for block in blocks:
        match block:
            case types.TextContent():
                texts.append(block.text)
            case types.ImageContent() if block.mime_type in _PICTURES and (data := _bytes(block.data)):
                pictures.append(Image(data, block.mime_type))
            case types.ImageContent() | types.AudioContent():
                texts.append(
                    f"({block.mime_type[:60]}, {units.file_size(len(block.data) * 3 // 4)}: it cannot be shown here)"
                )
            case types.ResourceLink():
                texts.append(f"{block.title or block.name}: {block.uri}")
            case types.EmbeddedResource():
                content = _content(block.resource)
                about = f"({content.mime_type[:60]}, {units.file_size(len(content.data or b''))}: it is no text)"
                texts.append(f"{content.uri}\n{about if content.data is not None else content.text}")
    return texts, pictures


def _bytes(encoded: str) -> bytes:
    try:
        return base64.b64decode(encoded, validate=False)
    except ValueError:
        return b""
