"""What the transcript costs: an answer of 100,000 tokens as it streams in, and a chat of 10,000 messages.

    python tests/benchmarks/transcript.py [--tokens 100000] [--messages 10000]

An update is what one frame of the program does: the answer as it is now is shown, laid out and painted. A token is
four letters. The updates are those of 30 a second at 100 tokens a second.
"""

from __future__ import annotations

import argparse
import gc
import os
import time
from collections.abc import Sequence

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import psutil
from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtWidgets import QApplication, QMainWindow, QTextBrowser
from table import Row, row, show

from nodetool_xl_desktop import app
from nodetool_xl_desktop.store.parts import Text
from nodetool_xl_desktop.store.records import Message, State
from nodetool_xl_desktop.store.tree import Versions
from nodetool_xl_desktop.ui.collector import Collector
from nodetool_xl_desktop.ui.leaf import formula
from nodetool_xl_desktop.ui.theme import Theme
from nodetool_xl_desktop.ui.transcript.transcript import Transcript

LETTERS_PER_TOKEN = 4
TOKENS_PER_UPDATE = 3
#: Of so many updates at the end the cost is looked at.
LOOKED_AT = 900
MIXED = """\
## Part {number}

The **keeper** read `line {number}` of the letter, and the sea went on as it had for years, grey and patient, while the
lamp turned above him and the gulls slept on the rail. See [the chart](https://example.org/{number}) for more, where
$a^2 + b^2 = c^2$ holds.

1. First, he *wound* the clock.
2. Then he trimmed the lamp:
   - the wick, and
   - the glass.
3. At last he slept.

> The sea is never the same twice.

```python
def turn(lamp: Lamp, seconds: float = {number}.0) -> float:
    # once around
    angle = 2 * math.pi * seconds / lamp.period_s
    return angle % (2 * math.pi)
```

| hour | wind | light |
|:-----|-----:|:-----:|
| {number} | 12 | on |
| 4 | 31 | on |

$$\\int_0^{number} x^2 dx$$

"""


def mixed(letters: int) -> str:
    """Markdown with every element in it."""
    parts, length, number = [], 0, 0
    while length < letters:
        number += 1
        parts.append(MIXED.replace("{number}", str(number)))
        length += len(parts[-1])
    return "".join(parts)[:letters]


class Window:
    """A transcript as large as in the program, with Python's cycles collected as there."""

    def __init__(self) -> None:
        self.collector = Collector(lambda: False)
        self.theme = Theme(app.application())
        self.window = QMainWindow()
        self.transcript = Transcript(self.theme)
        self.window.setCentralWidget(self.transcript)
        self.window.resize(900, 800)
        self.window.show()
        self.settle()

    def settle(self) -> None:
        for _ in range(4):
            self.frame()

    @staticmethod
    def frame() -> None:
        """What the loop does once, with the widgets that went."""
        QApplication.processEvents()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)

    def close(self) -> None:
        self.transcript.clear()
        self.window.close()
        self.window.deleteLater()
        self.theme.deleteLater()
        self.settle()
        formula.close_all()
        self.collector.close()


def alone(message_id: str) -> Versions:
    return Versions((message_id,), 0)


def p99(values: Sequence[float]) -> float:
    return sorted(values)[int(len(values) * 0.99)]


def streaming(tokens: int) -> list[Row]:
    """An answer as it comes, with the reader at its end."""
    window, text = Window(), mixed(tokens * LETTERS_PER_TOKEN)
    step, times = TOKENS_PER_UPDATE * LETTERS_PER_TOKEN, []
    worked: list[float] = []
    question = Message("q", None, "user", (Text("Tell me all."),))
    process = psutil.Process()
    before = process.memory_info().rss
    window.transcript.show_chat([question, Message("a", "q", "assistant", (), State.STREAMING)], alone)
    window.settle()
    # Up to the last updates in larger pieces: what is finished does not depend on how it came.
    ends = [*range(0, len(text) - LOOKED_AT * step, 2000), *range(len(text) - LOOKED_AT * step, len(text), step)]
    for end in ends:
        message = Message("a", "q", "assistant", (Text(text[:end]),), State.STREAMING)
        began, worked_before = time.perf_counter(), time.thread_time()
        window.transcript.update_answer(message)
        window.frame()
        times.append((time.perf_counter() - began) * 1000)
        worked.append((time.thread_time() - worked_before) * 1000)
    gc.collect()
    held = (process.memory_info().rss - before) / 2**20
    last = times[-LOOKED_AT:]
    window.close()
    plain = in_text_browser(text)
    name = f"an update of the transcript at {tokens:,} tokens"
    return [
        row(name, "ms", last, "", ("QTextBrowser.setMarkdown of the same text", plain)),
        row(f"{name}, p99", "ms", [p99(last)], "at most 4"),
        row("an update: p99 of the processor time of its thread", "ms", [p99(worked[-LOOKED_AT:])]),
        row(f"an answer of {tokens:,} tokens: memory", "MiB", [held]),
    ]


def in_text_browser(text: str) -> list[float]:
    """What an update costs where Qt's own widget is given the whole text, in milliseconds; it draws no formula."""
    browser, times = QTextBrowser(), []
    browser.resize(900, 800)
    browser.show()
    for _ in range(3):
        began = time.perf_counter()
        browser.setMarkdown(text)
        browser.verticalScrollBar().setValue(browser.verticalScrollBar().maximum())
        QApplication.processEvents()
        times.append((time.perf_counter() - began) * 1000)
    browser.close()
    browser.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    return times


def scrolling(count: int) -> list[Row]:
    """A chat of very many messages: to open it, what it takes, and a frame of it while it is scrolled."""
    window = Window()
    texts = [mixed(600 + 97 * number % 1900) for number in range(40)]
    messages = [
        Message(f"{at}", None, "assistant" if at % 2 else "user", (Text(texts[at % 40] if at % 2 else "And then?"),))
        for at in range(count)
    ]
    process = psutil.Process()
    before = process.memory_info().rss
    began = time.perf_counter()
    window.transcript.show_chat(messages, alone)
    window.frame()
    opened = (time.perf_counter() - began) * 1000
    window.settle()
    bar, times = window.transcript.verticalScrollBar(), []
    worked: list[float] = []
    for _ in range(400):  # a wheel turned fast: three notches at once
        began, worked_before = time.perf_counter(), time.thread_time()
        bar.setValue(bar.value() - 3 * 48 * 3)
        window.frame()
        times.append((time.perf_counter() - began) * 1000)
        worked.append((time.thread_time() - worked_before) * 1000)
    jumps = []
    for at in range(40):
        began = time.perf_counter()
        bar.setValue(bar.maximum() * at // 40)
        window.frame()
        jumps.append((time.perf_counter() - began) * 1000)
    gc.collect()
    held = (process.memory_info().rss - before) / 2**20
    window.close()
    return [
        row(f"a chat of {count:,} messages shown", "ms", [opened]),
        row(f"a chat of {count:,} messages: memory after scrolling it", "MiB", [held], "at most 60"),
        row("a frame while scrolling", "ms", times, "at most 16"),
        row("a frame while scrolling, p99", "ms", [p99(times)], "at most 16"),
        row("a frame while scrolling: p99 of the processor time of its thread", "ms", [p99(worked)]),
        row("a jump in a long chat", "ms", jumps),
    ]


def measure(tokens: int = 100_000, messages: int = 10_000) -> list[Row]:
    """All of it."""
    return streaming(tokens) + scrolling(messages)


async def rows() -> list[Row]:
    """It plays Qt's events, which needs the loop."""
    return measure()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--tokens", type=int, default=100_000)
    parser.add_argument("--messages", type=int, default=10_000)
    given = parser.parse_args()
    loop = app.event_loop(app.application())

    async def run() -> list[Row]:
        return measure(given.tokens, given.messages)

    show(loop.run_until_complete(run()))


if __name__ == "__main__":
    main()
