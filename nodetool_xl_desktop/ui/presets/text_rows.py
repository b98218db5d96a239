"""Rows of the preset panel that are texts: the system prompt, the stop strings, and what an answer has to look like."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import QEvent, QObject, Qt, QTimer, Signal
from PySide6.QtWidgets import QHBoxLayout, QTextEdit, QVBoxLayout, QWidget

from nodetool_xl_desktop.chat import answer_format, sampling_values
from nodetool_xl_desktop.chat.answer_format import TITLES, Kind
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.ui.inputs import Combo
from nodetool_xl_desktop.ui.parts import field, figure
from nodetool_xl_desktop.ui.presets.value_rows import ValueRow
from nodetool_xl_desktop.ui.theme import SPACE_S, SPACE_XS, Theme

PROMPT_HINT = tr("Who the model is, and how it should answer.")
NO_PROMPT_HERE = tr("No system prompt.")
STOP_HINT = tr("One for each line; \\n stands for a line break")
NO_STOP_HERE = tr("None.")
#: How long a schema or a grammar is left alone before it is looked at.
REST_MS = 400
COMBO_WIDTH = 150
BEGINNINGS = {
    Kind.SCHEMA: '{\n  "type": "object",\n  "properties": {\n    "answer": {"type": "string"}\n  },\n'
    '  "required": ["answer"]\n}',
    Kind.GRAMMAR: 'root ::= "yes" | "no"',
}


class TextField(QTextEdit):
    """A plain text that grows with what is written, between two heights.

    Args:
        name: what a screen reader calls it.
        least: its least height.
        most: its most.
    """

    #: The keys go elsewhere now.
    left = Signal()

    def __init__(self, name: str, least: int, most: int) -> None:
        super().__init__()
        self._bounds = least, most
        self.setProperty("kind", "value")
        self.setAccessibleName(name)
        self.setAcceptRichText(False)
        self.setTabChangesFocus(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.document().setDocumentMargin(1)
        self.document().documentLayout().documentSizeChanged.connect(self._grow)
        self._grow()
        self.installEventFilter(self)

    def show_text(self, text: str) -> None:
        """Show a text, and tell nobody; what is typed and says the same stays as it is."""
        if text != self.toPlainText():
            self.blockSignals(True)
            self.setPlainText(text)
            self.blockSignals(False)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() is QEvent.Type.FocusOut:
            self.left.emit()
        return super().eventFilter(watched, event)

    def _grow(self) -> None:
        least, most = self._bounds
        wanted = round(self.document().documentLayout().documentSize().height()) + 2
        self.setFixedHeight(max(least, min(most, wanted)))


class TextRow(ValueRow):
    """A value that is written as a text. Where it is emptied, and another scope has one, it says: none here.

    Args:
        theme: the theme in force.
        name: the value's, as the engine knows it.
        about: what it does.
        hint: stands in the empty field.
        none: the same where none is wanted, although another scope has one.
        heights: the least and the most of the field.
    """

    def __init__(self, theme: Theme, name: str, about: str, *, hint: str, none: str, heights: tuple[int, int]) -> None:
        title = sampling_values.TITLES[name]
        super().__init__(theme, title, about)
        self._name, self._hint, self._none = name, hint, none
        self.edit = TextField(title, *heights)
        self.edit.textChanged.connect(self._edited)
        self._title.setBuddy(self.edit)
        self.count = figure("", "note")
        head = QHBoxLayout()
        head.setSpacing(SPACE_S)
        head.addWidget(self._title)
        head.addWidget(self._whence, 1, Qt.AlignmentFlag.AlignVCenter)
        head.addWidget(self.count)
        head.addWidget(self.reset)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE_XS)
        layout.addLayout(head)
        layout.addWidget(field(self.edit))
        layout.addWidget(self._problem)

    @property
    def inputs(self) -> tuple[QWidget, ...]:
        """What the tab key goes through."""
        return (self.reset, self.edit)

    def text(self, value: Any) -> str:
        """The first line of the text, or that there is none."""
        first = next(iter(self.to_text(value).splitlines()), "")
        return f"{first[:40]}..." if len(first) > 40 else first or tr("none")

    def to_text(self, value: Any) -> str:
        """A value as it is edited."""
        return str(value or "")

    def hint(self, value: Any) -> str:
        """What another scope has, for the empty field."""
        return self.to_text(value)

    def of_text(self, text: str) -> Any:
        """A value from what was typed; empty for none.

        Raises:
            ValueError: it cannot be used.
        """
        return text

    def _show_value(self) -> None:
        own, inherited = self.row.own, self.row.inherited
        # What is typed right now may say the same in other letters, such as a line that is still empty.
        if own is None or self._read() != own:
            self.edit.show_text(self.to_text(own))
        self.edit.setPlaceholderText(self._hint if not inherited and own is None else self._none)
        if own is None and inherited:
            self.edit.setPlaceholderText(self.hint(inherited))

    def _read(self) -> Any:
        try:
            return self.of_text(self.edit.toPlainText())
        except ValueError:
            return None

    def _edited(self) -> None:
        try:
            value = self.of_text(self.edit.toPlainText())
        except ValueError as error:
            self.tell(f"{error}.")
            return
        self.tell("")
        self.set_requested.emit(value if value or self.row.inherited else None)


class PromptRow(TextRow):
    """The system prompt, with what it costs.

    Args:
        theme: the theme in force.
    """

    def __init__(self, theme: Theme) -> None:
        super().__init__(
            *(theme, sampling_values.SYSTEM_PROMPT, tr("Stands before every chat")),
            hint=PROMPT_HINT,
            none=NO_PROMPT_HERE,
            heights=(58, 190),
        )


class StopRow(TextRow):
    """The stop strings, one for each line.

    Args:
        theme: the theme in force.
    """

    def __init__(self, theme: Theme) -> None:
        super().__init__(
            *(theme, sampling_values.STOP, tr("An answer ends before the first of these")),
            hint=STOP_HINT,
            none=NO_STOP_HERE,
            heights=(22, 90),
        )

    def to_text(self, value: Any) -> str:
        """Each on a line of its own."""
        texts = value if isinstance(value, list | tuple) else ()
        return "\n".join(str(text).replace("\\", "\\\\").replace("\n", "\\n").replace("\t", "\\t") for text in texts)

    def hint(self, value: Any) -> str:
        """On one line, as the empty field is no higher."""
        return " · ".join(self.to_text(value).splitlines())

    def of_text(self, text: str) -> Any:
        """The lines that are not empty."""
        return sampling_values.checked(sampling_values.STOP, [_unescaped(line) for line in text.split("\n") if line])


class FormatRow(ValueRow):
    """What an answer has to look like; a schema or a grammar is typed below.

    Args:
        theme: the theme in force.
    """

    #: A person chose a format that is typed: the field for it is there now.
    field_opened = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__(theme, tr("Answer Format"), tr("What an answer has to look like; not together with tools"))
        self.combo = Combo(theme, tr("Answer Format"))
        self.combo.currentIndexChanged.connect(lambda _index: self._chosen())
        self._title.setBuddy(self.combo)
        self.edit = TextField(tr("Schema or grammar"), 90, 240)
        self.edit.setProperty("kind", "code")
        self.edit.textChanged.connect(self._edited)
        self.edit.left.connect(self._look)
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(REST_MS)
        self._rest.timeout.connect(self._look)
        self._frame = field(self.edit)
        combo = field(self.combo)
        combo.setFixedWidth(COMBO_WIDTH)
        words = QVBoxLayout()
        words.setSpacing(0)
        words.addWidget(self._title)
        words.addWidget(self._whence)
        head = QHBoxLayout()
        head.setSpacing(SPACE_S)
        head.addLayout(words, 1)
        head.addWidget(combo)
        head.addWidget(self.reset)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE_XS)
        layout.addLayout(head)
        layout.addWidget(self._frame)
        layout.addWidget(self._problem)

    @property
    def inputs(self) -> tuple[QWidget, ...]:
        """What the tab key goes through."""
        return (self.combo, self.reset, self.edit)

    def text(self, value: Any) -> str:
        """The kind, in words."""
        return TITLES[self._kind(value)].lower() if self._kind(value) is Kind.TEXT else TITLES[self._kind(value)]

    @staticmethod
    def _kind(value: Any) -> Kind:
        said = value.get("type") if isinstance(value, Mapping) else None
        return next((kind for kind in Kind if kind == said), Kind.TEXT)

    def _show_value(self) -> None:
        value = self.row.value
        kind = self._kind(value)
        self.combo.show_values({title: title for title in TITLES.values()}, TITLES[kind])
        has_source = kind in BEGINNINGS
        self._frame.setVisible(has_source)
        self.edit.setReadOnly(self.row.own is None)  # what comes from elsewhere is changed there
        if has_source and not self._rest.isActive() and not self._says(value):
            self.edit.show_text(answer_format.source(value))

    def _says(self, value: Any) -> bool:
        """Whether what is typed says this already, perhaps in other letters."""
        try:
            return bool(answer_format.of_source(self._kind(value), self.edit.toPlainText()) == value)
        except ValueError:
            return False

    def _chosen(self) -> None:
        kind = next(kind for kind, title in TITLES.items() if title == self.combo.value)
        self._rest.stop()
        self.tell("")
        if kind in BEGINNINGS:
            self.set_requested.emit(answer_format.of_source(kind, BEGINNINGS[kind]))
            self.field_opened.emit()
        else:
            said = self.row.inherited is None and kind is Kind.TEXT
            self.set_requested.emit(None if said else {"type": kind.value})

    def _edited(self) -> None:
        self._rest.start()

    def _look(self) -> None:
        """Use what was typed, if it can be used."""
        kind = self._kind(self.row.own)
        self._rest.stop()
        if kind not in BEGINNINGS or self._says(self.row.own):
            self.tell("")
            return
        try:
            value = answer_format.of_source(kind, self.edit.toPlainText())
        except ValueError as error:
            self.tell(tr("Not used yet: {error}.", error=error))
            return
        self.tell("")
        self.set_requested.emit(value)


def _unescaped(line: str) -> str:
    """A line with `\\n`, `\\t` and `\\\\` as what they stand for."""
    kept = line.replace("\\\\", "\0")
    return kept.replace("\\n", "\n").replace("\\t", "\t").replace("\0", "\\")
