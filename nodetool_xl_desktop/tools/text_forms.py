"""What a call says, once its text is whole: JSON, Python, or tags within tags, read into names and arguments.

Where a call begins and ends is found elsewhere (text_scan.py); here is only what it means.
"""

from __future__ import annotations

import ast
import json
import keyword
import math
import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from nodetool_xl_desktop.tools.arguments import fit
from nodetool_xl_desktop.tools.text_marks import ARGUMENT_KEYS, LIST_KEY, MODULES, NAME_KEYS, WRAPPER_KEYS
from nodetool_xl_desktop.tools.tool import Tool, parameter_order

_NAMED = re.compile(rf"""["'](?:{"|".join(NAME_KEYS)})["']\s*:\s*["']([A-Za-z0-9_-]{{1,64}})["']""")
#: What stands in the description of a tool.
_SCHEMA = re.compile(r""""properties"\s*:|"type"\s*:\s*"(?:object|string|integer|number|boolean|array)\"""")
_PARAMETER = re.compile(r"<parameter=([^>\n]+)>\n?(.*?)(?:\n?</parameter>|(?=\n<parameter=)|\n?\Z)", re.DOTALL)
#: A text in Python, in which nothing is a name.
_STRING = r"""(?:\"{3}(?:\\.|[^\\])*?\"{3}|'{3}(?:\\.|[^\\])*?'{3}|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')"""
_GLM = re.compile(r"<arg_key>(.*?)</arg_key>\s*<arg_value>(.*?)</arg_value>", re.DOTALL)


@dataclass(frozen=True, slots=True)
class FoundCall:
    """A call that a model wrote as text.

    Attributes:
        name: of one of the tools.
        args: as the tool takes them; as far as they could be read where there is a problem.
        raw: the text it was read from; the texts and the raws together are the whole answer.
        problem: what is wrong with it, for the model and for the person; "" where it can be run.
    """

    name: str
    args: dict[str, Any]
    raw: str
    problem: str = ""


Tools = Mapping[str, Tool]


def from_json(text: str, tools: Tools, *, tagged: bool = False) -> list[FoundCall]:
    """The calls of a JSON object or a list of them; none where it is anything else, or names a tool that is not there.

    Their raws together are `text`. Between tags (`tagged`) the arguments may be left out, and what looks like the
    description of a tool is still a call.
    """
    read, value = _load(text)
    if not read:
        return broken(text, tools, tagged=tagged)
    if isinstance(value, dict):
        value = value.get(LIST_KEY, value)
    values = value if isinstance(value, list) else [value]
    calls = [_from_value(one, tools, tagged) for one in values]
    found = [one for one in calls if one is not None]
    if len(found) < len(calls):
        return broken(text, tools, tagged=True) if tagged else []
    return _share(found, text, _json_starts(text, len(found)))


def from_python(text: str, tools: Tools) -> list[FoundCall]:
    """The calls of `f(a=1)`, `[f(a=1), g(2)]` or `print(f(1))`; none where it is anything else."""
    safe = _as_names(text, tools)
    try:
        with warnings.catch_warnings():  # an escape that Python does not know makes it warn
            warnings.simplefilter("ignore")
            body = ast.parse(safe, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    nodes = body.elts if isinstance(body, ast.List | ast.Tuple) else [body]
    calls = [_from_node(node, safe, tools) for node in nodes]
    found = [one for one in calls if one is not None]
    return _share(found, text, _python_starts(nodes, safe)) if len(found) == len(calls) else []


def from_named(name: str, body: str, raw: str, tools: Tools, *, ended: bool = True) -> list[FoundCall]:
    """The call of a tool whose name stands outside: its arguments as JSON, or as tags within tags.

    Tags whose last value is open are whole only where the mark of the call's end followed (`ended`).
    """
    body = body.strip()
    for form, end in ((_PARAMETER, "</parameter>"), (_GLM, "</arg_value>")):
        if pairs := form.findall(body):
            args = {key.strip(): value for key, value in pairs}
            if form.sub("", body).strip() or not (ended or body.endswith(end)):
                return [FoundCall(name, args, raw, "it is not complete")]
            return [_fitted(name, args, raw, tools)]
    if not body:
        return [_fitted(name, {}, raw, tools)]
    read, value = _load(body)
    if not read:
        return [FoundCall(name, {}, raw, "its arguments are not valid JSON")]
    return [_with_arguments(name, value, raw, tools)]


def broken(raw: str, tools: Tools, *, tagged: bool = False) -> list[FoundCall]:
    """The call that began as one and cannot be read; none where no tool is named, or is only described."""
    found = _NAMED.search(raw)
    if not found or found.group(1) not in tools or (not tagged and _SCHEMA.search(raw)):
        return []
    return [FoundCall(found.group(1), {}, raw, "it is not valid JSON, or not complete")]


def with_raw(call: FoundCall, raw: str) -> FoundCall:
    """The same call, read from `raw`."""
    return FoundCall(call.name, call.args, raw, call.problem)


def _share(calls: Sequence[FoundCall], raw: str, starts: Sequence[int]) -> list[FoundCall]:
    """Each call with its part of `raw`: up to where the next one begins."""
    edges = [0, *starts[1:], len(raw)]
    return [with_raw(call, raw[edges[at] : edges[at + 1]]) for at, call in enumerate(calls)]


def _json_starts(text: str, count: int) -> list[int]:
    """Where the elements of a list begin; all of it belongs to the first where Python's dicts stand in it."""
    decoder = json.JSONDecoder(strict=False)
    starts = []
    at = text.index("[", max(text.find(LIST_KEY), 0)) + 1 if count > 1 else 0
    try:
        for _ in range(count if count > 1 else 0):
            at = text.index("{", at)
            starts.append(at)
            at = decoder.raw_decode(text, at)[1]
    except (ValueError, RecursionError):
        return [0] + [len(text)] * (count - 1)
    return starts or [0]


def _python_starts(nodes: Sequence[ast.expr], text: str) -> list[int]:
    lines = re.split(r"(?<=\n)|(?<=\r)(?!\n)", text)  # as Python splits them
    before = [sum(map(len, lines[:at])) for at in range(len(lines))]
    return [
        before[node.lineno - 1] + len(lines[node.lineno - 1].encode()[: node.col_offset].decode()) for node in nodes
    ]


def _load(text: str) -> tuple[bool, Any]:
    """JSON, or the Python dict that some models write instead."""
    try:
        return True, json.loads(text, strict=False, parse_constant=_no_number, parse_float=_finite)
    except (ValueError, RecursionError):
        pass
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            value = ast.literal_eval(_JsonWords().visit(ast.parse(text.strip(), mode="eval")))
        json.dumps(value, allow_nan=False)
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError):
        return False, None
    return True, value


def _finite(word: str) -> float:
    if math.isinf(number := float(word)):
        _no_number(word)
    return number


def _no_number(word: str) -> Any:
    raise ValueError(f"{word} is not JSON")


def _from_value(value: Any, tools: Tools, tagged: bool) -> FoundCall | None:
    if not isinstance(value, dict):
        return None
    value = next((value[key] for key in WRAPPER_KEYS if isinstance(value.get(key), dict)), value)
    name = next((value[key] for key in NAME_KEYS if isinstance(value.get(key), str)), "")
    if name not in tools:
        return None
    for key in ARGUMENT_KEYS:
        if key in value:
            if not value[key] and "description" in value and not tagged:
                return None  # so a tool is told of, not called
            call = _with_arguments(name, value[key], "", tools)
            return None if call.problem and not tagged and _SCHEMA.search(json.dumps(value[key])) else call
    return _fitted(name, {}, "", tools) if tagged else None


def _with_arguments(name: str, given: Any, raw: str, tools: Tools) -> FoundCall:
    if isinstance(given, str):
        given = _from_string(given, tools[name])
    if given is None:
        given = {}
    if not isinstance(given, dict):
        return FoundCall(name, {}, raw, "its arguments are no JSON object")
    return _fitted(name, {str(key): value for key, value in given.items()}, raw, tools)


def _from_string(given: str, tool: Tool) -> Any:
    """Arguments as a JSON string, or the value itself where the tool takes only one."""
    read, value = _load(given)
    if read and (isinstance(value, dict) or value is None):
        return value
    names = parameter_order(tool)
    if not given.strip():
        return {}
    return {names[0]: given} if len(names) == 1 else given


def _fitted(name: str, args: dict[str, Any], raw: str, tools: Tools) -> FoundCall:
    fitted = fit(tools[name], args)
    return FoundCall(name, fitted.args, raw, fitted.problem)


def _as_names(text: str, tools: Tools) -> str:
    """`text` with the names that Python does not take (get-weather, import) as ones of the same length that it does."""
    strange = sorted((re.escape(name) for name in tools if _alias(name) != name), key=len, reverse=True)
    if not strange:
        return text
    names = re.compile(rf"{_STRING}|(?<![\w-])(?P<name>{'|'.join(strange)})(?=\(|\.call\()", re.DOTALL)
    return names.sub(lambda found: _alias(found["name"]) if found["name"] else found.group(), text)


def _alias(name: str) -> str:
    """Each its own: letter by letter as a Chinese one, which no name of a tool has."""
    if name.isidentifier() and not keyword.iskeyword(name):
        return name
    return "".join(chr(0x4E00 + ord(char)) for char in name)


def _from_node(node: ast.expr, source: str, tools: Tools) -> FoundCall | None:
    if not isinstance(node, ast.Call):
        return None
    called = node.func
    if isinstance(called, ast.Attribute) and called.attr == "call":  # Llama 3.1
        called = called.value
    if isinstance(called, ast.Attribute) and isinstance(called.value, ast.Name) and f"{called.value.id}." in MODULES:
        called = ast.Name(called.attr)
    if not isinstance(called, ast.Name):
        return None
    name = {_alias(name): name for name in tools}.get(called.id, "")
    if not name:
        printed = called.id == "print" and len(node.args) == 1 and not node.keywords
        return _from_node(node.args[0], source, tools) if printed else None
    order = parameter_order(tools[name])
    args, problem = {}, ""
    places = [*zip(order, node.args, strict=False), *((keyword.arg, keyword.value) for keyword in node.keywords)]
    if (whole := _whole_dict(node, order)) is not None:
        return _fitted(name, whole, "", tools)
    for key, part in places:
        read, value = _value(part, source)
        if not read or key is None:
            return None
        if key in args:
            problem = f"the argument `{key}` is given twice"
        args[key] = value
    if len(node.args) > len(order):
        problem = f"it has {len(node.args)} arguments without a name, and {name} takes {len(order)}"
    return FoundCall(name, args, "", problem) if problem else _fitted(name, args, "", tools)


def _whole_dict(node: ast.Call, order: Sequence[str]) -> dict[str, Any] | None:
    """`f({"a": 1})`: all arguments in one dict, as JavaScript has it."""
    if len(node.args) != 1 or node.keywords or not isinstance(node.args[0], ast.Dict):
        return None
    read, value = _value(node.args[0], "")
    return value if read and isinstance(value, dict) and value and set(value) <= set(order) else None


def _value(node: ast.expr, source: str) -> tuple[bool, Any]:
    """A literal; or the text of an expression of numbers, as in `calculator(2 + 2)`; JSON's words are known too."""
    try:
        value = ast.literal_eval(_JsonWords().visit(node))
        json.dumps(value, allow_nan=False)
    except (ValueError, TypeError, RecursionError, MemoryError):
        return _arithmetic(node, source)
    return True, value


class _JsonWords(ast.NodeTransformer):
    """Python for what JSON calls true, false and null."""

    _WORDS: ClassVar[dict[str, bool | None]] = {"true": True, "false": False, "null": None}

    def visit_Name(self, node: ast.Name) -> ast.expr:
        """Called for each name."""
        return ast.Constant(self._WORDS[node.id]) if node.id in self._WORDS else node


def _arithmetic(node: ast.expr, source: str) -> tuple[bool, Any]:
    called = {id(one.func) for one in ast.walk(node) if isinstance(one, ast.Call)}
    for one in ast.walk(node):
        plain = isinstance(one, ast.BinOp | ast.UnaryOp | ast.operator | ast.unaryop | ast.Call | ast.Load)
        number = isinstance(one, ast.Constant) and isinstance(one.value, int | float)
        if not (plain or number or id(one) in called):
            return False, None
    return True, ast.get_source_segment(source, node)
