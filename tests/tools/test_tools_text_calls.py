"""Calls that models write as text: every one found, talk about calls left alone, and the same in any chunks."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from nodetool_xl_desktop.tools import CalculatorTool, ClockTool, as_tool
from nodetool_xl_desktop.tools.text_calls import FoundCall, Parsed, TextCalls, parse


def weather(city: str, days: int = 1, unit: str = "celsius") -> str:
    """Tell the weather.

    Args:
        city: Where.
    """
    return f"{city} {days} {unit}"


def get_news() -> str:
    """Tell the news."""
    return ""


TOOLS = [CalculatorTool(), ClockTool(), as_tool(weather), as_tool(get_news, name="get-news")]
SUM = ("calculator", {"expression": "2+2"})
NOW: tuple[str, dict[str, Any]] = ("clock", {})
PARIS = ("weather", {"city": "Paris", "days": 3})
NEWS: tuple[str, dict[str, Any]] = ("get-news", {})
JSON = '{"name": "calculator", "arguments": {"expression": "2+2"}}'


def deepseek(words: str) -> str:
    bar = "\N{FULLWIDTH VERTICAL LINE}"
    return f"<{bar}{words.replace(' ', chr(0x2581))}{bar}>"


def streamed(text: str, sizes: list[int]) -> list[str | FoundCall]:
    """What comes out where `text` arrives in chunks of these sizes, over and over."""
    stream = TextCalls(TOOLS)
    parts: list[str | FoundCall] = []
    at = 0
    while at < len(text):
        size = sizes[len(parts) % len(sizes)] if len(sizes) > 1 else sizes[0]
        parts += stream.feed(text[at : at + size])
        at += size
    return parts + stream.finish()


def prose(parts: list[str | FoundCall]) -> str:
    return "".join(part for part in parts if isinstance(part, str))


def whole(parts: list[str | FoundCall]) -> str:
    """The answer again, from the texts and the raws."""
    return "".join(part if isinstance(part, str) else part.raw for part in parts)


def parsed(parts: list[str | FoundCall]) -> Parsed:
    return Parsed(prose(parts), tuple(part for part in parts if isinstance(part, FoundCall)))


CALLS: list[tuple[str, list[tuple[str, dict[str, Any]]], str]] = [
    # Tags
    (f"<tool_call>{JSON}</tool_call>", [SUM], ""),
    (f"Sure.\n<tool_call>\n{JSON}\n</tool_call>\nDone.", [SUM], "Sure.\n\nDone."),
    (f"Sure: <tool_call>{JSON}</tool_call> and then", [SUM], "Sure:  and then"),
    (f"<tool_call>{JSON}\nThe answer", [SUM], "\nThe answer"),
    (f'<tool_call>{JSON}\n<tool_call>{{"name": "clock"}}</tool_call>', [SUM, NOW], "\n"),
    (f'<tool_call>{JSON}\n{{"name": "clock", "arguments": {{}}}}</tool_call>', [SUM, NOW], ""),
    (f"<tool_call>{JSON}}}</tool_call>.", [SUM], "."),
    (f'<tool_call>{JSON}}}\n{{"name": "clock"}}</tool_call>.', [SUM, NOW], "."),
    (f"<tool_call>[{JSON}]</tool_call>", [SUM], ""),
    ('<tool_call>calculator(expression="2+2")</tool_call>', [SUM], ""),
    (f"<function_call> {JSON} </function_call>", [SUM], ""),
    (f"<tool_calls>[{JSON}]</tool_calls>", [SUM], ""),
    (f"<|tool_call|>[{JSON}]<|/tool_call|>", [SUM], ""),
    ('<|tool_call_start|>[calculator(expression="2+2")]<|tool_call_end|>', [SUM], ""),
    (f'[TOOL_CALLS] [{JSON}, {{"name": "clock", "arguments": {{}}}}]', [SUM, NOW], ""),
    ('[TOOL_CALLS]calculator[ARGS]{"expression": "2+2"}', [SUM], ""),
    ('[TOOL_CALLS]calculator{"expression": "2+2"}</s>', [SUM], ""),
    ('[TOOL_CALLS]clock{}[TOOL_CALLS]calculator{"expression": "2+2"}', [NOW, SUM], ""),
    ('<function=calculator>{"expression": "2+2"}</function>', [SUM], ""),
    ("<function=clock></function>", [NOW], ""),
    (
        "<tool_call>\n<function=weather>\n<parameter=city>\nParis\n</parameter>\n<parameter=days>\n3\n</parameter>\n"
        "</function>\n</tool_call> ok",
        [PARIS],
        " ok",
    ),
    (
        "<tool_call>weather\n<arg_key>city</arg_key>\n<arg_value>Paris</arg_value>\n<arg_key>days</arg_key>\n"
        "<arg_value>3</arg_value>\n</tool_call>\n",
        [PARIS],
        "\n",
    ),
    (f"<|python_tag|>{JSON.replace('arguments', 'parameters')}<|eom_id|>", [SUM], ""),
    (f"functools[{JSON}]", [SUM], ""),
    (
        f"{deepseek('tool calls begin')}{deepseek('tool call begin')}function{deepseek('tool sep')}calculator\n"
        f'```json\n{{"expression": "2+2"}}\n```{deepseek("tool call end")}{deepseek("tool calls end")}',
        [SUM],
        "",
    ),
    (
        f"{deepseek('tool calls begin')}{deepseek('tool call begin')}calculator{deepseek('tool sep')}"
        f'{{"expression": "2+2"}}{deepseek("tool call end")}{deepseek("tool call begin")}clock'
        f"{deepseek('tool sep')}{{}}{deepseek('tool call end')}{deepseek('tool calls end')}",
        [SUM, NOW],
        "",
    ),
    (
        "<|channel|>analysis<|message|>calculator(1)<|end|><|start|>assistant<|channel|>commentary"
        ' to=functions.calculator <|constrain|>json<|message|>{"expression": "2+2"}<|call|>',
        [SUM],
        "<|channel|>analysis<|message|>calculator(1)<|end|>",
    ),
    # JSON
    (JSON, [SUM], ""),
    (f"  {JSON}  \nDone", [SUM], "    \nDone"),
    (f"I will call {JSON}", [SUM], "I will call "),
    (f"Call:{JSON}\n", [SUM], "Call:\n"),
    (JSON.replace("arguments", "parameters"), [SUM], ""),
    ('{"arguments": {"expression": "2+2"}, "name": "calculator"}', [SUM], ""),
    (f'{JSON}; {{"name": "clock", "parameters": {{}}}}', [SUM, NOW], ""),
    (f'{JSON}, {{"name": "clock", "parameters": {{}}}}\n', [SUM, NOW], "\n"),
    (f'{JSON}\n{{"name": "clock", "parameters": {{}}}}', [SUM, NOW], "\n"),
    (f'[{JSON}, {{"name": "clock", "arguments": null}}]', [SUM, NOW], ""),
    (f"{JSON}}}", [SUM], ""),
    (f"{JSON}</tool_call>", [SUM], ""),
    ('{"name": "calculator", "arguments": "{\\"expression\\": \\"2+2\\"}"}', [SUM], ""),
    ('{"name": "calculator", "arguments": "2+2"}', [SUM], ""),
    (f'{{"type": "function", "function": {JSON}}}', [SUM], ""),
    ('{"id": "1", "function": "calculator", "arguments": {"expression": "2+2"}}', [SUM], ""),
    ("{'name': 'calculator', 'arguments': {'expression': '2+2'}}", [SUM], ""),
    ('{\n  "name": "calculator",\n\n  "arguments": {\n    "expression": "2+2"\n  }\n}', [SUM], ""),
    ('{"name": "calculator", "arguments": {"expression": "2+2",},}', [SUM], ""),
    ('{"name": "weather", "arguments": {"city": "Paris", "days": "3"}}', [PARIS], ""),
    ('{"name": "get-news", "arguments": {}}', [NEWS], ""),
    ('{"name": "weather", "arguments": {"city": "a } ] \\" ```"}}', [("weather", {"city": 'a } ] " ```'})], ""),
    # Python
    ('calculator(expression="2+2")', [SUM], ""),
    ("Then:\n  calculator(expression='2+2')\nDone", [SUM], "Then:\n  \nDone"),
    ('calculator("2+2")', [SUM], ""),
    ("calculator(2+2)", [SUM], ""),
    ("calculator(sqrt(16) * 2)", [("calculator", {"expression": "sqrt(16) * 2"})], ""),
    ("calculator(5)", [("calculator", {"expression": "5"})], ""),
    ('calculator({"expression": "2+2"})', [SUM], ""),
    ('calculator("""2+2""")', [SUM], ""),
    ("clock()", [NOW], ""),
    ("get-news()", [NEWS], ""),
    ('weather("Paris", "3")', [PARIS], ""),
    ('weather(\n    city="Paris",\n    days=3,\n)', [PARIS], ""),
    ('weather(city="a)b\\"(", days=3)', [("weather", {"city": 'a)b"(', "days": 3})], ""),
    ('[calculator(expression="2+2"), weather("Paris", days=3)]', [SUM, PARIS], ""),
    ('[calculator(expression="2+2"), get-news()]', [SUM, NEWS], ""),
    ('calculator("2+2"); clock()', [SUM, NOW], ""),
    ('calculator("2+2")\nclock()\n', [SUM, NOW], "\n\n"),
    ('<think>Hm, clock()?</think>calculator("2+2")', [SUM], "<think>Hm, clock()?</think>"),
    # Blocks
    (f"Hi\n```json\n{JSON}\n```\nBye", [SUM], "Hi\n\nBye"),
    (f"```\n{JSON}\n```", [SUM], ""),
    (f"```json\n{JSON}", [SUM], ""),
    (f"~~~tool_call\n{JSON}\n~~~", [SUM], ""),
    (f"```xml\n<tool_call>\n{JSON}\n</tool_call>\n```", [SUM], ""),
    ('```tool_code\nprint(calculator(expression="2+2"))\n```', [SUM], ""),
    ('```python\ncalculator(expression="2+2")\nclock()\n```', [SUM, NOW], ""),
    (f"```json\n[{JSON}]\n```", [SUM], ""),
]

NONE = [
    "",
    "Plain prose.",
    "The calculator(expression) function takes a string.",
    "calculator(expression: str) -> str",
    'calculator(expression="2+2") returns 4.',
    "calculator (the tool) is nice",
    "calculator(see below)",
    "calculators are nice",
    'Use calculator(expression="2+2") for that',
    'Use `calculator(expression="2+2")` for that',
    '`calculator(expression="2+2")`',
    f"`{JSON}`",
    f"Use `` {JSON} `` here",
    '> calculator(expression="2+2")',
    f"> {JSON}",
    f'He wrote "{JSON}" there',
    f"The format is {JSON}.",
    f"x{JSON}",
    f'"<tool_call>{JSON}</tool_call>" is the form',
    f"Write '<tool_call>\n{JSON}\n</tool_call>' there",
    "The <tool_call> tag ends with </tool_call>",
    "<tool_call>",
    "<tool_call>{json}</tool_call>",
    "<tool_call></tool_call>",
    '<tool_call>{"name": "other", "arguments": {}}</tool_call>',
    "[TOOL_CALLS] is a word of Mistral",
    "[TOOL_CALLS]calculators{}",
    "<function=other>{}</function>",
    "<function=calculators>{}</function>",
    '{"name": "other", "arguments": {"expression": "2+2"}}',
    '{"name": "Alice", "age": 30}',
    '{"name": "calculator", "age": 3}',
    '{"name": "calculator"}',
    '{"city": "Paris", "name": "calculator", "arguments": {}}',
    '{"id": 5, "title": "calculator"}',
    '{"arguments": {"a": 1}}',
    '[{"name": "Alice"}, {"name": "Bob"}]',
    f'[{JSON}, {{"name": "Bob"}}]',
    "[1] and [calculator] and {x} and [",
    "a {",
    'other(expression="2+2")',
    '    calculator(expression="2+2")',
    f"\t{JSON}",
    "<think>\ncalculator(expression='2+2')\n</think>\nDone",
    f"<think>{JSON}",
    f"<thinking>\n{JSON}\n</thinking>",
    '```python\nresult = calculator(expression="2+2")\nprint(result)\n```',
    '```python\nimport x\ncalculator(expression="2+2")\n```',
    '```python\ncalculator(expression="2+2")\nprint(1)\n```',
    f"```json\n{JSON}\nand more\n```",
    '```json\n{"name": "Alice"}\n```',
    f"```bash\n{JSON}\n```",
    f"```markdown\n```json\n{JSON}\n```\n```",
    f"````\n```json\n{JSON}\n```\n````",
    "```\n",
    "def f():\n    calculator('2+2')\n",
    "| calculator(expression) | {x} |",
]

BROKEN = [
    ('<tool_call>{"name": "calculator", "arguments": {"expression": "2+2"}\n</tool_call> The answer', " The answer"),
    ('<tool_call>{"name": "calculator", "arguments": {"expression": "2+2}\n\nThe answer', "\n\nThe answer"),
    ('<tool_call>{"name": "calculator", "arguments": {"expression": "say "2""}}</tool_call>\nOn', "\nOn"),
    ('<tool_call>{"name": "calculator", "arguments": [1]}</tool_call> On', " On"),
    ('<tool_call>{"name": "calculator", "arguments": {"expr": "2+2"}}</tool_call> On', " On"),
    ('<function=calculator>{"expression": 2+2}</function> On', " On"),
    ('{"name": "calculator", "arguments": {"expression": "2+2"}\n\nThe answer is 4.', "\n\nThe answer is 4."),
    ('Hi\n{"name": "calculator", "arguments": {"expression": "2+2}}\nThe answer', "Hi\n\nThe answer"),
    ('{"name": "calculator", "arguments": {"expression": ', ""),
    ('{"name": "calculator", "arguments": {}}\nOn', "\nOn"),
    ('calculator(expression="2+2\nThe answer', "\nThe answer"),
    ('calculator(expression="2+2"', ""),
    ("calculator(expression=x)\nOn", "\nOn"),
    ('calculator(expr="2+2")\nOn', "\nOn"),
    ('calculator("2", "3")\nOn', "\nOn"),
    ("calculator()", ""),
    ('calculator("1", expression="2")', ""),
    ('```json\n{"name": "calculator", "arguments": {"expression": "2+2"}\n```\nOn', "\nOn"),
]


@pytest.mark.parametrize(("text", "calls", "left"), CALLS)
def test_every_form_is_found(text: str, calls: list[tuple[str, dict[str, Any]]], left: str) -> None:
    found = parse(text, TOOLS)
    assert [(call.name, call.args) for call in found.calls] == calls
    assert [call.problem for call in found.calls] == [""] * len(calls)
    assert found.text == left


@pytest.mark.parametrize("text", NONE)
def test_talk_about_calls_is_text(text: str) -> None:
    assert parse(text, TOOLS) == Parsed(text, ())


@pytest.mark.parametrize(("text", "left"), BROKEN)
def test_a_broken_call_has_a_problem_and_the_rest_stays(text: str, left: str) -> None:
    found = parse(text, TOOLS)
    assert [call.name for call in found.calls] == ["calculator"]
    assert found.calls[0].problem
    assert found.text == left
    assert found.calls[0].raw in text


def test_the_problem_says_what_is_wrong() -> None:
    assert parse('calculator(expr="2")', TOOLS).calls[0].problem == (
        "calculator has no argument `expr`; it takes `expression`"
    )
    assert parse('weather("Paris", days="x")', TOOLS).calls[0].problem == (
        'the argument `days` is "x", expected integer'
    )


def test_each_call_of_a_list_has_its_part_of_the_raw_text() -> None:
    first, second = parse('[calculator(expression="2+2"), weather("Paris", days=3)]\n', TOOLS).calls
    assert first.raw == '[calculator(expression="2+2"), '
    assert second.raw == 'weather("Paris", days=3)]'


def test_without_tools_all_is_text() -> None:
    assert parse(f"<tool_call>{JSON}</tool_call>\nclock()", []) == Parsed(f"<tool_call>{JSON}</tool_call>\nclock()", ())


# Streams

ANSWERS = [text for text, _, _ in CALLS] + NONE + [text for text, _ in BROKEN]


@pytest.mark.parametrize("text", ANSWERS)
@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_chunks_make_no_difference(text: str, size: int) -> None:
    parts = streamed(text, [size])
    assert parsed(parts) == parse(text, TOOLS)
    assert whole(parts) == text


@pytest.mark.parametrize("text", ANSWERS)
def test_every_prefix_is_an_answer_too(text: str) -> None:
    for end in range(len(text)):
        parts = streamed(text[:end], [5])
        assert whole(parts) == text[:end]
        assert parsed(parts) == parse(text[:end], TOOLS)


PIECES = st.sampled_from(
    [
        *ANSWERS,
        *"{}[]()<>`'\"\n\t ,;:=\\|~#.f",
        "\n\n",
        "```",
        "```json\n",
        "\n```\n",
        "<think>",
        "</think>",
        "<tool_call>",
        "</tool_call>",
        "[TOOL_CALLS]",
        "<function=",
        "calculator(",
        "expression=",
        "calculator",
        '{"name": "calculator", ',
        '"arguments": {',
        '"name": "',
        "prose ",
        " 2+2",
        "\r\n",
        "\N{EM SPACE}",
        "é",
    ]
)


@given(
    st.lists(PIECES | st.text(alphabet="ab (){}[]<>`'\"\n=,:", max_size=5), max_size=12),
    st.lists(st.integers(1, 40), min_size=1, max_size=5),
)
@settings(max_examples=400, deadline=None)
@example(["calculator(", "\n", "```", "```"], [1])
@example(["```\n", "calculator(expression=}", "\n````"], [1])
def test_any_text_in_any_chunks_comes_out_the_same_and_whole(pieces: list[str], sizes: list[int]) -> None:
    text = "".join(pieces)
    parts = streamed(text, sizes)
    assert whole(parts) == text
    assert parsed(parts) == parse(text, TOOLS)


@given(
    st.lists(st.sampled_from(["Some words.", "2 < 3 and {x}", "A [1] note", "It's `code`", "1. item", "# Title"])),
    st.sampled_from([case for case in CALLS if "```" not in case[0] or case[0].endswith("```")]),
    st.lists(st.sampled_from(["Then words.", "(so)", "[2] see", "{y}", "> quoted"]), min_size=1),
    st.lists(st.integers(1, 30), min_size=1, max_size=4),
)
def test_a_call_between_prose_is_found_and_the_prose_is_kept(
    before: list[str], case: tuple[str, list[tuple[str, dict[str, Any]]], str], after: list[str], sizes: list[int]
) -> None:
    text, calls, left = case
    head, tail = "".join(f"{line}\n\n" for line in before), "\n\n" + "\n".join(after)
    found = parsed(streamed(head + text + tail, sizes))
    assert [(call.name, call.args) for call in found.calls] == calls
    assert found.text == head + left + tail


@pytest.mark.parametrize(("text", "calls", "left"), CALLS)
def test_nothing_of_a_call_comes_out_as_text(text: str, calls: list[Any], left: str) -> None:
    stream = TextCalls(TOOLS)
    shown = ""
    for char in text:
        shown += prose(stream.feed(char))
        assert left.startswith(shown)


@pytest.mark.parametrize(
    "text",
    [
        "Plain prose, with a comma; (and) more: it's 50% \\ | ~ * _ # = + - / .",
        "The calculator is nice",
        "a < b and c > d",
        "x[0] = y{z}",
        "I use calculator(1) here",
        "1. one\n2. two\n\n# Title\n- item\n",
    ],
)
def test_plain_prose_passes_at_once(text: str) -> None:
    stream = TextCalls(TOOLS)
    held = 0
    for at in range(len(text)):
        held += 1 - len(prose(stream.feed(text[at])))
        assert held <= 1, text[: at + 1]
    assert held == 0


@pytest.mark.parametrize(
    ("held", "release"),
    [
        ("<tool", "s>"),
        ("<tool_call> ", "p"),
        ('{"na', "t"),
        ('{"name": "calc', "k"),
        ("{ ", "x"),
        ("[", "1"),
        ('[{"name', "s"),
        ("calculator", " "),
        ("calculator(", "the x"),
        ("calculator(expression", ":"),
        ('calculator("2+2")', "."),
        ("```js", "x"),
        ("```python\n", "i"),
        ('```json\n{"name', "d"),
        ("[TOOL_", "X"),
    ],
)
def test_text_is_held_only_as_long_as_it_can_be_a_call(held: str, release: str) -> None:
    stream = TextCalls(TOOLS)
    assert stream.feed(held) == []
    assert prose(stream.feed(release)) == held + release


def test_a_call_comes_out_as_soon_as_it_is_certain() -> None:
    stream = TextCalls(TOOLS)
    assert stream.feed(f"<tool_call>{JSON}") == []
    assert [type(part) for part in stream.feed("</tool_call>\nD")] == [FoundCall, str] or stream.feed("x")
    stream = TextCalls(TOOLS)
    stream.feed(JSON)
    assert [type(part) for part in stream.feed("\n")] == [FoundCall, str]


# Length

HOSTILE = [
    "{",
    "<",
    "[",
    "(",
    "`",
    ">",
    " ",
    "\n",
    "{ ",
    "[ ",
    "{\n",
    '{"',
    "word ",
    "```\n",
    "~~~",
    "calculator(",
    "calculator(\n\n",
    "calculator([",
    'calculator("""',
    "calculator(expression='",
    "calculator(1)\n",
    "<tool_call>",
    '"<tool_call>',
    '<tool_call>{"',
    "<tool_call>calculator<arg_key>",
    "[TOOL_CALLS]",
    "[TOOL_CALLS]calculator{",
    "<function=calculator>",
    "<think>",
    '{"name": ',
    '{"arguments": ',
    '{"name": "calculator", "arguments": {"expression": "',
    "{'name':\"calculator\",'arguments':{'a':\"",
    '```json\n{"name": ',
]


def seconds(text: str) -> float:
    began = time.process_time()
    parse(text, TOOLS)
    return time.process_time() - began


@pytest.mark.parametrize("unit", HOSTILE)
def test_time_grows_with_the_length_and_no_faster(unit: str) -> None:
    small, large = unit * (10_000 // len(unit)), unit * (80_000 // len(unit))
    assert seconds(large) < max(0.3, 3 * 8 * seconds(small))


def test_a_megabyte_is_read_in_seconds() -> None:
    for unit in ("{", "<", "calculator(", "word "):
        assert seconds(unit * (1_000_000 // len(unit))) < 10


def test_a_call_beyond_the_limit_is_let_go() -> None:
    long = '{"name": "calculator", "arguments": {"expression": "' + "1" * 300_000
    stream = TextCalls(TOOLS)
    parts = [*stream.feed(long), *stream.feed("\nOn"), *stream.finish()]
    assert [part.problem != "" for part in parts if isinstance(part, FoundCall)] == [True]
    assert prose(parts) == "\nOn"


def test_the_limit_is_the_same_in_one_chunk_and_in_many() -> None:
    for size in (190_000, 210_000):
        text = f'{{"arguments": {{"expression": "{"1" * size}"}}, "name": "calculator"}}\nOn'
        assert parsed(streamed(text, [50_000])) == parse(text, TOOLS)
        assert len(parse(text, TOOLS).calls) == (size < 200_000)
        python = f'calculator("{"1" * size}")\nOn'
        assert parsed(streamed(python, [50_000])) == parse(python, TOOLS)
        assert len(parse(python, TOOLS).calls) == (size < 200_000)


def test_data_that_is_nested_too_deeply_is_let_go_at_once() -> None:
    stream = TextCalls(TOOLS)
    assert stream.feed('{"arguments": [[') == []
    assert prose(stream.feed("[" * 60)).startswith('{"arguments": [[')


def test_deep_nesting_ends_in_text_or_a_problem() -> None:
    for deep in (
        '{"arguments": ' * 5_000,
        f"<tool_call>{'[' * 5_000}",
        "calculator(" + "(" * 5_000,
        "[calculator(" * 50,
    ):
        assert whole(streamed(deep, [1000])) == deep


# Names that Python does not take, values that hold marks, calls that were cut


def get_timer() -> str:
    """Tell how long the timer still runs."""
    return ""


TIMERS = [as_tool(get_timer, name="get-timer"), as_tool(get_timer, name="set-timer"), as_tool(weather, name="lambda")]


def test_names_that_differ_in_one_letter_are_kept_apart() -> None:
    assert [call.name for call in parse("get-timer()\nset-timer()", TIMERS).calls] == ["get-timer", "set-timer"]


def test_a_name_inside_a_text_is_left_alone() -> None:
    (call,) = parse('lambda(city="where get-timer() is, and lambda(x)")', TIMERS).calls
    assert call.args == {"city": "where get-timer() is, and lambda(x)"}


XML = "<tool_call>\n<function=weather>\n<parameter=city>\nin </function> or <tool_call>\n</parameter>\n"
XML += "<parameter=days>\n3\n</parameter>\n</function>\n</tool_call>"
GLM = "<tool_call>weather\n<arg_key>city</arg_key>\n<arg_value>Rio </tool_call> de</arg_value>\n"
GLM += "<arg_key>days</arg_key>\n<arg_value>3</arg_value>\n</tool_call>"


@pytest.mark.parametrize(("text", "city"), [(XML, "in </function> or <tool_call>"), (GLM, "Rio </tool_call> de")])
def test_a_value_in_tags_may_hold_marks_of_calls(text: str, city: str) -> None:
    (call,) = parse(text, TOOLS).calls
    assert (call.args, call.problem, call.raw) == ({"city": city, "days": 3}, "", text)


PLAIN_XML, PLAIN_GLM = XML.replace("in </function> or <tool_call>", "Rio"), GLM.replace(" </tool_call> de", "")


@pytest.mark.parametrize("text", [PLAIN_XML, PLAIN_GLM], ids=["xml", "glm"])
def test_a_value_in_tags_that_was_cut_is_never_taken_for_a_whole_one(text: str) -> None:
    """Cut behind a whole value it may be a call without the mark of its end, which some models forget."""
    for end in range(len(text)):
        parts = streamed(text[:end], [end or 1])
        assert whole(parts) == text[:end]
        whole_tags = re.sub(r"<[^>]*$", "", text[:end]).rstrip()
        for call in parsed(parts).calls:
            assert call.problem or whole_tags.endswith(("</parameter>", "</arg_value>", "</function>")), text[:end]


def test_an_infinite_number_is_none() -> None:
    for text in ('{"name": "weather", "arguments": {"city": "a", "days": 1e999}}', "weather('a', days='1e999')"):
        (call,) = parse(text, TOOLS).calls
        assert call.problem


@pytest.mark.parametrize(
    "text",
    ['{"name": "clock", "description": "tells the time", "parameters": {}}', 'x = {"name": "clock", "arguments": {}}'],
)
def test_a_tool_that_is_told_of_is_not_called(text: str) -> None:
    assert parse(text, TOOLS) == Parsed(text, ())


def test_a_fence_within_tags_ends_with_them() -> None:
    text = f"<tool_call>\n```json\n{JSON}\n```\n</tool_call>\n\n<tool_call>{JSON}</tool_call>"
    assert len(parse(text, TOOLS).calls) == 2


@pytest.mark.parametrize(
    "begun",
    [
        "<function=weather>\n<parameter=city>",
        "<tool_call>weather<arg_key>",
        '<tool_call>{"name": "clock", "arguments": {}}x ',
    ],
)
def test_nothing_is_held_back_for_ever(begun: str) -> None:
    stream = TextCalls(TOOLS)
    passed = stream.feed(begun)
    for _ in range(20):
        passed += stream.feed("word and another word, " * 1_000)
    assert whole(passed)
