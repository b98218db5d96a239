"""Arithmetic for models, which get it wrong by themselves.

simpleeval walks Python's own syntax tree, so nothing is ever executed. It is cut down here to numbers, operators and a
list of functions, and each operator that can make something huge is replaced: its own limits would still let
`9**9**6` run for seconds.
"""

from __future__ import annotations

import ast
import math
import operator
import re
import warnings
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import simpleeval  # type: ignore[import-untyped]

from nodetool_xl_desktop.core.errors import UserFacingError

_LONGEST = 1_000  # characters of an expression
_DEEPEST = 200  # levels of it: a sum of so many numbers
_MOST_PERCENTS = 50  # for each of them the text is gone through
_MOST_DIGITS = 1_000  # of a whole number
_MOST_BITS = int(_MOST_DIGITS * math.log2(10))
_LARGEST_FACTORIAL = 400  # 869 digits
#: Digits shown of a number that is not whole: as many as it always holds, so 0.1 + 0.2 is 0.3.
_SIGNIFICANT = 15

#: What people type for the operators; "^" waits as a sign that Python does not have, so that % can be told apart first.
_SIGNS = str.maketrans(
    {
        "\N{MULTIPLICATION SIGN}": "*",
        "\N{MIDDLE DOT}": "*",
        "\N{DIVISION SIGN}": "/",
        "\N{MINUS SIGN}": "-",
        "\N{EN DASH}": "-",
        "\N{GREEK SMALL LETTER PI}": "pi",
        "^": "§",
    }
)
_THOUSANDS = re.compile(r"(?<![\w.,])\d{1,3}(?:,\d{3})+(?![\d,])")
_AMBIGUOUS = re.compile(r"(?<![\w.])\d{1,3},0\d\d(?!\d)")
_PERCENT_OF = re.compile(r"%\s*of\b", re.IGNORECASE)
_PERCENT = re.compile(r"\s*%(?=\s*(?:$|[)*/,§]))|(?<=[\d.)])%(?=\s*[+-])")
_OPERAND_END = re.compile(r"[\w.]*$")


def _forced() -> str:
    """A regular expression for arithmetic that has a result: nothing is divided by zero, and each function takes it.

    What a model writes whose call is forced: a small one that may write any text writes anything but arithmetic. It is
    short, as such a model goes on for as long as it may.
    """
    number = r"[1-9][0-9]{0,8}(\.[0-9]{1,4})?"
    positive = f"{number}( [+*] {number}){{0,2}}"
    function = rf"((sqrt|cbrt|sin|cos|log|abs|round|floor|ceil)\({positive}\)|factorial\([1-9][0-9]?\))"
    part = rf"({number}|0|pi|\({number}( [-+*] {number}){{1,2}}\)|{function})( \^ [1-9])?"
    return f"^(-?{part}( [-+*] {part}| / {number}){{1,4}}|{function})$"


def _power(base: float, exponent: float) -> float:
    if isinstance(base, int) and isinstance(exponent, int):
        if exponent < 0:
            base = float(base)
        elif abs(base) > 1 and math.log2(abs(base)) * exponent > _MOST_BITS:
            raise OverflowError
    result: Any = base**exponent
    if isinstance(result, complex):
        raise ValueError("the result is not a real number")
    return float(result) if isinstance(result, float) else int(result)


def _times(one: float, other: float) -> float:
    if isinstance(one, int) and isinstance(other, int) and one.bit_length() + other.bit_length() > _MOST_BITS:
        raise OverflowError
    return one * other


def _factorial(number: float) -> int:
    if number > _LARGEST_FACTORIAL:
        raise ValueError(f"factorial is limited to {_LARGEST_FACTORIAL}")
    if number != int(number):
        raise ValueError("factorial takes whole numbers only")
    return math.factorial(int(number))


def _round(number: float, digits: float = 0) -> float:
    if not -_MOST_DIGITS <= digits <= _MOST_DIGITS:
        raise ValueError("round takes a number of digits")
    return round(number, int(digits)) if digits else round(number)


def _without_noise(function: Callable[[float], float]) -> Callable[[float], float]:
    """sin(pi) is 0 for a person, not 1.2e-16."""

    def rounded(angle: float) -> float:
        value = function(angle)
        return 0.0 if abs(value) < 1e-15 else value

    return rounded


_FUNCTIONS: dict[str, Callable[..., float]] = {
    "sqrt": math.sqrt,
    "cbrt": math.cbrt,
    "sin": _without_noise(math.sin),
    "cos": _without_noise(math.cos),
    "tan": _without_noise(math.tan),
    "asin": math.asin,
    "acos": math.acos,
    "atan": math.atan,
    "degrees": math.degrees,
    "radians": math.radians,
    "log": math.log,
    "ln": math.log,
    "log10": math.log10,
    "log2": math.log2,
    "exp": math.exp,
    "abs": abs,
    "round": _round,
    "min": min,
    "max": max,
    "floor": math.floor,
    "ceil": math.ceil,
    "factorial": _factorial,
    "pow": _power,
}
_OPERATORS = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: _times,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: _power,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
}
_NAMES = {"pi": math.pi, "e": math.e, "tau": math.tau}
_NODES = (ast.Constant, ast.BinOp, ast.UnaryOp, ast.Call, ast.Name)


class CalculatorTool:
    """Works out one arithmetic expression.

    For people, not for Python: `^` is a power, `15% of 80` and `20%` are per cent (`%` between two numbers is the
    remainder), and `1,000` is a thousand outside the parentheses of a function.
    """

    name = "calculator"
    description = (
        "Works out an arithmetic expression: + - * / // % ^ and parentheses, sqrt, sin, cos, tan, log, exp, abs, round,"
        " min, max, floor, ceil, factorial, pi, e."
    )
    parameters: ClassVar[Mapping[str, Any]] = {
        "type": "object",
        "properties": {"expression": {"type": "string", "description": "What to work out, such as (2 + 3) * sqrt(16)"}},
        "required": ["expression"],
        "additionalProperties": False,
    }
    forced_parameters: ClassVar[Mapping[str, Any]] = {
        **parameters,
        "properties": {"expression": {"type": "string", "pattern": _forced()}},
    }

    def __init__(self) -> None:
        self._evaluator = simpleeval.SimpleEval(_OPERATORS, _FUNCTIONS, _NAMES)
        self._evaluator.nodes = {kind: walk for kind, walk in self._evaluator.nodes.items() if kind in _NODES}

    def __call__(self, expression: str) -> str:
        """The value as text: whole numbers in full, others with 15 significant digits.

        Raises:
            UserFacingError: it cannot be worked out, or would be too large.
        """
        if len(expression) > _LONGEST:
            raise _error(expression, f"it is longer than {_LONGEST:,} characters")
        try:
            value = self._evaluator.eval(expression, previously_parsed=_parse(_as_python(expression)))
            return _shown(value)
        except RecursionError as error:
            raise _error(expression, "it is nested too deeply") from error
        except ZeroDivisionError as error:
            raise _error(expression, "it divides by zero") from error
        except OverflowError as error:
            raise _error(expression, f"a number in it has more than {_MOST_DIGITS:,} digits or is too large") from error
        except (ValueError, TypeError) as error:
            raise _error(expression, str(error)) from error
        except simpleeval.InvalidExpression as error:
            raise _error(expression, _unknown(error)) from error


def _as_python(expression: str) -> str:
    """What people write, as Python reads it."""
    text = " ".join(expression.translate(_SIGNS).split()).rstrip("= ")
    text = _without_thousands(text)
    if text.count("%") > _MOST_PERCENTS:
        raise ValueError(f"it has more than {_MOST_PERCENTS} percent signs")
    text = _PERCENT_OF.sub("%*", text)
    while found := _PERCENT.search(text):
        start = _operand(text[: found.start()])
        text = f"{text[:start]}({text[start : found.start()]}/100){text[found.end() :]}"
    return text.replace("§", "**")


def _operand(text: str) -> int:
    """Where the number, or the parentheses with the function before them, begin that `text` ends with."""
    end, depth = len(text), 0
    while end and (depth or text[end - 1] == ")"):
        end -= 1
        depth += {")": 1, "(": -1}.get(text[end], 0)
        if not depth:
            break
    before = _OPERAND_END.search(text, 0, end)
    return before.start() if before else end


def _without_thousands(text: str) -> str:
    """1,000 as 1000 where the comma cannot stand between two arguments."""
    calls = _inside_calls(text)
    for found in _AMBIGUOUS.finditer(text):
        if calls[found.start()]:
            raise ValueError(f"{found.group()} inside a function may be one number or two: write it without the comma")
    return _THOUSANDS.sub(lambda found: found.group() if calls[found.start()] else found.group().replace(",", ""), text)


def _inside_calls(text: str) -> list[bool]:
    """For each character, whether it stands within the parentheses of a function."""
    inside, stack, before = [], [False], ""
    for char in text:
        if char == "(":
            stack.append(stack[-1] or before.isalnum())
        elif char == ")" and len(stack) > 1:
            stack.pop()
        inside.append(stack[-1])
        before = before if char == " " else char
    return inside


def _parse(text: str) -> ast.expr:
    try:
        with warnings.catch_warnings():  # "1if" and its like make Python warn
            warnings.simplefilter("ignore")
            tree = ast.parse(text, mode="eval").body
    except (SyntaxError, RecursionError, MemoryError) as error:
        raise ValueError("it is not an arithmetic expression") from error
    _check(tree)
    return tree


def _check(tree: ast.expr) -> None:
    """Only numbers, and not too deep for the walk."""
    level: list[ast.AST] = [tree]
    for _ in range(_DEEPEST):
        for node in level:
            if isinstance(node, ast.Constant) and type(node.value) not in (int, float):
                raise ValueError(f"{node.value!r} is not a number")
            if isinstance(node, ast.Constant) and isinstance(node.value, int) and node.value.bit_length() > _MOST_BITS:
                raise OverflowError
        level = [child for node in level for child in ast.iter_child_nodes(node)]
        if not level:
            return
    raise ValueError("it is nested too deeply")


def _shown(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("it is not a number")
    if isinstance(value, int):
        if value.bit_length() > _MOST_BITS:
            raise OverflowError
        return str(value)
    if not math.isfinite(value):
        raise OverflowError
    return format(value, f".{_SIGNIFICANT}g")


def _unknown(error: Exception) -> str:
    if isinstance(error, simpleeval.FunctionNotDefined):
        return f"there is no function {error.func_name}"
    if isinstance(error, simpleeval.NameNotDefined):
        return f"{error.name} is not known; it takes numbers only"
    return "it is not an arithmetic expression"


def _error(expression: str, why: str) -> UserFacingError:
    shown = expression if len(expression) <= 60 else f"{expression[:60]}..."
    return UserFacingError(f"Cannot work out {shown!r}", why)
