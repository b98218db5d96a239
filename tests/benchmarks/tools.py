"""What looking for calls costs a stream: on a megabyte, and for each chunk that passes."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from table import Row, row

from nodetool_xl_desktop.tools import CalculatorTool, ClockTool, FoundCall, TextCalls

CORPUS = Path(__file__).parent.parent / "tools" / "corpus"
MEGABYTE = 1_000_000
ROUNDS = 5
#: About what one token is.
CHUNK = 4
CHUNKS = 50_000
TOOLS = (CalculatorTool(), ClockTool())
PROSE = (
    "The lighthouse keeper (an old man, 71) found a bottle: green, sealed, and - so he said - older than the tower. "
    'It held a note; "2 < 3", it read, and nothing else.\n\n1. He kept it.\n2. He told nobody [but his cat].\n\n'
)
CALL = '<tool_call>\n{"name": "calculator", "arguments": {"expression": "17 * (3 + 4)"}}\n</tool_call>\n'


def chunks(text: str, size: int) -> list[str]:
    return [text[at : at + size] for at in range(0, len(text), size)]


def megabyte(unit: str) -> str:
    return unit * (MEGABYTE // len(unit.encode()))


def answers() -> list[str]:
    """A megabyte of answers as models write them, none of which holds a call."""
    lines = (CORPUS / "prose.jsonl").read_text(encoding="utf-8").split("\n")
    texts = [json.loads(line)["text"] for line in lines if line]
    return texts * (MEGABYTE // sum(len(text.encode()) for text in texts))


def seconds(pieces: Sequence[str]) -> float:
    stream = TextCalls(TOOLS)
    began = time.perf_counter()
    for piece in pieces:
        stream.feed(piece)
    stream.finish()
    return time.perf_counter() - began


def delays(pieces: Sequence[str]) -> list[float]:
    """What each chunk waits for the parser, in microseconds."""
    stream = TextCalls(TOOLS)
    feed: Callable[[str], list[str | FoundCall]] = stream.feed
    waited = []
    for piece in pieces:
        began = time.perf_counter()
        feed(piece)
        waited.append((time.perf_counter() - began) * 1e6)
    return waited


def held_back(pieces: Sequence[str]) -> int:
    """How many chunks were not out, whole, by the time that the next one was."""
    stream = TextCalls(TOOLS)
    given, out, late = 0, 0, 0
    for piece in pieces:
        before = given
        given += len(piece)
        out += sum(len(part) for part in stream.feed(piece) if isinstance(part, str))
        late += out < before
    return late


def rows() -> list[Row]:
    prose, calls = megabyte(PROSE), megabyte(CALL)
    short = answers()
    as_it_comes = chunks(prose, CHUNK)[:CHUNKS]
    in_calls = chunks(calls, CHUNK)[:CHUNKS]
    percentile = [statistics.quantiles(delays(as_it_comes), n=100)[98] for _ in range(ROUNDS)]
    of_calls = [statistics.quantiles(delays(in_calls), n=100)[98] for _ in range(ROUNDS)]
    return [
        row("tool parser: 1 MB of prose", "s", [seconds([prose]) for _ in range(ROUNDS)]),
        row("tool parser: 1 MB of prose, in chunks of 4", "s", [seconds(chunks(prose, CHUNK)) for _ in range(ROUNDS)]),
        row("tool parser: 1 MB of short answers", "s", [sum(seconds([one]) for one in short) for _ in range(ROUNDS)]),
        row("tool parser: 1 MB of calls", "s", [seconds([calls]) for _ in range(ROUNDS)]),
        row("tool parser: delay a chunk, p99", "us", percentile),
        row("tool parser: delay a chunk within calls, p99", "us", of_calls),
        row("tool parser: chunks of prose held back beyond one", "chunks", [held_back(as_it_comes)], "at most 0"),
    ]
