"""The marks that models put around the calls that they write, as a table: a new model's form is a new row here."""

from __future__ import annotations

#: Between the words of DeepSeek's marks; its distilled models write the others, too.
_LINES = ("\N{LOWER ONE EIGHTH BLOCK}", "_", " ")


def _deepseek(words: str, line: str = _LINES[0]) -> str:
    """DeepSeek's marks are written with a wide bar and a low line instead of | and _."""
    bar = "\N{FULLWIDTH VERTICAL LINE}"
    return f"<{bar}{words.replace(' ', line)}{bar}>"


def _deepseeks(words: str) -> list[str]:
    return [_deepseek(words, line) for line in _LINES]


_DEEPSEEK_ENDS = ("```", *_deepseeks("tool call end"), *_deepseeks("tool calls end"))

#: What begins a call wherever it stands, and what may end it.
OPENERS: dict[str, tuple[str, ...]] = {
    "<tool_call>": ("</tool_call>",),  # Hermes, Qwen, GLM
    "<tool_calls>": ("</tool_calls>",),
    "<TOOLCALL>": ("</TOOLCALL>",),  # Nemotron
    "<function_call>": ("</function_call>",),
    "<|tool_call|>": ("<|/tool_call|>", "</|tool_call|>", "<|tool_call|>"),  # Phi
    "<|tool_call>": ("<tool_call|>",),
    "<|tool_call_start|>": ("<|tool_call_end|>",),
    "<|START_ACTION|>": ("<|END_ACTION|>",),  # Command R7B
    "<|recipient|>": ("<|stop|>",),  # Functionary 2
    "<|python_tag|>": ("<|eom_id|>", "<|eot_id|>"),  # Llama 3.1
    "<|python_start|>": ("<|python_end|>",),  # Llama 4
    "<function=": ("</function>",),  # Llama 3.1, Qwen Coder
    "[TOOL_CALLS]": ("[/TOOL_CALLS]", "</s>"),  # Mistral
    "[TOOL_CALL]": ("[/TOOL_CALL]",),
    **dict.fromkeys(_deepseeks("tool calls begin"), _DEEPSEEK_ENDS),
    **dict.fromkeys(_deepseeks("tool call begin"), _DEEPSEEK_ENDS),
    "<|channel|>commentary to=functions.": ("<|call|>", "<|end|>"),  # gpt-oss
    "<|channel|>analysis to=functions.": ("<|call|>", "<|end|>"),
    "<|start|>assistant<|channel|>commentary to=functions.": ("<|call|>", "<|end|>"),
    "<|start|>assistant<|channel|>analysis to=functions.": ("<|call|>", "<|end|>"),
    "<|start|>assistant to=functions.": ("<|call|>", "<|end|>"),
}

#: The same, but at the beginning of a line only; a bracket at the end is that of the list.
LINE_OPENERS: dict[str, tuple[str, ...]] = {
    "functools[": (),  # Phi, FireFunction
    "to=functions.": ("<|call|>", "<|end|>"),  # gpt-oss, whose prompt has what stands before it
    "commentary to=functions.": ("<|call|>", "<|end|>"),  # and where special tokens are swallowed
    "analysis to=functions.": ("<|call|>", "<|end|>"),
}

#: Before a tool's name on a line of its own, above its arguments. Functionary 3.2.
HEAD = ">>>"

#: What may stand before a tool's name in a call in Python's way.
MODULES = ("functions.", "default_api.", "tools.")

#: What stands between a name and its arguments; the second has a word behind it. Mistral.
CALL_MARKS = ("[ARGS]", "[CALL_ID]")

#: What may stand between the beginning of a call and its name or its arguments.
NOISE = (
    "<tool_call>",
    *_deepseeks("tool call begin"),
    *(f"function{mark}" for mark in _deepseeks("tool sep")),
    *_deepseeks("tool sep"),
    "```json",
    *CALL_MARKS,
    "<|channel|>commentary",
    "<|channel|>analysis",
    "<|constrain|>json",
    "json<|message|>",
    "code<|message|>",
    "json",
    "<|message|>",
    "<|content|>",
)

#: Ends without a beginning: the engine swallows the beginning where it is a special token.
STRAY_ENDS = (
    "</tool_call>",
    "</function_call>",
    "<|/tool_call|>",
    "<|eom_id|>",
    "<|eot_id|>",
    "<|eom|>",
    "<|eot|>",
    "<|im_end|>",
    "<|end|>",
    "<|call|>",
    "<|stop|>",
    "</s>",
    _deepseek("end of sentence"),
)

#: What a model thinks before it answers.
REASONING = {
    "<think>": "</think>",
    "<thinking>": "</thinking>",
    "<thought>": "</thought>",
    "<reasoning>": "</reasoning>",
    "<scratch_pad>": "</scratch_pad>",
    "<|START_THINKING|>": "<|END_THINKING|>",
    "[THINK]": "[/THINK]",
    "<|channel|>analysis<|message|>": "<|end|>",
}

#: The words after ``` of a block that may be a call; a block without one may be, too.
FENCES = ("", "json", "tool_call", "tool_calls", "tool_code", "function_call", "python", "py", "xml")
#: Those of them that say that it is one.
CALL_FENCES = ("tool_call", "tool_calls", "tool_code", "function_call")

#: What a call in JSON calls its tool, its arguments (in the order in which they are looked for), what stands around it,
#: and a list of calls.
NAME_KEYS = ("name", "function", "tool_name", "tool")
ARGUMENT_KEYS = ("arguments", "parameters", "args", "input")
WRAPPER_KEYS = ("function", "function_call", "tool_call")
LIST_KEY = "tool_calls"

#: What a call in JSON may begin with; data that begins otherwise is let go at once.
FIRST_KEYS = (*NAME_KEYS, *ARGUMENT_KEYS, *WRAPPER_KEYS, LIST_KEY, "type", "id", "tool_call_id", "thought")

#: A mark right behind one of these is quoted.
QUOTES = "\"'\N{LEFT DOUBLE QUOTATION MARK}\N{LEFT SINGLE QUOTATION MARK}\N{LEFT-POINTING DOUBLE ANGLE QUOTATION MARK}"
