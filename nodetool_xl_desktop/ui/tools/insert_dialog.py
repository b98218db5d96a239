"""The dialogs that take something of a server into the message: a prompt with its arguments, or a resource."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QDialog, QHBoxLayout, QLineEdit, QPushButton, QVBoxLayout, QWidget

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.ui.notice import Notice
from nodetool_xl_desktop.ui.parts import field, label
from nodetool_xl_desktop.ui.theme import SPACE_L, SPACE_S, SPACE_XL, SPACE_XS, Theme
from nodetool_xl_desktop.ui.tools.item_list import ItemList
from nodetool_xl_desktop.ui.tools.pair_rows import line_field
from nodetool_xl_desktop.ui.tools.tool_values import Item
from nodetool_xl_desktop.ui.words import empty_words

SIZE = (560, 460)


@dataclass(frozen=True, slots=True)
class Field:
    """What a prompt asks for.

    Attributes:
        name: of the argument.
        description: what it is; may be empty.
        required: whether it cannot be left out.
    """

    name: str
    description: str = ""
    required: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """Something that can be taken.

    Attributes:
        server: whose it is.
        item: how it is shown; its key is what the server knows it by.
        fields: what it asks for.
    """

    server: str
    item: Item
    fields: tuple[Field, ...] = ()


class InsertDialog(QDialog):
    """Chooses one of many, asks for what it needs, and stays open until it was taken. `show_choices` says of which.

    Args:
        theme: the theme in force.
        title: such as "Insert a Prompt".
        done: what its button says.
        parent: the window.
    """

    #: Take this one (a `Choice`), with these arguments (a dict of texts).
    taken = Signal(object, object)

    def __init__(self, theme: Theme, title: str, done: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.resize(*SIZE)
        self._choices: dict[str, Choice] = {}
        self._edits: dict[str, QLineEdit] = {}
        self._search = line_field(tr("Search"), tr("Search"))
        self.list = ItemList(theme, title)
        self._fields = QVBoxLayout()
        self._words = empty_words()
        self.notice = Notice()
        self.done_button, self._cancel = QPushButton(done), QPushButton(tr("Cancel"))
        self._lay_out(title)
        self._search.textChanged.connect(self._show_found)
        self.list.chosen.connect(lambda _key: self._show_fields())
        self.list.opened.connect(lambda _key: self._take())
        self.done_button.clicked.connect(self._take)
        self._cancel.clicked.connect(self.reject)
        self._search.setFocus()
        self._show_found()

    def wait(self, words: str) -> None:
        """It is not known yet what there is."""
        self._tell(words)

    def show_choices(self, choices: Sequence[Choice], nothing: str) -> None:
        """Show what there is; the words are for where that is nothing."""
        self._choices = {f"{at}": choice for at, choice in enumerate(choices)}
        self._tell("" if choices else nothing)
        self._show_found()
        if choices and self._search.hasFocus() and not self._search.text():
            self.list.setFocus()

    def _tell(self, words: str) -> None:
        self._words.setText(words)
        self._words.setVisible(bool(words))
        self.list.setVisible(not words)

    @property
    def choice(self) -> Choice | None:
        """The one that is chosen."""
        return self._choices.get(self.list.key)

    def edit(self, name: str) -> QLineEdit:
        """The field of an argument."""
        return self._edits[name]

    def set_busy(self, is_busy: bool) -> None:
        """What was chosen is being fetched."""
        self.list.setEnabled(not is_busy)
        self.done_button.setEnabled(not is_busy)

    def tell_error(self, error: UserFacingError) -> None:
        """It could not be had."""
        self.set_busy(False)
        self.notice.tell_error(error)

    def _show_found(self) -> None:
        sought = self._search.text().casefold().split()
        found = []
        for key, choice in self._choices.items():
            words = f"{choice.item.title} {choice.item.description} {choice.server}".casefold()
            if all(word in words for word in sought):
                about = " · ".join(filter(None, [choice.server, choice.item.description]))
                found.append(Item(choice.item.title, about, choice.item.problem, key=key))
        self.list.show_items(found)
        if not self.list.key and found:
            self.list.show_items(found, found[0].key)
        self._show_fields()

    def _show_fields(self) -> None:
        while (item := self._fields.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        self._edits = {}
        for each in self.choice.fields if self.choice is not None else ():
            self._edits[each.name] = edit = line_field(each.name, " ".join(each.description[:200].split()))
            edit.textChanged.connect(self._look)
            self._fields.addWidget(_titled(each, edit))
        self._look()

    @property
    def _missing(self) -> list[str]:
        fields = self.choice.fields if self.choice is not None else ()
        return [each.name for each in fields if each.required and not self._edits[each.name].text().strip()]

    def _look(self) -> None:
        self.done_button.setEnabled(self.choice is not None and not self._missing)

    def _take(self) -> None:
        choice = self.choice
        if choice is None or not self.list.isEnabled():
            return
        self.notice.hide()
        if missing := self._missing:
            self._edits[missing[0]].setFocus()
            return
        self.set_busy(True)
        self.taken.emit(choice, {name: edit.text() for name, edit in self._edits.items() if edit.text()})

    def _lay_out(self, title: str) -> None:
        self._fields.setSpacing(SPACE_S)
        self.done_button.setProperty("kind", "primary")
        self.done_button.setDefault(True)
        self._cancel.setAutoDefault(False)
        self.notice.remedy.setAutoDefault(False)
        buttons = QHBoxLayout()
        buttons.setSpacing(SPACE_S)
        buttons.addStretch()
        buttons.addWidget(self._cancel)
        buttons.addWidget(self.done_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(SPACE_XL, SPACE_XL, SPACE_XL, SPACE_XL)
        layout.setSpacing(SPACE_L)
        layout.addWidget(label(title, "title"))
        layout.addWidget(field(self._search))
        layout.addWidget(self.list, 1)
        layout.addWidget(self._words, 1)
        layout.addLayout(self._fields)
        layout.addWidget(self.notice)
        layout.addLayout(buttons)


def _titled(each: Field, edit: QLineEdit) -> QWidget:
    made = QWidget()
    name = label(each.name if each.required else tr("{name} (optional)", name=each.name), "strong")
    name.setBuddy(edit)
    layout = QVBoxLayout(made)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(SPACE_XS)
    layout.addWidget(name)
    layout.addWidget(field(edit))
    return made
