"""The arguments of a tool call as a person reads them: a line for each, or the JSON as it was written."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from nodetool_xl_desktop.core.translation import tr, trn
from nodetool_xl_desktop.store.parts import ToolUse
from nodetool_xl_desktop.ui.leaf.odd_letters import visible
from nodetool_xl_desktop.ui.parts import label, set_tip
from nodetool_xl_desktop.ui.theme import SPACE_M, SPACE_S, SPACE_XS, Theme
from nodetool_xl_desktop.ui.transcript.call_words import Row, indented, ran_with, rows_of
from nodetool_xl_desktop.ui.transcript.code_text import FRAME, MOST_LETTERS, CodeText
from nodetool_xl_desktop.ui.transcript.fold import TurnButton

#: Names longer than this are cut, in letters.
LONGEST_NAME = 40


class ArgumentsView(QWidget):
    """Of one call; built when it is first seen."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._call: ToolUse | None = None
        self._is_raw = False
        self._codes: list[CodeText] = []
        self._table = QWidget()
        self._raw = CodeText(theme, tr("Arguments as JSON"))
        self._raw.hide()
        self._note = label("", "note", wrap=True)
        self._switch = TurnButton(tr("Show as JSON"), "quiet")
        self._switch.clicked.connect(self._toggle_raw)
        foot = QHBoxLayout()
        foot.setContentsMargins(0, 0, 0, 0)
        foot.addWidget(self._note, 1)
        foot.addWidget(self._switch)
        self._rows = QVBoxLayout(self)
        self._rows.setContentsMargins(SPACE_M, 0, SPACE_M, SPACE_S)
        self._rows.setSpacing(SPACE_XS)
        self._rows.addWidget(self._table)
        self._rows.addWidget(self._raw)
        self._rows.addLayout(foot)

    @property
    def stops(self) -> tuple[QWidget, ...]:
        """Where Tab goes, in order."""
        return (*self._codes, self._raw, self._switch)

    def show_call(self, call: ToolUse) -> None:
        """Show what it ran with, or would."""
        if call == self._call:
            return
        self._call = call
        notes = [tr("changed by you")] if call.edited else []
        if call.problem:
            notes.append(tr("Not valid: {problem}", problem=call.problem))
        self._note.setText("; ".join(notes)[:1000])
        self._show()

    def settle(self) -> None:
        """Have the layouts done, the inner ones first."""
        if (inside := self._table.layout()) is not None:
            inside.activate()
        self._rows.activate()

    def _show(self) -> None:
        assert self._call is not None
        rows = rows_of(ran_with(self._call))
        is_raw = self._is_raw or rows is None
        self._table.hide()
        if not is_raw and rows is not None:
            self._fill(rows)
        self._table.setVisible(not is_raw and bool(rows))
        self._raw.setVisible(is_raw)
        if is_raw:
            self._raw.set_text(_as_json(self._call))
        self._switch.setVisible(rows is not None)
        self._switch.setText(tr("Show as Lines") if is_raw else tr("Show as JSON"))
        if not rows and not is_raw and not self._note.text():
            self._note.setText(tr("No arguments"))

    def _fill(self, rows: list[Row]) -> None:
        """Draw them anew; a call's arguments change only where a person changed them."""
        table = QWidget()
        grid = QGridLayout(table)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(SPACE_M)
        grid.setVerticalSpacing(SPACE_XS)
        grid.setColumnStretch(1, 1)
        self._codes = []
        for at, row in enumerate(rows):
            name = _name(visible(row.name, code=True)[0])
            name.setContentsMargins(0, FRAME if row.is_long else 1, 0, 0)
            grid.addWidget(name, at, 0, Qt.AlignmentFlag.AlignTop)
            code = CodeText(self._theme, row.name)
            code.set_text(row.value)
            if row.is_long:
                code.frame()
            self._codes.append(code)
            grid.addWidget(code, at, 1)
        self._rows.replaceWidget(self._table, table)
        self._table.deleteLater()
        self._table = table

    def _toggle_raw(self) -> None:
        self._is_raw = not self._is_raw
        self._show()


def _name(text: str) -> QLabel:
    short = text if len(text) <= LONGEST_NAME else f"{text[: LONGEST_NAME - 1]}…"
    made = label(short, "note")
    made.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Preferred)
    if short != text:
        set_tip(made, text[:1000])
    return made


def _as_json(call: ToolUse) -> str:
    """The JSON; where the model wrote the call as text, that below it, as it was written."""
    text = indented(ran_with(call))
    if call.edited:
        text = tr("{text}\n\nAs the model wrote it:\n{arguments}", text=text, arguments=indented(call.arguments))
    if call.raw and call.raw != call.arguments:
        text = tr("{text}\n\nIn the answer:\n{raw}", text=text, raw=call.raw)
    if len(text) > MOST_LETTERS:
        text = trn(
            "{text}\n\n(The first {first:,} of {count} letter)",
            "{text}\n\n(The first {first:,} of {count:,} letters)",
            len(text),
            text=text[: MOST_LETTERS - 100],
            first=MOST_LETTERS - 100,
        )
    return text
