"""The menus of the window, with the keys of what they can do."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu, QWidget

from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.engine.states import Ready, Starting, State
from nodetool_xl_desktop.ui.shortcuts import show_shortcuts
from nodetool_xl_desktop.ui.side_bar import Tab

if TYPE_CHECKING:
    from nodetool_xl_desktop.ui.main_window import MainWindow


class Menus:
    """Fills the menu bar.

    Args:
        window: whose panels and flows do it.

    Attributes:
        titles: whether chats are named by the model.
    """

    def __init__(self, window: MainWindow) -> None:
        self._window = window
        bar = window.menuBar()
        self._fill_file_menu(bar.addMenu(tr("&File")))
        chat = bar.addMenu(tr("&Chat"))
        self._fill_chat_menu(chat)
        window.chat.more.setMenu(chat)
        self._fill_view_menu(bar.addMenu(tr("&View")))
        help_menu = bar.addMenu(tr("&Help"))
        keys = partial(show_shortcuts, parent=window)
        self._add(help_menu, tr("&Keyboard Shortcuts"), "Ctrl+/", lambda: keys(window.findChildren(QAction)))

    def _add(self, menu: QMenu, text: str, keys: str, work: Callable[[], Any]) -> QAction:
        action = QAction(text, self._window)
        if keys:
            action.setShortcut(QKeySequence(keys))
        action.triggered.connect(lambda _checked=False: work())
        menu.addAction(action)
        return action

    def _fill_file_menu(self, menu: QMenu) -> None:
        window, add = self._window, partial(self._add, menu)
        add(tr("&Open Model ..."), "Ctrl+O", window.opening.ask_for_files)
        add(tr("Open &Address ..."), "Ctrl+Shift+O", window.opening.ask_address)
        add(tr("Choose &Model"), "Ctrl+L", window.chat.pill.showMenu)
        add(tr("Model &Folders ..."), "", window.models.shelf.folders.show)
        menu.addSeparator()
        add(tr("&Load"), "Ctrl+Shift+L", window.fit_panel.request_load)
        self.eject = add(tr("&Eject"), "Ctrl+E", window.models.eject_soon)
        add(tr("&Tune ..."), "", window.fit_panel.tune_requested.emit)
        menu.addSeparator()
        menu.addAction(window.tools.off_line_action)
        menu.addSeparator()
        add(tr("&Close Window"), "Ctrl+W", window.close)
        add(tr("&Quit"), "Ctrl+Q", window.close)

    def _fill_chat_menu(self, menu: QMenu) -> None:
        window, add = self._window, partial(self._add, menu)
        add(tr("&New Chat"), "Ctrl+N", window.chats.new_chat)
        add(tr("&Attach Files ..."), "Ctrl+Shift+A", window.chat.composer.choose_files)
        add(tr("&Stop"), "Esc", window.chats.stop)
        menu.addSeparator()
        add(tr("&Regenerate"), "Ctrl+Return", window.branches.regenerate_last)
        add(tr("&Continue"), "Alt+Return", window.branches.continue_last)
        menu.addSeparator()
        add(tr("&Find in Chat"), "Ctrl+F", window.chat.transcript.open_find)
        add(tr("Search &All Chats"), "Ctrl+K", window.navigation.search_chats)
        menu.addSeparator()
        menu.addActions(window.tools.actions)
        add(tr("&Go to the Waiting Call"), "Ctrl+J", window.chat.transcript.go_to_waiting)
        menu.addSeparator()
        add(tr("&Preset ..."), "Ctrl+P", window.presets.panel.toggle)
        add(tr("&Export ..."), "Ctrl+Shift+E", self._export)
        add(tr("&Import ..."), "", window.exports.import_)
        menu.addSeparator()
        self.titles = add(tr("&Titles by the Model"), "", self._title_chats)
        self.titles.setCheckable(True)

    def _fill_view_menu(self, menu: QMenu) -> None:
        window, add = self._window, partial(self._add, menu)
        add(tr("&Chats"), "Ctrl+1", partial(window.navigation.show_tab, Tab.CHATS))
        add(tr("&Models"), "Ctrl+2", partial(window.navigation.show_tab, Tab.MODELS))
        add(tr("&Discover"), "Ctrl+3", partial(window.navigation.show_tab, Tab.DISCOVER))
        menu.addSeparator()
        add(tr("Models as &Table"), "Ctrl+Shift+M", window.navigation.toggle_table)
        add(tr("Do&wnloads"), "Ctrl+Shift+J", window.navigation.show_downloads)
        menu.addSeparator()
        side_bar = add(tr("&Side Bar"), "Ctrl+B", partial(_toggle, window.side_bar))
        fit_panel = add(tr("&Fit Panel"), "Ctrl+Shift+B", window.centre.toggle_fit_panel)
        side_bar.setCheckable(True)
        fit_panel.setCheckable(True)

        def show_checks() -> None:  # the side bar also comes when one of its pages is wanted
            side_bar.setChecked(not window.side_bar.isHidden())
            fit_panel.setChecked(window.centre.fit_panel_wanted)

        menu.aboutToShow.connect(show_checks)
        menu.addSeparator()
        larger = add(tr("Zoom &In"), "Ctrl++", partial(window.zoom.step, 1))
        larger.setShortcuts([QKeySequence("Ctrl++"), QKeySequence("Ctrl+=")])
        add(tr("Zoom &Out"), "Ctrl+-", partial(window.zoom.step, -1))
        add(tr("&Actual Size"), "Ctrl+0", window.zoom.reset)
        menu.addSeparator()
        add(tr("&Look Again at Memory"), "F5", self._look_again)

    def show_state(self, state: State) -> None:
        """A model is loading, ready, failed or ending."""
        self.eject.setText(tr("&Cancel Loading") if isinstance(state, Starting) else tr("&Eject"))
        self.eject.setEnabled(isinstance(state, Ready | Starting))

    def _export(self) -> None:
        session = self._window.chats.session
        self._window.exports.export([session.chat.id] if session is not None else None)

    def _title_chats(self) -> None:
        """Have the model asked for titles from now on, or not."""
        self._window.chats.titles.is_on = self.titles.isChecked()
        self._window.chosen.choose(title_chats=self._window.chats.titles.is_on)

    def _look_again(self) -> None:
        self._window.fit_panel.look_again()
        self._window.fit.look()


def _toggle(panel: QWidget) -> None:
    panel.setVisible(panel.isHidden())
