"""The page of the settings, made of their declarations: sections on the left, a search above, and the file below.

A section may end with a widget of its own (`widgets`), which is made when the section is first shown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QHideEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QScrollArea, QVBoxLayout, QWidget

from nodetool_xl_desktop.core.setting import Section, Setting
from nodetool_xl_desktop.core.settings import SETTINGS
from nodetool_xl_desktop.core.settings_file import Values
from nodetool_xl_desktop.core.translation import mark, tr
from nodetool_xl_desktop.ui.chats.search_field import SearchField
from nodetool_xl_desktop.ui.closed_by_escape import ClosedByEscape
from nodetool_xl_desktop.ui.inputs import in_order, stops
from nodetool_xl_desktop.ui.notice import Notice
from nodetool_xl_desktop.ui.page_head import PageHead, icon_button
from nodetool_xl_desktop.ui.parts import ElidedLabel, label, set_tip
from nodetool_xl_desktop.ui.settings.setting_control import Reading
from nodetool_xl_desktop.ui.settings.setting_row import SettingRow
from nodetool_xl_desktop.ui.theme import SPACE_L, SPACE_M, SPACE_S, SPACE_XL, Theme, share, wide
from nodetool_xl_desktop.ui.tools.item_list import ItemList
from nodetool_xl_desktop.ui.tools.tool_values import Item
from nodetool_xl_desktop.ui.words import empty_words

COLUMN = 720
LIST_WIDTH = 192
#: Of the page's width, at most, in larger letters.
LIST_SHARE = 0.32
SEARCH_WIDTH = 260
#: What is said of a section as a whole.
_ABOUT = {
    Section.PRIVACY: mark(
        "No telemetry: nothing is counted, reported or sent unless you ask for it. These are all the purposes that the "
        "program connects for, each with whom it has asked since it began."
    )
}


class SettingsPage(ClosedByEscape):
    """All settings, and what can be done with them.

    Args:
        theme: the theme in force.
        began: what held when the program began.
        file: where they are kept.
        widgets: what sections have besides, by their names' section.
        readings: what makes the value of a text that was typed, for those that need more than the declaration.
    """

    #: The person chose this for that (`Setting`, value).
    chosen = Signal(object, object)
    #: The person wants the default again (`Setting`).
    reset_requested = Signal(object)
    #: Open the file.
    open_requested = Signal()
    #: It is seen: another program may have changed the file.
    seen = Signal()
    #: It is seen no longer.
    left = Signal()

    def __init__(
        self,
        theme: Theme,
        began: Values,
        file: Path,
        widgets: Mapping[Section, Callable[[], QWidget]],
        readings: Mapping[Setting[Any], Reading],
    ) -> None:
        super().__init__()
        self.setObjectName("settingsPage")
        self._theme = theme
        self._widgets = widgets
        self._made: dict[Section, QWidget] = {}
        self._section = Section.GENERAL
        self.rows = {each: SettingRow(theme, each, began, readings.get(each)) for each in SETTINGS if each.is_shown}
        self.search = SearchField(theme)
        self.search.setPlaceholderText(tr("Search settings"))
        self.search.setAccessibleName(tr("Search settings"))
        self.sections = ItemList(theme, tr("Sections"))
        self.notice = Notice()
        self._nothing = empty_words()
        self._back = icon_button(tr("Close Settings"), tr("Close Settings (Esc)"))
        self.open_button = QPushButton(tr("Open settings.toml"))
        self._cards: dict[Section, _Card] = {}
        self._make_head()
        self._make_body()
        self._lay_out(file)
        self._connect()
        self._show_icons()
        self.sections.show_items([Item(tr(each.value), key=each.name) for each in self._shown_sections()])
        self._look_for()

    # What it looks like

    def _make_head(self) -> None:
        self._head = PageHead.of_closed(tr("Settings"))
        self.search.setMaximumWidth(wide(SEARCH_WIDTH))
        self._head.row.addStretch(1)
        self._head.row.addWidget(self.search, 1000)
        self._head.add(self._back)

    def _make_body(self) -> None:
        column = QWidget()
        column.setMaximumWidth(COLUMN)
        inside = QVBoxLayout(column)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.setSpacing(SPACE_L)
        inside.addWidget(self.notice)
        inside.addWidget(self._nothing)
        for section in self._shown_sections():
            rows = [row for setting, row in self.rows.items() if setting.section is section]
            self._cards[section] = card = _Card(tr(section.value), _ABOUT.get(section, ""), rows)
            inside.addWidget(card)
        inside.addStretch(1)  # all of it, and nothing for the notice
        self._column = inside
        body = QWidget()
        body.setObjectName("settingsBody")
        row = QHBoxLayout(body)
        row.setContentsMargins(SPACE_XL, SPACE_XL, SPACE_XL, SPACE_XL)
        row.addStretch()
        row.addWidget(column, 1000)
        row.addStretch()
        self._scroll = QScrollArea()
        self._scroll.setObjectName("settingsScroll")
        self._scroll.setWidgetResizable(True)
        self._scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setWidget(body)

    def _lay_out(self, file: Path) -> None:
        left = QFrame()
        left.setObjectName("settingsList")
        self._left = left
        column = QVBoxLayout(left)
        column.setContentsMargins(SPACE_M, SPACE_M, SPACE_M, SPACE_M)
        column.addWidget(self.sections)
        middle = QHBoxLayout()
        middle.setSpacing(0)
        middle.addWidget(left)
        middle.addWidget(self._scroll, 1)
        foot = QFrame()
        foot.setObjectName("settingsFoot")
        row = QHBoxLayout(foot)
        row.setContentsMargins(SPACE_L, SPACE_S, SPACE_L, SPACE_S)
        where = ElidedLabel("note")
        where.setText(tr("Kept in {file}", file=file))
        set_tip(where, str(file))
        row.addWidget(where, 1)
        row.addWidget(self.open_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self._head)
        layout.addLayout(middle, 1)
        layout.addWidget(foot)

    def _connect(self) -> None:
        self._theme.changed.connect(self._show_icons)
        self._back.clicked.connect(self.closed)
        self.open_button.clicked.connect(self.open_requested)
        self.notice.remedy_requested.connect(self.open_requested)
        self.search.textChanged.connect(self._look_for)
        self.search.down_pressed.connect(self._focus_first)
        self.search.enter_pressed.connect(self._focus_first)
        self.sections.chosen.connect(self._section_chosen)
        self.sections.opened.connect(self._focus_first)
        for row in self.rows.values():
            row.chosen.connect(self.chosen)
            row.reset_requested.connect(self.reset_requested)

    def _fit(self) -> None:
        """The names of the sections are read in full, as far as their rows have room beside them."""
        self._left.setFixedWidth(share(LIST_WIDTH, self.width(), LIST_SHARE))

    def _show_icons(self) -> None:
        self._back.setIcon(self._theme.icon("x"))
        self._fit()

    # What it shows

    def show_values(self, values: Values) -> None:
        """Show what holds, and what in the file cannot be used."""
        for row in self.rows.values():
            row.show_values(values)
        if not values.problems:
            self.notice.hide()
        elif values.is_broken:
            self.notice.tell(values.problems[0], "\n".join(values.problems[1:]), tone="bad",
                             remedy=tr("Open settings.toml"))  # fmt: skip
        else:
            self.notice.tell(tr("Some settings cannot be used; the defaults hold."), "\n".join(values.problems),
                             remedy=tr("Open settings.toml"))  # fmt: skip

    def show_section(self, section: Section) -> None:
        """Show this one, and have the keys go to the search, which is above all of them."""
        self._go_to(section)
        self.search.setFocus(Qt.FocusReason.ShortcutFocusReason)

    @property
    def section(self) -> Section:
        """The section that is chosen."""
        return self._section

    def _shown_sections(self) -> Sequence[Section]:
        with_rows = {setting.section for setting in self.rows}
        return [each for each in Section if each in with_rows or each in self._widgets]

    def _section_chosen(self, key: str) -> None:
        if key:
            self._go_to(Section[key])

    def _go_to(self, section: Section) -> None:
        self._section = section
        self.search.clear()
        self._look_for()

    def _look_for(self) -> None:
        """Something else is looked for, or nothing any longer, which leads back to the section."""
        self.sections.show_items(self.sections.items, "" if self.search.text().strip() else self._section.name)
        self._show()
        self._scroll.verticalScrollBar().setValue(0)

    def _show(self) -> None:
        """The rows of the section; while something is looked for, those of all sections that it is found in."""
        words = self.search.text().casefold().split()
        found = False
        for section, card in self._cards.items():
            if words:
                name = tr(section.value).casefold()
                hits = {row for row in card.rows if all(word in f"{name} {_words(row.setting)}" for word in words)}
                has_widget = section in self._widgets and all(word in name for word in words)
            else:
                hits = set(card.rows) if section is self.section else set()
                has_widget = section in self._widgets and section is self.section
            if has_widget and section not in self._made:
                self._made[section] = self._widgets[section]()
                card.add(self._made[section])
                in_order(*stops(self._made[section]), self.open_button)  # made late, and yet before the foot
            card.show_rows(hits, has_widget=has_widget)
            found = found or bool(hits) or has_widget
        self._nothing.setText(tr('No setting is about "{words}".', words=" ".join(self.search.text()[:80].split())))
        self._nothing.setVisible(not found)

    def _focus_first(self) -> None:
        """The keys go to the first setting that is shown."""
        for section, card in self._cards.items():
            for row in card.rows:
                if not row.isHidden() and not card.isHidden() and row.control.keys.isEnabled():
                    row.control.keys.setFocus(Qt.FocusReason.TabFocusReason)
                    self._scroll.ensureWidgetVisible(row, 0, SPACE_L)
                    return
            if not card.isHidden() and section in self._made:
                self._made[section].setFocus(Qt.FocusReason.TabFocusReason)
                return

    def focusNextPrevChild(self, next: bool) -> bool:  # noqa: A002 - Qt's own signature
        moved = super().focusNextPrevChild(next)
        focused = self.window().focusWidget()
        if moved and focused is not None and self._scroll.isAncestorOf(focused):
            self._scroll.ensureWidgetVisible(focused, 0, SPACE_L * 2)
        return moved

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.seen.emit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self.left.emit()


class _Card(QWidget):
    """A section: its name over its rows, with what is to be known of all of them between."""

    def __init__(self, name: str, about: str, rows: Sequence[SettingRow]) -> None:
        super().__init__()
        self._about = label(tr(about) if about else "", wrap=True)
        self.rows = rows
        self._widget: QWidget | None = None
        self._frame = QFrame()
        self._frame.setObjectName("card")
        inside = QVBoxLayout(self._frame)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.setSpacing(0)
        self._lines: list[QFrame] = []
        for row in rows:
            line = QFrame()
            line.setObjectName("hairline")
            line.setFixedHeight(1)
            self._lines.append(line)
            inside.addWidget(line)
            inside.addWidget(row)
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(SPACE_S)
        self._layout.addWidget(label(name, "title"))
        self._layout.addWidget(self._about)
        self._layout.addWidget(self._frame)

    def add(self, widget: QWidget) -> None:
        """What the section has besides."""
        self._widget = widget
        self._layout.addWidget(widget)

    def show_rows(self, rows: set[SettingRow], *, has_widget: bool) -> None:
        """Show these of its rows."""
        first = True
        for row, line in zip(self.rows, self._lines, strict=True):
            row.setVisible(row in rows)
            line.setVisible(row in rows and not first)
            first = first and row not in rows
        self._about.setVisible(bool(self._about.text()) and len(rows) == len(self.rows))
        self._frame.setVisible(bool(rows))
        if self._widget is not None:
            self._widget.setVisible(has_widget)
        self.setVisible(bool(rows) or has_widget)


def _words(setting: Setting[Any]) -> str:
    """What a search looks through."""
    choices = " ".join(tr(words) for words in setting.choices.values())
    parts = (tr(setting.title), tr(setting.about), setting.key, setting.variable, choices)
    return " ".join(parts).casefold()
