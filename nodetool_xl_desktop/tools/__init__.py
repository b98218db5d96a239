"""What a model may call."""

from __future__ import annotations

from nodetool_xl_desktop.tools.calculator import CalculatorTool
from nodetool_xl_desktop.tools.call import Result, call
from nodetool_xl_desktop.tools.clock import ClockTool
from nodetool_xl_desktop.tools.text_calls import FoundCall, TextCalls
from nodetool_xl_desktop.tools.tool import Image, Tool, as_tool, definition, signature

__all__ = [
    "CalculatorTool",
    "ClockTool",
    "FoundCall",
    "Image",
    "Result",
    "TextCalls",
    "Tool",
    "as_tool",
    "call",
    "definition",
    "signature",
]
