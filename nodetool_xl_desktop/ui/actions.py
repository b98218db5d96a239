"""Every action of the window in one table, which its menus, the command palette and the list of keys are made from.

To add one: a row of `ROWS`. What is done with the thing that has the focus stands in `action_places`.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property, partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, QEvent, QObject
from PySide6.QtGui import QAction

from nodetool_xl_desktop.core import settings
from nodetool_xl_desktop.core.setting import Section
from nodetool_xl_desktop.core.translation import mark, tr
from nodetool_xl_desktop.engine.states import Ready, Starting
from nodetool_xl_desktop.ui import action_places
from nodetool_xl_desktop.ui.action import Action, Menu
from nodetool_xl_desktop.ui.side_bar import Tab

if TYPE_CHECKING:
    from nodetool_xl_desktop.ui.main_window import MainWindow
    from nodetool_xl_desktop.ui.palette.palette import Palette


def _has_chat(window: MainWindow) -> bool:
    return window.chats.session is not None


def _has_store(window: MainWindow) -> bool:
    return window.chats.store is not None


def _has_servers(window: MainWindow) -> bool:
    return window.tools.servers is not None


def _can_find(window: MainWindow) -> bool:
    return _has_chat(window) and window.centre.page is window.chat


def _waits(window: MainWindow) -> bool:
    session = window.chats.session
    return session is not None and session.chat.id in window.chats.waiting


def _can_eject(window: MainWindow) -> bool:
    return isinstance(window.chat.state, Ready | Starting)


def _eject_text(window: MainWindow) -> str:
    return tr("&Cancel Loading") if isinstance(window.chat.state, Starting) else tr("&Eject")


def _export_chat(window: MainWindow) -> None:
    if (session := window.chats.session) is not None:
        window.exports.export([session.chat.id])


def _switch_titles(window: MainWindow) -> None:
    """Have the model asked for titles from now on, or not."""
    window.chosen.choose(settings.TITLES, not window.chosen.now[settings.TITLES])


def _look_again(window: MainWindow) -> None:
    window.fit_panel.look_again()
    window.fit.look()


def _show_keys(window: MainWindow) -> None:
    from nodetool_xl_desktop.ui.shortcuts import Shortcuts  # noqa: PLC0415 - when it is first wanted

    control = window.chosen.now[settings.SEND_WITH] == "ctrl+enter"
    Shortcuts((*ROWS, *action_places.rows(control=control)), window).open()


def _open_menus(window: MainWindow) -> None:
    """Open the first menu: from there the arrow keys lead to the others."""
    bar = window.menuBar()
    if actions := bar.actions():
        bar.setActiveAction(actions[0])


def _file_rows() -> Iterator[Action]:
    row = partial(Action, menu=Menu.FILE)
    yield row("file.open", mark("&Open Model ..."), "Ctrl+O", lambda w: w.opening.ask_for_files())
    yield row("file.address", mark("Open &Address ..."), "Ctrl+Shift+O", lambda w: w.opening.ask_address())
    yield row("file.offline", mark("&Work Off Line"), "", lambda w: w.tools.switch_off_line(), begins_group=True,
              is_checked=lambda w: w.tools.is_off_line)  # fmt: skip
    yield row("settings.show", mark("Se&ttings"), "Ctrl+,", lambda w: w.navigation.show_settings(),
              begins_group=True, role="settings")  # fmt: skip
    yield row("privacy.show", mark("&Privacy ..."), "", lambda w: w.navigation.show_settings(Section.PRIVACY))
    yield row("file.close", mark("&Close Window"), "Ctrl+W", lambda w: w.close(), begins_group=True)
    yield row("file.quit", mark("&Quit"), "Ctrl+Q", lambda w: w.close(), role="quit")


def _chat_rows() -> Iterator[Action]:
    row = partial(Action, menu=Menu.CHAT)
    yield row("chat.new", mark("&New Chat"), "Ctrl+N", lambda w: w.chats.new_chat())
    yield row("chat.attach", mark("&Attach Files ..."), "Ctrl+Shift+A", lambda w: w.chat.composer.choose_files())
    yield row("chat.stop", mark("&Stop"), "Esc", lambda w: w.chats.stop(), is_enabled=lambda w: w.chats.can_stop)
    yield row("chat.regenerate", mark("&Regenerate"), "Ctrl+Enter", lambda w: w.branches.regenerate_last(),
              begins_group=True, is_enabled=lambda w: w.branches.can_regenerate_last)  # fmt: skip
    yield row("chat.continue", mark("&Continue"), "Alt+Enter", lambda w: w.branches.continue_last(),
              is_enabled=lambda w: w.branches.can_continue_last)  # fmt: skip
    yield row("chat.waiting", mark("&Go to the Waiting Call"), "Ctrl+J", lambda w: w.chat.transcript.go_to_waiting(),
              is_enabled=_waits)  # fmt: skip
    yield row("chat.find", mark("&Find in Chat"), "Ctrl+F", lambda w: w.chat.transcript.open_find(),
              begins_group=True, is_enabled=_can_find)  # fmt: skip
    yield row("chat.search", mark("Search A&ll Chats"), "Ctrl+K", lambda w: w.navigation.search_chats())
    yield row("chat.preset", mark("&Preset ..."), "Ctrl+P", lambda w: w.presets.panel.toggle(), begins_group=True)
    yield row("chat.titles", mark("&Titles by the Model"), "", _switch_titles,
              is_checked=lambda w: w.chats.titles.is_on)  # fmt: skip
    yield row("chat.export", mark("&Export Chat ..."), "Ctrl+Shift+E", _export_chat, begins_group=True,
              is_enabled=lambda w: _has_chat(w) and _has_store(w))  # fmt: skip
    yield row("chat.export_all", mark("Export All C&hats ..."), "", lambda w: w.exports.export(None),
              is_enabled=_has_store)  # fmt: skip
    yield row("chat.import", mark("&Import Chats ..."), "", lambda w: w.exports.import_(), is_enabled=_has_store)


def _model_rows() -> Iterator[Action]:
    row = partial(Action, menu=Menu.MODEL)
    yield row("model.choose", mark("&Load Model ..."), "Ctrl+L", lambda w: w.commands.palette.toggle(models_only=True))
    yield row("model.load", mark("Load &Selected Model"), "Ctrl+Shift+L", lambda w: w.fit_panel.request_load(),
              is_enabled=lambda w: w.fit_panel.can_load)  # fmt: skip
    yield row("model.eject", mark("&Eject"), "Ctrl+E", lambda w: w.models.eject_soon(), text_now=_eject_text,
              is_enabled=_can_eject)  # fmt: skip
    yield row("model.tune", mark("&Tune ..."), "", lambda w: w.fit_panel.tune_requested.emit(),
              is_enabled=lambda w: w.fit_panel.can_tune)  # fmt: skip
    yield row("model.folders", mark("Model &Folders ..."), "", lambda w: w.models.shelf.folders.show(),
              begins_group=True)  # fmt: skip
    yield row("engine.show", mark("Engi&ne ..."), "", lambda w: w.navigation.show_settings(Section.ENGINE))
    yield row("model.memory", mark("Look Again at &Memory"), "F5", _look_again)


def _view_rows() -> Iterator[Action]:
    row = partial(Action, menu=Menu.VIEW)
    yield row("view.chats", mark("&Chats"), "Ctrl+1", lambda w: w.navigation.show_tab(Tab.CHATS))
    yield row("view.models", mark("&Models"), "Ctrl+2", lambda w: w.navigation.show_tab(Tab.MODELS))
    yield row("view.discover", mark("&Discover"), "Ctrl+3", lambda w: w.navigation.show_tab(Tab.DISCOVER))
    yield row("view.table", mark("Models as &Table"), "Ctrl+Shift+M", lambda w: w.navigation.toggle_table(),
              begins_group=True)  # fmt: skip
    yield row("view.downloads", mark("Do&wnloads"), "Ctrl+Shift+J", lambda w: w.navigation.show_downloads())
    yield row("view.side_bar", mark("&Side Bar"), "Ctrl+B", lambda w: w.side_bar.setVisible(w.side_bar.isHidden()),
              begins_group=True, is_checked=lambda w: not w.side_bar.isHidden())  # fmt: skip
    yield row("view.fit_panel", mark("&Fit Panel"), "Ctrl+Shift+B", lambda w: w.centre.toggle_fit_panel(),
              is_checked=lambda w: w.centre.fit_panel_wanted)  # fmt: skip
    yield row("view.next_pane", mark("&Next Pane"), "F6", lambda w: w.panes.go(1), begins_group=True)
    yield row("view.previous_pane", mark("&Previous Pane"), "Shift+F6", lambda w: w.panes.go(-1))
    yield row("view.menus", mark("M&enu Bar"), "F10", _open_menus)
    yield row("view.larger", mark("Zoom &In"), "Ctrl++, Ctrl+=", lambda w: w.zoom.step(1), begins_group=True)
    yield row("view.smaller", mark("Zoom &Out"), "Ctrl+-", lambda w: w.zoom.step(-1))
    yield row("view.actual_size", mark("&Actual Size"), "Ctrl+0", lambda w: w.zoom.reset())


def _tool_rows() -> Iterator[Action]:
    row = partial(Action, menu=Menu.TOOLS)
    yield row("tools.show", mark("&Tools ..."), "Ctrl+Shift+T", lambda w: w.tools.open())
    yield row("tools.prompt", mark("Insert a &Prompt ..."), "", lambda w: w.tools.insert_prompt(),
              begins_group=True, is_enabled=_has_servers)  # fmt: skip
    yield row("tools.resource", mark("Attach a &Resource ..."), "", lambda w: w.tools.attach_resource(),
              is_enabled=_has_servers)  # fmt: skip
    yield row("tools.manage", mark("&Manage Tools ..."), "", lambda w: w.tools.manage(), begins_group=True,
              is_enabled=_has_servers)  # fmt: skip


def _help_rows() -> Iterator[Action]:
    row = partial(Action, menu=Menu.HELP)
    yield row("help.keys", mark("&Keyboard Shortcuts"), "Ctrl+/", _show_keys)
    yield row("help.palette", mark("&Command Palette"), "Ctrl+Shift+P", lambda w: w.commands.palette.toggle())
    yield row("help.doctor", mark("&Doctor"), "", lambda w: w.help.show_doctor(), begins_group=True)
    yield row("help.logs", mark("Show &Log Folder"), "", lambda w: w.help.show_log_folder())
    yield row("help.report", mark("&Report a Problem ..."), "", lambda w: w.help.report())
    yield row("help.about", mark("&About"), "", lambda w: w.help.show_about(), begins_group=True, role="about")


#: The actions of the window, in the order of its menus.
ROWS: tuple[Action, ...] = (
    *_file_rows(),
    *_chat_rows(),
    *_model_rows(),
    *_view_rows(),
    *_tool_rows(),
    *_help_rows(),
)
#: And those of what has the focus.
ALL: tuple[Action, ...] = (*ROWS, *action_places.ROWS)
_BY_ID = {row.id: row for row in ALL}


def action_of(name: str) -> Action:
    """The row with this id."""
    return _BY_ID[name]


class Actions(QObject):
    """The actions of one window, and its menu bar.

    What can be done now is looked at when something was told that it depends on, at most once for all that happens at a
    time, and whenever it is about to be seen.

    Args:
        window: whose panels and flows do it.
    """

    _LOOK = QEvent.Type(QEvent.registerEventType())

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._looks = False
        self._made = {row.id: self._make(row) for row in ROWS}
        self._fill_menus()
        self.look()

    def __getitem__(self, name: str) -> QAction:
        return self._made[name]

    def row(self, name: str) -> Action:
        """What the table says of an action."""
        return _BY_ID[name]

    def __iter__(self) -> Iterator[Action]:
        return iter(ROWS)

    @cached_property
    def palette(self) -> Palette:
        """The command palette; made when it is first opened."""
        from nodetool_xl_desktop.ui.palette.palette import Palette  # noqa: PLC0415 - after the first paint

        return Palette(self._window)

    def look_soon(self, *_told: object) -> None:
        """Something is another: look before the next key is heard."""
        if not self._looks:
            self._looks = True
            QCoreApplication.postEvent(self, QEvent(self._LOOK))

    def look(self) -> None:
        """Have every action say what is so now."""
        self._looks = False
        for row in ROWS:
            made = self._made[row.id]
            if row.is_enabled is not None:
                made.setEnabled(row.is_enabled(self._window))
            if row.is_checked is not None:
                made.setChecked(row.is_checked(self._window))
            if row.text_now is not None:
                made.setText(row.text_now(self._window))

    def event(self, event: QEvent) -> bool:
        if event.type() != self._LOOK:
            return super().event(event)
        self.look()
        return True

    def _make(self, row: Action) -> QAction:
        made = QAction(tr(row.text), self._window)
        made.setObjectName(row.id)
        made.setShortcuts(row.sequences)
        made.setCheckable(row.is_checked is not None)
        made.setMenuRole(_ROLES.get(row.role, QAction.MenuRole.NoRole))
        made.triggered.connect(lambda _checked=False: self._do(row))
        return made

    def _do(self, row: Action) -> None:
        assert row.does is not None
        row.does(self._window)
        self.look_soon()

    def _fill_menus(self) -> None:
        bar = self._window.menuBar()
        for menu in Menu:
            made = bar.addMenu(tr(menu.value))
            made.aboutToShow.connect(self.look)
            for row in (each for each in ROWS if each.menu is menu):
                if row.begins_group:
                    made.addSeparator()
                made.addAction(self._made[row.id])
            if menu is Menu.CHAT:
                self._window.chat.more.setMenu(made)
        self._window.addActions([self._made[row.id] for row in ROWS if row.menu is None])


_ROLES = {
    "quit": QAction.MenuRole.QuitRole,
    "settings": QAction.MenuRole.PreferencesRole,
    "about": QAction.MenuRole.AboutRole,
}
