"""What a person decides about a call that waits for them: to allow it, as it is or changed, or not to, and why."""

from __future__ import annotations

import json
import time

from PySide6.QtCore import QEvent, QPoint, Qt, Signal
from PySide6.QtGui import QFontMetrics, QKeyEvent, QResizeEvent, QTextCursor
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QMenu, QPlainTextEdit, QSizePolicy, QVBoxLayout, QWidget

from nodetool_xl_desktop.chat.calls import Remember
from nodetool_xl_desktop.core.translation import tr, trn
from nodetool_xl_desktop.ui.parts import field, label, set_tip, size_icon
from nodetool_xl_desktop.ui.theme import SPACE_M, SPACE_S, SPACE_XS, Theme
from nodetool_xl_desktop.ui.transcript.call_words import READ
from nodetool_xl_desktop.ui.transcript.code_text import code_font
from nodetool_xl_desktop.ui.transcript.fold import TurnButton, TurnToolButton

#: A press that comes sooner was meant for something else: the question has only just appeared.
ARMED_AFTER_S = 0.3
LEAST_LINES, MOST_LINES = 3, 14
#: Arguments longer than this cannot be changed, in letters: on one line, 50,000 hold the window up for half a second.
EDITED = 20_000


def problem_of(text: str) -> str:
    """Why this is no object of JSON; empty where it is one."""
    if len(text) > READ:
        return trn("It is longer than {count} letter.", "It is longer than {count:,} letters.", READ)
    try:
        said = json.loads(text)
    except json.JSONDecodeError as error:
        return tr(
            "This is not JSON: line {lineno}, column {colno}: {msg}.",
            lineno=error.lineno,
            colno=error.colno,
            msg=error.msg,
        )
    except RecursionError:
        return tr("This is not JSON that can be read: it is nested too deeply.")
    return "" if isinstance(said, dict) else tr("The arguments have to be a JSON object, such as {}.")


class _Json(QPlainTextEdit):
    """Leaves the keys that finish to what it stands in."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self.setProperty("kind", "code")
        self.setAccessibleName(tr("Arguments as JSON"))
        self.setTabChangesFocus(True)

    def size_to_fit(self) -> None:
        """As high as what is in it, within bounds, in letters as large as the chat is drawn."""
        font = code_font(self._theme)
        if font != self.document().defaultFont():
            self.document().setDefaultFont(font)
        lines = max(LEAST_LINES, min(MOST_LINES, self.document().blockCount() + 1))
        self.setFixedHeight(lines * QFontMetrics(font).lineSpacing() + SPACE_S)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() is QEvent.Type.FontChange:  # the style sheet's, which knows of no zoom
            self.size_to_fit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if finishes(event) or event.key() in (Qt.Key.Key_Escape, Qt.Key.Key_Tab):
            event.ignore()
        else:
            super().keyPressEvent(event)


def finishes(event: QKeyEvent) -> bool:
    """Whether the key is Ctrl+Enter."""
    enter = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
    return enter and bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)


class Approval(QWidget):
    """The buttons, the editor and the reason.

    Args:
        theme: the theme in force.
    """

    #: Let it run: the arguments as they were edited (str) or None, and a `Remember`.
    allowed = Signal(object, object)
    #: Do not, for this reason.
    denied = Signal(str)
    #: The editor has been opened, or closed: whether the arguments stand in it.
    editing = Signal(bool)
    #: What was typed into the editor.
    typed = Signal(str)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._since_s = time.monotonic()
        self._original, self._draft = "", ""
        self._edit: _Json | None = None
        self._rows = QVBoxLayout(self)
        self._rows.setContentsMargins(SPACE_M, SPACE_XS, SPACE_M, SPACE_M)
        self._rows.setSpacing(SPACE_S)
        self.problem = label("", wrap=True)
        self.problem.setProperty("kind", "problem")
        self.problem.hide()
        self._rows.addWidget(self.problem)
        self._make_choice()
        self._make_editing()
        self._make_denying()
        theme.changed.connect(self._draw)
        self._draw()
        self._show(self._choice)

    def _make_choice(self) -> None:
        self.allow = TurnButton(tr("Allow"), "primary")
        set_tip(self.allow, tr("Run it once (Ctrl+Enter)"))
        self.allow.clicked.connect(lambda: self._allow(Remember.ONCE))
        self.more = TurnToolButton()
        self.more.setProperty("kind", "primary")
        size_icon(self.more, 10)
        self.more.setAccessibleName(tr("Allow for Longer"))
        set_tip(self.more, tr("Allow it for longer"))
        self.more.clicked.connect(self._offer_longer)
        self.edit_button = TurnButton(tr("Edit ..."))
        self.edit_button.clicked.connect(self.open_editor)
        self.deny_button = TurnButton(tr("Deny ..."))
        set_tip(self.deny_button, tr("Do not run it; you can tell the model why"))
        self.deny_button.clicked.connect(self._open_denying)
        self._question = label(tr("Allow this call?"), "note")
        self._choice = _row(self._question, self.deny_button, self.edit_button)
        self.allow.setProperty("side", "left")
        both = QHBoxLayout()
        both.setSpacing(1)
        both.addWidget(self.allow)
        both.addWidget(self.more)
        self.more.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.MinimumExpanding)
        _layout(self._choice).addLayout(both)
        self._rows.addWidget(self._choice)

    def _make_editing(self) -> None:
        self.put_back = TurnButton(tr("Discard changes"), "quiet")
        self.put_back.clicked.connect(self._put_back)
        self.cancel_edit = TurnButton(tr("Cancel"))
        set_tip(self.cancel_edit, tr("Close, and keep what was typed (Esc)"))
        self.cancel_edit.clicked.connect(self._back)
        self.allow_edited = TurnButton(tr("Allow as Changed"), "primary")
        set_tip(self.allow_edited, tr("Run it once with these arguments (Ctrl+Enter)"))
        self.allow_edited.clicked.connect(self._allow_edited)
        self._editing = _row(self.put_back, self.cancel_edit, self.allow_edited)
        self._rows.addWidget(self._editing)

    def _make_denying(self) -> None:
        self.reason = QLineEdit()
        self.reason.setProperty("kind", "value")
        self.reason.setAccessibleName(tr("Why it is not allowed"))
        self.reason.setPlaceholderText(tr("Why not? The model reads this. It may stay empty."))
        self.reason.returnPressed.connect(self._deny)
        self._cancel_deny = TurnButton(tr("Cancel"))
        self._cancel_deny.clicked.connect(self._back)
        self.deny = TurnButton(tr("Deny"), "primary")
        self.deny.clicked.connect(self._deny)
        self._denying = QWidget()
        row = QHBoxLayout(self._denying)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(SPACE_S)
        row.addWidget(field(self.reason), 1)
        row.addWidget(self._cancel_deny)
        row.addWidget(self.deny)
        self._rows.addWidget(self._denying)

    @property
    def stops(self) -> tuple[QWidget, ...]:
        """Where Tab goes, in order: the default first."""
        edit = (self._edit,) if self._edit is not None else ()
        choice = (self.allow, self.more, self.edit_button, self.deny_button)
        return (*choice, *edit, self.allow_edited, self.cancel_edit, self.put_back,
                self.reason, self.deny, self._cancel_deny)  # fmt: skip

    @property
    def editor(self) -> QPlainTextEdit | None:
        """The open one."""
        return self._edit if self._edit is not None and not self._frame.isHidden() else None

    def begin(self, arguments: str, draft: str) -> None:
        """A call waits now.

        Args:
            arguments: as the model wrote them, as JSON of several lines.
            draft: what was typed instead before, and not sent; empty for nothing.
        """
        self._since_s = time.monotonic()
        self._original, self._draft = arguments, draft
        too_long = len(arguments) > EDITED
        self.edit_button.setDisabled(too_long)
        much = trn(
            "Longer than {count} letter: too much to be changed here",
            "Longer than {count:,} letters: too much to be changed here",
            EDITED,
        )
        set_tip(self.edit_button, much if too_long else tr("Change the arguments before it runs"))
        self._show(self._choice)

    def press_allow(self) -> None:
        """What Ctrl+Enter does: allow it, as it is or as it stands in the editor."""
        if self.editor is not None:
            self._allow_edited()
        elif not self._choice.isHidden():
            self._allow(Remember.ONCE)

    def tell(self, problem: str) -> None:
        """Say what is wrong with the arguments; they stay as they were typed."""
        self.problem.setText(problem)
        self.problem.setVisible(bool(problem))

    def open_editor(self) -> None:
        """Edit the arguments, where they are not too long."""
        if not self.edit_button.isEnabled():
            return
        if self._edit is None:
            self._edit = self._make_editor()
        self._edit.blockSignals(True)
        self._edit.setPlainText(self._draft or self._original)
        self._edit.blockSignals(False)
        self._typed()
        self._show(self._editing)
        self._edit.setFocus(Qt.FocusReason.OtherFocusReason)

    def settle(self) -> None:
        """Have the layouts done, the inner ones first."""
        for inner in (self._choice, self._editing, self._denying):
            _layout(inner).activate()
        self._rows.activate()

    def _make_editor(self) -> _Json:
        made = _Json(self._theme)
        self._frame = field(made)
        self._rows.insertWidget(0, self._frame)
        made.textChanged.connect(self._typed)
        self._frame.show()
        self._edit = made
        made.size_to_fit()
        return made

    def _typed(self) -> None:
        if self._edit is None:
            return
        text = self._edit.toPlainText()
        self._draft = text if text != self._original else ""
        self.typed.emit(self._draft)
        self.tell(problem_of(text))
        self.put_back.setVisible(bool(self._draft))
        self._edit.size_to_fit()

    def _show(self, row: QWidget) -> None:
        for each in (self._choice, self._editing, self._denying):
            each.setVisible(each is row)
        is_editing = row is self._editing
        if self._edit is not None:
            self._frame.setVisible(is_editing)
        if not is_editing:
            self.problem.hide()
        self.editing.emit(is_editing)

    def _back(self) -> None:
        was = self.edit_button if not self._editing.isHidden() else self.deny_button
        self._show(self._choice)
        was.setFocus(Qt.FocusReason.OtherFocusReason)

    def _put_back(self) -> None:
        if self._edit is not None:
            cursor = QTextCursor(self._edit.document())  # as one step, which Ctrl+Z takes back
            cursor.select(QTextCursor.SelectionType.Document)
            cursor.insertText(self._original)
            self._edit.setFocus()

    def _open_denying(self) -> None:
        self._show(self._denying)
        self.reason.setFocus(Qt.FocusReason.OtherFocusReason)

    def _allow(self, remember: Remember) -> None:
        if time.monotonic() - self._since_s >= ARMED_AFTER_S:
            self.allowed.emit(None, remember)

    def _allow_edited(self) -> None:
        if self._edit is None or problem_of(self._edit.toPlainText()):
            return  # it is said below already
        self.allowed.emit(self._edit.toPlainText() if self._draft else None, Remember.ONCE)

    def _deny(self) -> None:
        self.denied.emit(self.reason.text())

    def _offer_longer(self) -> None:
        menu = QMenu(self)
        for text, remember in ((tr("Allow in This Chat"), Remember.CHAT), (tr("Always Allow"), Remember.ALWAYS)):
            menu.addAction(text).triggered.connect(lambda _checked=False, chosen=remember: self._allow(chosen))
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(self.more.mapToGlobal(QPoint(0, self.more.height())))

    def _draw(self) -> None:
        self.more.setIcon(self._theme.icon("caret-down", "on_accent"))
        if self._edit is not None:
            self._edit.size_to_fit()

    # Qt's events

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        said = (self._question, self.deny_button, self.edit_button, self.allow, self.more)
        wish = sum(each.sizeHint().width() + SPACE_S for each in said)
        self._question.setVisible(wish + 2 * SPACE_M <= self.width())  # the buttons say it, too

    def event(self, event: QEvent) -> bool:
        if event.type() is QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and self._is_own(event):
            event.accept()  # or Esc would stop the answer
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if not self._is_own(event):
            super().keyPressEvent(event)
        elif event.key() == Qt.Key.Key_Escape:
            self._back()
        else:
            self.press_allow()

    def _is_own(self, event: QKeyEvent) -> bool:
        return finishes(event) or (event.key() == Qt.Key.Key_Escape and self._choice.isHidden())


def _row(first: QWidget, *buttons: QWidget) -> QWidget:
    made = QWidget()
    row = QHBoxLayout(made)
    row.setContentsMargins(0, 0, 0, 0)
    row.setSpacing(SPACE_S)
    row.addWidget(first)
    row.addStretch(1)
    for button in buttons:
        row.addWidget(button)
    return made


def _layout(of: QWidget) -> QHBoxLayout:
    layout = of.layout()
    assert isinstance(layout, QHBoxLayout)
    return layout
