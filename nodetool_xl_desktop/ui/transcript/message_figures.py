"""What is told of an answer: the line of figures below it, and what a person sees who wants to know more."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QStyle,
    QStyleOptionButton,
    QStylePainter,
    QVBoxLayout,
    QWidget,
)

from nodetool_xl_desktop.core import units
from nodetool_xl_desktop.core.translation import number, tr, trn
from nodetool_xl_desktop.engine.events import PromptProgress
from nodetool_xl_desktop.store.parts import ToolAnswer
from nodetool_xl_desktop.store.records import Message, State
from nodetool_xl_desktop.ui.parts import label
from nodetool_xl_desktop.ui.theme import SPACE_L, SPACE_M, SPACE_XS

ENDINGS = {
    State.COMPLETE: tr("stopped by itself"),
    State.CUT: tr("reached the limit of tokens"),
    State.STOPPED: tr("stopped by you"),
    State.FAILED: tr("not finished"),
    State.INTERRUPTED: tr("not finished: the program ended"),
}
#: Names of settings as people know them; others are told as they are kept.
NAMES = {
    "temperature": tr("Temperature"),
    "top_k": tr("Top K"),
    "top_p": tr("Top P"),
    "min_p": tr("Min P"),
    "repeat_penalty": tr("Repeat Penalty"),
    "presence_penalty": tr("Presence Penalty"),
    "frequency_penalty": tr("Frequency Penalty"),
    "seed": tr("Seed"),
    "max_tokens": tr("Max Tokens"),
    "stop": tr("Stop Strings"),
    "json_schema": tr("JSON Schema"),
    "grammar": tr("Grammar"),
    "system_prompt": tr("System Prompt"),
    "context_length": tr("Context Length"),
    "threads": tr("Threads"),
    "batch": tr("Batch Size"),
    "ubatch": tr("Physical Batch Size"),
    "gpu_layers": tr("GPU Offload"),
    "parallel": tr("Parallel"),
    "cache_ram_mib": tr("Prompt Cache (MiB)"),
    "flash_attention": tr("Flash Attention"),
    "kv_type_k": tr("K Type"),
    "kv_type_v": tr("V Type"),
    "swa_full": tr("Full SWA Cache"),
    "kv_unified": tr("Unified KV Cache"),
    "mmap": tr("Memory-Mapped"),
    "mlock": tr("Kept in Memory"),
    "cpu_moe": tr("Experts on CPU"),
    "tensor_split": tr("Tensor Split"),
}
#: What stands last, as it may be long.
_LONG = ("json_schema", "grammar", "system_prompt")
WIDTH, MOST_HEIGHT = 420, 460
#: Less is not told of how long the prompt still takes.
LEAST_LEFT_S = 2.0


class ReadingPace:
    """How long the engine still takes to read the prompt, by how fast it has read so far."""

    def __init__(self) -> None:
        self._first: tuple[float, int] | None = None
        self._last: tuple[float, int] | None = None

    def left_s(self, progress: PromptProgress | None, now_s: float | None = None) -> float | None:
        """In seconds; None while that is not known.

        Args:
            progress: how far it is.
            now_s: the time, as `time.monotonic` says it.
        """
        if progress is None or not progress.total:
            return None
        now = (time.monotonic() if now_s is None else now_s, progress.processed)
        if self._first is None or now[1] < self._first[1]:
            self._first = self._last = now  # another request, such as after a tool
        if self._last is None or now[1] > self._last[1]:
            self._last = now
        took, read = self._last[0] - self._first[0], self._last[1] - self._first[1]
        if took <= 0 or read <= 0:
            return None
        left = progress.total - self._last[1]
        return max(0.0, left * took / read - (now[0] - self._last[0]))


def _left(left_s: float | None) -> str:
    """The same in words that do not flicker: in steps of five seconds where it is long, and nothing at the end."""
    if left_s is None or left_s < LEAST_LEFT_S:
        return ""
    calm = round(left_s) if left_s < 20 else 5 * round(left_s / 5)
    return tr("about {time} left", time=units.seconds(calm) if calm >= 10 else tr("{seconds} s", seconds=calm))


def doing(message: Message, progress: PromptProgress | None, note: str = "", left_s: float | None = None) -> str:
    """The line below an answer that is open.

    Args:
        progress: how far the engine is in reading.
        note: said instead, while nothing has come; empty for none.
        left_s: how long it still takes to read; None where that is not known.
    """
    if message.state is not State.WAITING and not _reads_a_result(message, progress):
        return tr("Answering ...")
    if note and message.state is State.WAITING:
        return note
    if progress is None or not progress.total:
        return tr("Waiting for the first token ...")
    # What was remembered counts as processed from the start (measured with the engine): it is no reading.
    read, toread = progress.processed - progress.cached, progress.total - progress.cached
    done = min(1.0, max(0.0, read / toread)) if toread > 0 else 1.0
    if left := _left(left_s):
        return tr("Reading the prompt ... {done:.0%}, {left}", done=done, left=left)
    return tr("Reading the prompt ... {done:.0%}", done=done)


def _reads_a_result(message: Message, progress: PromptProgress | None) -> bool:
    """Whether the engine reads what a tool answered, before it goes on."""
    if progress is None or progress.processed >= progress.total or not message.parts:
        return False
    return isinstance(message.parts[-1], ToolAnswer)


def ending(message: Message) -> str:
    """Why an answer ended, in words."""
    if message.state is State.COMPLETE and message.about.finish_reason not in ("", "stop"):
        return tr("ended: {finish_reason}", finish_reason=message.about.finish_reason.replace("_", " "))
    return ENDINGS.get(message.state, "")


def figures(message: Message) -> str:
    """The line below an answer that ended."""
    about, parts = message.about, []
    if message.tokens_per_s:
        parts.append(tr("{tokens_per_s:.1f} tokens/s", tokens_per_s=message.tokens_per_s))
    if about.first_token_s is not None:
        parts.append(tr("first token {time}", time=units.seconds(about.first_token_s)))
    if written := about.usage.completion_tokens or about.pieces:
        tokens = units.tokens(written)
        tokens = tokens if about.usage.completion_tokens else tr("about {tokens}", tokens=tokens)
        took = units.seconds(about.last_token_s) if about.last_token_s else ""
        parts.append(tr("{tokens} in {time}", tokens=tokens, time=took) if took else tokens)
    if about.usage.prompt_tokens:
        prompt, cached = units.tokens(about.usage.prompt_tokens), about.usage.cached_tokens
        parts.append(
            tr("prompt {tokens}, {cached:,} cached", tokens=prompt, cached=cached)
            if cached
            else tr("prompt {tokens}", tokens=prompt)
        )
    return "   ".join([*parts, ending(message)])


def facts(message: Message) -> list[tuple[str, list[tuple[str, str]]]]:
    """All that is known of how a message was made: headings, and under each of them names with values."""
    about, model = message.about, message.about.model
    answer: list[tuple[str, str]] = [(tr("Ended"), ending(message))] if message.role == "assistant" else []
    if message.created_ms:
        answer.append((tr("Time"), time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(message.created_ms / 1000))))
    if about.first_token_s is not None:
        answer.append((tr("First Token"), units.seconds(about.first_token_s)))
    if about.usage.completion_tokens:
        answer.append((tr("Answer"), _with_speed(about.usage.completion_tokens, message.tokens_per_s)))
    if about.usage.prompt_tokens:
        answer.append((tr("Prompt"), _with_speed(about.usage.prompt_tokens, about.speed.prompt_tokens_per_s)))
        answer.append((tr("Cached of It"), units.tokens(about.usage.cached_tokens)))
    if continued := about.more.get("continued"):
        answer.append((tr("Continued"), trn("once", "{count} times", continued)))
    made: list[tuple[str, str]] = []
    if model is not None:
        made = [(tr("Name"), model.name or model.id), (tr("File"), model.file)]
        made.append((tr("Size"), units.file_size(model.size) if model.size else ""))
    groups = [
        (tr("Answer"), answer),
        (tr("Model"), made),
        (tr("Loaded With"), list(_settings(about.options))),
        (tr("Asked With"), list(_settings(about.sampling))),
    ]
    full = [(name, [row for row in rows if row[1]]) for name, rows in groups]
    return [(name, rows) for name, rows in full if rows]


def _with_speed(count: int, per_s: float) -> str:
    return tr("{count}, {per_s:.1f} tokens/s", count=units.tokens(count), per_s=per_s) if per_s else units.tokens(count)


def _settings(values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name in sorted(values, key=lambda name: (name in _LONG, list(NAMES).index(name) if name in NAMES else 99)):
        yield NAMES.get(name, name), _value(values[name])


def _value(value: Any) -> str:
    if value is None or value == "":
        return ""
    if isinstance(value, bool):
        return tr("on") if value else tr("off")
    if isinstance(value, int):
        return number(f"{value:,}")
    if isinstance(value, list | tuple):
        return ", ".join(repr(each) for each in value)
    return str(value)


class FiguresLine(QPushButton):
    """The line below an answer; its end is left out where there is no room for it."""

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("kind", "quiet")
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.setMinimumWidth(1)
        self._room: int | None = None

    def show_up_to(self, right: int | None) -> None:
        """What is farther right than this is covered, and left out; None where nothing is."""
        if right != self._room:
            self._room = right
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        option = QStyleOptionButton()
        self.initStyleOption(option)
        room = self.width() if self._room is None else min(self.width(), self._room)
        option.text = self.fontMetrics().elidedText(option.text, Qt.TextElideMode.ElideRight, room)
        option.rect.setWidth(room)
        painter = QStylePainter(self)
        painter.drawControl(QStyle.ControlElement.CE_PushButton, option)
        painter.end()


class Details(QFrame):
    """A small window with the facts; goes when one presses beside it, or Esc.

    Args:
        message: what it tells of.
        parent: what it belongs to.
    """

    def __init__(self, message: Message, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setObjectName("details")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setAccessibleName(tr("How this answer was made"))
        inside = QWidget()
        inside.setObjectName("detailsBody")
        grid = QGridLayout(inside)
        grid.setContentsMargins(SPACE_L, SPACE_M, SPACE_L, SPACE_L)
        grid.setHorizontalSpacing(SPACE_L)
        grid.setVerticalSpacing(SPACE_XS + 1)
        grid.setColumnStretch(1, 1)
        for heading, rows in facts(message):
            at = grid.rowCount()
            if at > 1:
                grid.setRowMinimumHeight(at, SPACE_XS)
            grid.addWidget(label(heading, "author"), at + 1, 0, 1, 2)
            for row, (name, value) in enumerate(rows, at + 2):
                grid.addWidget(label(name, "note"), row, 0, Qt.AlignmentFlag.AlignTop)
                grid.addWidget(_selectable(value), row, 1)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setAccessibleName(tr("How this answer was made"))
        scroll.setWidget(inside)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(1, 1, 1, 1)
        layout.addWidget(scroll)
        self.setFixedWidth(WIDTH)
        inside.ensurePolished()
        layout_of = grid.totalHeightForWidth(WIDTH - 2) if grid.hasHeightForWidth() else grid.sizeHint().height()
        self.setFixedHeight(min(MOST_HEIGHT, layout_of + 2))
        self.setFocusProxy(scroll)

    def open_at(self, widget: QWidget) -> None:
        """Show it above a widget, or below where there is no room, and within the screen."""
        room = widget.screen().availableGeometry()
        corner = widget.mapToGlobal(QPoint(0, 0))
        y = corner.y() - self.height() - SPACE_XS
        if y < room.top():
            y = min(corner.y() + widget.height() + SPACE_XS, room.bottom() - self.height())
        self.move(max(room.left(), min(corner.x(), room.right() - self.width())), max(room.top(), y))
        self.show()
        self.setFocus()


def _selectable(text: str) -> QLabel:
    made = label(text, wrap=True, selects=True)
    made.setAlignment(Qt.AlignmentFlag.AlignTop)
    return made
