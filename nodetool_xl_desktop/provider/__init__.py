"""The programmer's interface: what the window itself uses, and what a script imports."""

from __future__ import annotations

from nodetool_xl_desktop.engine.client import Sampling
from nodetool_xl_desktop.engine.errors import EngineError, Fault
from nodetool_xl_desktop.engine.pool import Pool
from nodetool_xl_desktop.engine.server import Endpoint
from nodetool_xl_desktop.fit.options import LoadSettings
from nodetool_xl_desktop.provider.access import get_provider
from nodetool_xl_desktop.provider.approval import Allow, Deny
from nodetool_xl_desktop.provider.values import (
    Chunk,
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
from nodetool_xl_desktop.provider.xllamacpp_provider import XLlamaCppProvider

__all__ = [
    "Allow",
    "Chunk",
    "Deny",
    "Endpoint",
    "EngineError",
    "Fault",
    "ImagePart",
    "LanguageModel",
    "LoadSettings",
    "Message",
    "Pool",
    "Provider",
    "Sampling",
    "TextPart",
    "TokenCount",
    "ToolCall",
    "ToolResultPart",
    "Usage",
    "XLlamaCppProvider",
    "get_provider",
]
