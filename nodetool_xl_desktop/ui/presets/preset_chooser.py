"""Presets by name: which one is chosen, and what can be done with them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QAction, QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QMenu, QPushButton, QToolButton, QVBoxLayout, QWidget

from nodetool_xl_desktop.chat.preset_files import LONGEST_NAME, clean_name
from nodetool_xl_desktop.chat.starting_presets import BUILT_IN, CUSTOM, DEFAULT, is_reserved
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.store.presets import Preset
from nodetool_xl_desktop.ui.inputs import Combo, LineField
from nodetool_xl_desktop.ui.parts import field, label, problem_label
from nodetool_xl_desktop.ui.theme import SPACE_S, SPACE_XS, Theme, scaled

COMBO_WIDTH = 208


class NameRow(QWidget):
    """Asks for a name where it is needed, without a window of its own.

    Args:
        tell: what is wrong with a name; empty where nothing is.
    """

    #: This name, which nothing is wrong with.
    given = Signal(str)
    #: None any more.
    left = Signal()

    def __init__(self, tell: Callable[[str], str]) -> None:
        super().__init__()
        self._tell = tell
        self._done = tr("Save")
        self._taken: Sequence[str] = ()
        self.edit = LineField()
        self.edit.setProperty("kind", "value")
        self.edit.setFrame(False)
        self.edit.setMaxLength(LONGEST_NAME)
        self.edit.setPlaceholderText(tr("Name of the preset"))
        self.edit.setAccessibleName(tr("Name of the preset"))
        self.edit.textChanged.connect(self._look)
        self.edit.returnPressed.connect(self._give)
        self.button = QPushButton()
        self.button.setProperty("kind", "primary")
        self.button.clicked.connect(self._give)
        self._cancel = QPushButton(tr("Cancel"))
        self._cancel.clicked.connect(self.leave)
        self._problem = problem_label()
        row = QHBoxLayout()
        row.setSpacing(SPACE_S)
        row.addWidget(field(self.edit), 1)
        row.addWidget(self.button)
        row.addWidget(self._cancel)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE_XS)
        layout.addLayout(row)
        layout.addWidget(self._problem)
        self.hide()

    def ask(self, name: str, done: str, replaces: Sequence[str] = ()) -> None:
        """Ask for a name.

        Args:
            name: what to begin with.
            done: what the button says.
            replaces: names that are taken, and may be given again.
        """
        self._done, self._taken = done, replaces
        self.edit.setText(name)
        self._problem.hide()
        self._look()
        self.show()
        self.edit.setFocus()
        self.edit.selectAll()

    def leave(self) -> None:
        """Ask no more."""
        self.hide()
        self.left.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:  # this row alone, not the panel around it
            self.leave()
        else:
            super().keyPressEvent(event)

    def _look(self) -> None:
        name = clean_name(self.edit.text())
        self.button.setText(
            tr("Replace") if name.casefold() in {each.casefold() for each in self._taken} else self._done
        )
        self.button.setEnabled(bool(name))
        self._problem.hide()

    def _give(self) -> None:
        name = clean_name(self.edit.text())
        if not name:
            return
        if problem := self._tell(name):
            self._problem.setText(problem)
            self._problem.show()
        else:
            self.hide()
            self.given.emit(name)


class PresetChooser(QWidget):
    """Takes presets and emits what is wanted of them.

    Args:
        theme: the theme in force.
    """

    #: Have the scope that is shown say what this one says (a `Preset`); None: nothing.
    chosen = Signal(object)
    #: Keep what is set as a preset of this name; one of this name is replaced.
    save_requested = Signal(str)
    #: Give this preset another name.
    rename_requested = Signal(object, str)
    delete_requested = Signal(object)
    import_requested = Signal()
    export_requested = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._named: tuple[Preset, ...] = ()
        self._name = DEFAULT
        self._renaming: Preset | None = None
        self.combo = Combo(theme, tr("Preset"))
        self.combo.currentIndexChanged.connect(lambda _index: self._choose())
        self.more = QToolButton()
        self.more.setProperty("kind", "icon")
        self.more.setAccessibleName(tr("More for presets"))
        self.more.setToolTip(tr("Save, rename, delete, import or export"))
        self.more.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.menu = QMenu(self)
        self.more.setMenu(self.menu)
        self.actions_by_text: dict[str, QAction] = {}
        self.name_row = NameRow(self._wrong_with)
        self.name_row.given.connect(self._named_so)
        self.name_row.left.connect(self.more.setFocus)
        self._fill_menu()
        place = field(self.combo)
        place.setFixedWidth(scaled(COMBO_WIDTH))
        row = QHBoxLayout()
        row.setSpacing(SPACE_S)
        row.addWidget(label(tr("Preset"), "strong"))
        row.addStretch()
        row.addWidget(place)
        row.addWidget(self.more)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE_S)
        layout.addLayout(row)
        layout.addWidget(self.name_row)
        theme.changed.connect(self._show_icons)
        self._show_icons()

    @property
    def inputs(self) -> tuple[QWidget, ...]:
        """What the tab key goes through."""
        return (self.combo, self.more)

    def show_presets(self, named: Sequence[Preset], name: str) -> None:
        """Offer these beside those that come with the program, and show what is chosen."""
        self._named, self._name = tuple(named), name
        names = [DEFAULT, *(preset.name for preset in (*BUILT_IN, *named))]
        if name not in names:
            names.insert(0, name)
        self.combo.show_values({each: each for each in names}, name)
        for text in (tr("Rename ..."), tr("Delete")):
            self.actions_by_text[text].setEnabled(self._own is not None)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() is QEvent.Type.EnabledChange and not self.isEnabled():
            self.name_row.hide()

    @property
    def _own(self) -> Preset | None:
        """The preset that is chosen, if it is one of the person's own."""
        return next((each for each in self._named if each.name == self._name), None)

    def _fill_menu(self) -> None:
        def add(text: str, work: Callable[[], object]) -> None:
            action = self.actions_by_text[text] = self.menu.addAction(text)
            action.triggered.connect(lambda _checked=False: work())

        add(tr("Save As ..."), self._ask_to_save)
        add(tr("Rename ..."), self._ask_to_rename)
        add(tr("Delete"), lambda: self.delete_requested.emit(self._own))
        self.menu.addSeparator()
        add(tr("Import ..."), self.import_requested.emit)
        add(tr("Export ..."), self.export_requested.emit)

    def _choose(self) -> None:
        name = self.combo.value
        found = next((each for each in (*BUILT_IN, *self._named) if each.name == name), None)
        if name == self._name or (found is None and name == CUSTOM):
            return
        self.chosen.emit(found)

    def _ask_to_save(self) -> None:
        self._renaming = None
        own = self._own
        self.name_row.ask(own.name if own else "", tr("Save"), [each.name for each in self._named])

    def _ask_to_rename(self) -> None:
        if (own := self._own) is not None:
            self._renaming = own
            self.name_row.ask(own.name, tr("Rename"))

    def _named_so(self, name: str) -> None:
        self.more.setFocus()
        if self._renaming is None:
            self.save_requested.emit(name)
        else:
            self.rename_requested.emit(self._renaming, name)

    def _wrong_with(self, name: str) -> str:
        if is_reserved(name):
            return tr("“{name}” comes with the program. Give it another name.", name=name)
        others = {each.name.casefold() for each in self._named if each is not self._renaming}
        if self._renaming is not None and name.casefold() in others:
            return tr("There is a preset “{name}” already. Give it another name.", name=name)
        return ""

    def _show_icons(self) -> None:
        self.more.setIcon(self._theme.icon("dots-three"))
