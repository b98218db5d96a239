"""The list of tools and the dialog about them: by keys and by mouse, with real servers where there are servers."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from conftest import button, until
from PySide6.QtCore import QCoreApplication, QEvent, QPoint, Qt
from PySide6.QtGui import QAccessible, QAction, QGuiApplication, QHelpEvent, QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QApplication,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QMainWindow,
    QPlainTextEdit,
    QPushButton,
    QTextEdit,
    QToolButton,
    QToolTip,
    QVBoxLayout,
    QWidget,
)

from nodetool_xl_desktop.chat.calls import Remember
from nodetool_xl_desktop.chat.late_source import LateSource
from nodetool_xl_desktop.chat.toolbox import Toolbox
from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.network import OffLine
from nodetool_xl_desktop.core.paths import Paths
from nodetool_xl_desktop.store.parts import Attachment
from nodetool_xl_desktop.store.store import Store
from nodetool_xl_desktop.tools import CalculatorTool, as_tool
from nodetool_xl_desktop.tools.mcp import McpServers, Running, Stdio
from nodetool_xl_desktop.tools.source import Offered, Workspace
from nodetool_xl_desktop.ui.actions import action_of
from nodetool_xl_desktop.ui.composer.composer import Composer
from nodetool_xl_desktop.ui.notice import Notice
from nodetool_xl_desktop.ui.tasks import Tasks
from nodetool_xl_desktop.ui.theme import Theme
from nodetool_xl_desktop.ui.tools.insert_dialog import InsertDialog
from nodetool_xl_desktop.ui.tools.tool_values import Dot, SourceRows, ToolRow, ToolsShown
from nodetool_xl_desktop.ui.tools.tools_button import ToolsButton
from nodetool_xl_desktop.ui.tools.tools_dialog import ToolsDialog
from nodetool_xl_desktop.ui.tools.tools_flow import Tooling, ToolsFlow
from nodetool_xl_desktop.ui.tools.tools_popup import ToolsPopup

K = Qt.Key
LEFT = Qt.MouseButton.LeftButton
CALCULATOR = ToolRow("calculator", "Calculator", "Works out an expression", asks=False)
CLOCK = ToolRow("clock", "Date and Time", "What time it is", asks=False)
PYTHON = ToolRow("run_python", "Run Python", "Runs a program", warning="It runs on this computer.", reaches_out=True)
READ = ToolRow("files__read", "Read", "Reads a file", allowed="always allowed")
SHOWN = ToolsShown(
    (SourceRows(rows=(CALCULATOR, CLOCK, PYTHON)), SourceRows("files", Dot.RUNNING, "running", (READ,))),
    is_default=False,
)


@dataclass
class Desk:
    """A window with the button at its foot, as the program has it."""

    window: QMainWindow
    theme: Theme
    button: ToolsButton
    popup: ToolsPopup
    field: QLineEdit
    switched: list[tuple[str, bool]] = field(default_factory=list)
    heard: list[str] = field(default_factory=list)
    stops: list[bool] = field(default_factory=list)

    def focused(self) -> QWidget:
        found = QApplication.focusWidget()
        assert found is not None
        return found

    def press(self, key: Qt.Key, held: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
        QTest.keyClick(self.focused(), key, held)

    @property
    def at(self) -> str:
        """Who has the keys."""
        return self.focused().accessibleName()


@pytest.fixture
def desk(qapp: QApplication, qtbot: Any) -> Iterator[Desk]:
    theme, window = Theme(qapp), QMainWindow()
    window.resize(1024, 640)
    body, line, tools = QWidget(), QLineEdit(), ToolsButton(theme)
    line.setAccessibleName("Message")
    foot = QHBoxLayout()
    foot.addWidget(tools)
    foot.addStretch()
    layout = QVBoxLayout(body)
    layout.addWidget(QTextEdit(), 1)
    layout.addWidget(line)
    layout.addLayout(foot)
    window.setCentralWidget(body)
    tools.show_count(0)
    made = Desk(window, theme, tools, ToolsPopup(theme, tools), line)
    popup = made.popup
    tools.clicked.connect(popup.toggle)
    popup.switched.connect(lambda name, is_on: made.switched.append((name, is_on)))
    for name in ("default", "manage", "prompt", "resource", "choose_folder", "close_folder"):
        getattr(popup, f"{name}_requested").connect(lambda name=name: made.heard.append(name))
    stop = QAction("Stop", window)
    stop.setShortcut(QKeySequence("Esc"))
    stop.triggered.connect(lambda: made.stops.append(True))
    window.addAction(stop)
    window.show()
    window.activateWindow()
    line.setFocus()
    yield made
    window.close()
    window.deleteLater()
    theme.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


# The list of tools


def test_by_keys_alone_a_tool_is_switched_and_the_keys_go_back(desk: Desk) -> None:
    desk.popup.show_tools(SHOWN)
    desk.popup.open()
    assert desk.at == "Calculator"
    desk.press(K.Key_Space)
    desk.press(K.Key_Down)
    desk.press(K.Key_Down)
    assert desk.at == "Run Python"
    desk.press(K.Key_Return)
    desk.press(K.Key_End)
    assert desk.at == "Read"
    desk.press(K.Key_Down)
    assert desk.at == "Read"
    desk.press(K.Key_Home)
    assert desk.at == "Calculator"
    assert desk.switched == [("calculator", True), ("run_python", True)]
    desk.press(K.Key_Escape)
    assert desk.popup.isHidden()
    assert desk.at == "Message"
    assert not desk.stops  # Esc closed the list, and stopped no answer
    desk.press(K.Key_Escape)
    assert desk.stops == [True]


def test_the_tab_key_goes_through_everything_in_it(desk: Desk) -> None:
    shown = replace(SHOWN, folder=Path("/somewhere/notes"), has_prompts=True, has_resources=True)
    desk.popup.show_tools(shown)
    desk.popup.open()
    gone_through = [desk.at]
    for _ in range(8):
        desk.press(K.Key_Tab)
        gone_through.append(desk.at or getattr(desk.focused(), "text", str)())
    assert gone_through == [
        "Calculator",
        "Date and Time",
        "Run Python",
        "Read",
        "Close the folder notes",
        "Use These for New Chats",
        "Insert a Prompt ...",
        "Attach a Resource ...",
        "Manage Tools ...",
    ]


def test_a_click_anywhere_on_a_tool_switches_it_and_one_elsewhere_closes_the_list(desk: Desk) -> None:
    desk.popup.show_tools(SHOWN)
    QTest.mouseClick(desk.button, LEFT)
    switch = desk.popup.switch("clock")
    QTest.mouseClick(switch, LEFT, pos=QPoint(40, 30))
    assert desk.switched == [("clock", True)]
    QTest.mouseClick(desk.window.centralWidget(), LEFT, pos=QPoint(1000, 20))
    assert desk.popup.isHidden()
    QTest.mouseClick(desk.button, LEFT)
    assert desk.popup.isVisible()
    QTest.mouseClick(desk.button, LEFT)
    assert desk.popup.isHidden()


def test_a_screen_reader_hears_what_a_tool_is_and_whether_it_is_on(desk: Desk) -> None:
    rows = (CALCULATOR, CLOCK, replace(PYTHON, is_on=True))
    desk.popup.show_tools(replace(SHOWN, sources=(SourceRows(rows=rows), SHOWN.sources[1])))
    desk.popup.open()
    spoken = QAccessible.queryAccessibleInterface(desk.popup.switch("run_python"))
    assert spoken.role() is QAccessible.Role.CheckBox
    assert spoken.state().checked
    assert spoken.text(QAccessible.Text.Name) == "Run Python"
    said = spoken.text(QAccessible.Text.Description)
    assert said == "asks before it runs. Runs a program. It runs on this computer."
    assert "always allowed" in desk.popup.switch("files__read").accessibleDescription()
    desk.button.show_count(1)
    assert desk.button.accessibleName() == "Tools: 1 on"
    assert desk.button.text() == "Tools · 1"


def test_the_warning_of_a_tool_stands_below_it_while_it_is_on(desk: Desk) -> None:
    desk.popup.show_tools(SHOWN)
    desk.popup.open()
    QCoreApplication.processEvents()
    switch = desk.popup.switch("run_python")
    low = switch.height()
    on = (CALCULATOR, CLOCK, replace(PYTHON, is_on=True))
    desk.popup.show_tools(replace(SHOWN, sources=(SourceRows(rows=on), SHOWN.sources[1])))
    QCoreApplication.processEvents()
    assert desk.popup.switch("run_python") is switch  # the keys stay where they are
    assert switch.height() >= low + 12


@pytest.mark.qt_log_ignore("This plugin does not support raise")  # of tooltips
def test_what_a_tool_is_called_is_never_markup(desk: Desk) -> None:
    evil = ToolRow("x", "<b>bold</b>", "<img src='http://127.0.0.1:9/x.png'> " + "word " * 5000)
    desk.popup.show_tools(ToolsShown((SourceRows("<i>me</i>", Dot.FAILED, "<u>no</u>", (evil,)),)))
    desk.popup.open()
    switch = desk.popup.switch("x")
    QApplication.sendEvent(switch, QHelpEvent(QEvent.Type.ToolTip, QPoint(5, 5), switch.mapToGlobal(QPoint(5, 5))))
    assert "&lt;img" in QToolTip.text()
    assert "<img" not in QToolTip.text()
    assert len(QToolTip.text()) < 2500
    QToolTip.hideText()
    QCoreApplication.processEvents()


def test_the_list_stays_inside_a_small_window_and_scrolls_to_the_tool_that_has_the_keys(desk: Desk) -> None:
    many = tuple(ToolRow(f"tool{number}", f"Tool {number}", "Does it") for number in range(60))
    desk.popup.show_tools(ToolsShown((SourceRows(rows=many),), folder=Path("/a/b")))
    desk.popup.open()
    QCoreApplication.processEvents()
    assert desk.window.rect().contains(desk.popup.geometry())
    assert desk.popup.geometry().bottom() < desk.button.mapTo(desk.window, QPoint(0, 0)).y()
    desk.press(K.Key_End)
    QCoreApplication.processEvents()
    last = desk.popup.switch("tool59")
    seen = last.mapTo(desk.popup, QPoint(0, last.height()))
    assert desk.popup.rect().contains(seen)
    assert last.visibleRegion().boundingRect().height() >= last.height() - 2


def test_every_wish_of_the_list_is_told(desk: Desk) -> None:
    desk.popup.show_tools(replace(SHOWN, folder=Path("/a/notes"), has_prompts=True, has_resources=True))
    for text in ("Use These for New Chats", "Insert a Prompt ...", "Attach a Resource ...", "Manage Tools ..."):
        if desk.popup.isHidden():
            desk.popup.open()
        QTest.mouseClick(button(desk.popup, text), LEFT)
    desk.popup.open()
    desk.popup.show_tools(SHOWN)
    QTest.mouseClick(button(desk.popup, "Choose Folder ..."), LEFT)
    assert desk.heard == ["default", "prompt", "resource", "manage", "choose_folder"]


def test_what_works_off_line_and_what_does_not_is_said(desk: Desk) -> None:
    off = (CALCULATOR, CLOCK, replace(PYTHON, is_on=True, problem="off line"))
    desk.popup.show_tools(replace(SHOWN, sources=(SourceRows(rows=off), SHOWN.sources[1]), off_line=True))
    assert desk.popup.switch("run_python").row.standing == "off line"
    assert "off line" in desk.popup.about


# The whole of it, with the real toolbox and real servers

SERVER = Path(__file__).parent.parent / "mcp_server.py"


class Numbers:
    """A source of tools as the program has them: some only where a folder was opened."""

    async def offered(self, workspace: Workspace) -> Sequence[Offered]:
        found = [
            Offered(CalculatorTool(), "Calculator", asks=False),
            Offered(as_tool(fetch_page), "Fetch a Web Page", reaches_out=True),
        ]
        if workspace.folder is not None:
            found.append(Offered(as_tool(list_folder), "List the Folder"))
        return found


def list_folder() -> str:
    """List the folder."""
    return ""


def fetch_page(url: str) -> str:
    """Fetch a page.

    Args:
        url: its address.
    """
    return url


@dataclass
class Program:
    """A composer in a window, with all that the program has of tools."""

    window: QMainWindow
    theme: Theme
    composer: Composer
    tasks: Tasks
    toolbox: Toolbox
    late: LateSource[McpServers]
    off_line: OffLine
    flow: ToolsFlow
    told: list[UserFacingError] = field(default_factory=list)
    changes: list[bool] = field(default_factory=list)
    store: Store | None = None

    @property
    def servers(self) -> McpServers:
        made = self.late.made
        assert made is not None
        return made

    @property
    def dialog(self) -> ToolsDialog:
        assert self.flow.servers is not None
        assert self.flow.servers.dialog is not None
        return self.flow.servers.dialog

    @property
    def insert(self) -> InsertDialog:
        assert self.flow.servers is not None
        assert self.flow.servers.insert_dialog is not None
        return self.flow.servers.insert_dialog

    async def started(self) -> None:
        self.flow.start()
        await until(self.composer.tools.isVisible, "the tools are counted")

    async def manage(self) -> ToolsDialog:
        self.flow.manage()
        await until(lambda: self.flow.servers is not None and self.flow.servers.dialog is not None, "the dialog")
        await until(self.dialog.isActiveWindow, "it has the keys")
        return self.dialog

    async def with_server(self, command: tuple[str, ...] = (sys.executable, str(SERVER))) -> None:
        """A real server, started."""
        await self.started()
        await self.servers.add("numbers", Stdio(command[0], command[1:], {"TEST_API_KEY": "sesame-4711"}))
        await self.servers.wake(["numbers"])

    def press(self, key: Qt.Key, held: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
        QTest.keyClick(QApplication.focusWidget() or self.window, key, held)

    async def shut_down(self) -> None:
        await self.tasks.cancel_all()
        if self.late.made is not None:
            await self.late.made.close()
        if self.store is not None:
            await self.store.close()


@pytest.fixture
def program(
    qapp: QApplication, qtbot: Any, loop: asyncio.AbstractEventLoop, paths: Paths, built: list[Any]
) -> Iterator[Program]:
    theme, tasks, window, off_line = Theme(qapp), Tasks(), QMainWindow(), OffLine()
    window.resize(1024, 640)
    composer = Composer(theme, tasks)
    body = QWidget()
    layout = QVBoxLayout(body)
    layout.addWidget(QTextEdit(), 1)
    layout.addWidget(composer)
    window.setCentralWidget(body)
    late: LateSource[McpServers] = LateSource(
        "nodetool_xl_desktop.tools.mcp", lambda mcp: mcp.McpServers(paths, off_line)
    )
    toolbox = Toolbox([Numbers(), late], paths.permissions_file)
    told: list[UserFacingError] = []
    flow = ToolsFlow(theme, tasks, composer, Tooling(toolbox, late, off_line), told.append)
    row = action_of("tools.show")
    action = QAction(row.name, window)
    action.setShortcuts(row.sequences)
    action.triggered.connect(flow.open)
    window.addAction(action)
    made = Program(window, theme, composer, tasks, toolbox, late, off_line, flow, told)
    flow.changed.connect(lambda: made.changes.append(True))
    window.show()
    window.activateWindow()
    composer.focus()
    built.append(made)
    yield made
    off_line.is_on = False
    window.close()
    window.deleteLater()
    theme.deleteLater()
    QGuiApplication.clipboard().clear()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    assert not [task for task in asyncio.all_tasks(loop) if not task.done()]


async def test_a_tool_is_switched_on_by_keys_and_is_on_for_new_chats_when_asked(program: Program) -> None:
    await program.started()
    assert program.composer.tools.text() == "Tools"
    program.press(K.Key_T, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
    assert program.flow.popup.isVisible()
    program.press(K.Key_Space)
    await until(lambda: program.composer.tools.text() == "Tools · 1", "it is on")
    assert [each.name for each in (await program.toolbox.offered("")).on] == ["calculator"]
    assert program.changes  # the gauge counts anew
    QTest.mouseClick(button(program.flow.popup, "Use These for New Chats"), LEFT)
    default = [each for each in program.flow.popup.findChildren(QPushButton) if each.text().startswith("Use These")]
    await until(default[0].isHidden, "they are the default")
    await program.toolbox.adopt("some-chat")
    program.flow.show_for("")
    await until(lambda: program.composer.tools.text() == "Tools · 1", "a new chat begins with it")
    program.press(K.Key_Escape)
    assert program.composer.field.hasFocus()


async def test_a_folder_is_opened_for_the_chat_and_closed_again(program: Program, tmp_path: Path) -> None:
    await program.started()
    folder = tmp_path / "Some notes"
    folder.mkdir()
    program.flow.open()
    QTest.mouseClick(button(program.flow.popup, "Choose Folder ..."), LEFT)
    (chooser,) = program.window.findChildren(QFileDialog)
    chooser.fileSelected.emit(str(folder))
    chooser.reject()
    await until(lambda: program.flow.popup.folder_text == "Some notes", "it is shown")
    assert (await program.toolbox.offered("")).folder == folder
    await until(lambda: program.composer.tools.text() == "Tools · 1", "what there is for it is on")
    assert program.flow.popup.switch("list_folder").isChecked()
    program.flow.popup.findChild(QToolButton).click()
    await until(lambda: program.flow.popup.folder_text == "", "it is closed")
    assert (await program.toolbox.offered("")).folder is None
    await until(lambda: program.composer.tools.text() == "Tools", "and is gone with it")


async def test_off_line_what_reaches_out_says_so_and_on_line_again_not(program: Program) -> None:
    await program.started()
    heard: list[bool] = []
    program.flow.off_line_changed.connect(heard.append)
    program.flow.switch_off_line()
    await until(lambda: program.flow.popup.switch("fetch_page").row.problem == "off line", "it says so")
    assert program.off_line.is_on
    assert not program.flow.popup.switch("calculator").row.problem
    program.flow.switch_off_line()
    await until(lambda: not program.flow.popup.switch("fetch_page").row.problem, "it can be used")
    assert heard == [True, False]
    assert not program.off_line.is_on


async def test_a_server_is_added_by_keys_runs_and_its_tools_are_listed(program: Program) -> None:
    await program.started()
    dialog = await program.manage()
    page = dialog.servers
    QTest.mouseClick(button(dialog, "Add a Server ..."), LEFT)
    form = page.form
    QTest.keyClicks(QApplication.focusWidget(), "my numbers")
    command, args = form.findChildren(QLineEdit)[1], form.findChildren(QPlainTextEdit)[0]
    command.setFocus()
    QTest.keyClicks(command, sys.executable)
    program.press(K.Key_Tab)
    assert args.hasFocus()
    QTest.keyClicks(args, str(SERVER))
    command.setFocus()
    program.press(K.Key_Return)
    await until(lambda: not page.is_asking, f"it is kept: {form.problem}")
    await until(lambda: page.detail.run.text() == "Stop", "it runs")
    await until(lambda: page.detail.list("tools").items, "its tools are shown")
    assert "Add Two Numbers" in [item.title for item in page.detail.list("tools").items]
    assert [item.title for item in page.detail.list("prompts").items] == ["Greet Somebody"]
    page.detail.show_page("log")
    await until(lambda: page.detail.log.text, "its log says something")
    program.press(K.Key_Escape)
    await until(lambda: program.flow.servers.dialog is None, "closed")  # type: ignore[union-attr]
    rows = lambda: program.flow.popup.shown.rows if program.flow.popup.shown else ()  # noqa: E731
    await until(lambda: "Add Two Numbers" in [row.title for row in rows()], "it is in the list")


async def test_what_is_wrong_with_a_form_is_said_and_what_was_typed_stays(program: Program) -> None:
    await program.started()
    dialog = await program.manage()
    QTest.mouseClick(button(dialog, "Add a Server ..."), LEFT)
    form = dialog.servers.form
    program.press(K.Key_Return)
    assert "A name has 1 to 40 letters" in form.problem
    QTest.keyClicks(QApplication.focusWidget(), "web")
    program.press(K.Key_Return)
    assert form.problem == "It has neither a command nor a url."
    form._kinds.button("address").click()
    address = next(each for each in form.findChildren(QLineEdit) if each.accessibleName() == "Address")
    address.setFocus()
    QTest.keyClicks(address, "ftp://example.org")
    program.press(K.Key_Return)
    assert "http://" in form.problem
    assert address.text() == "ftp://example.org"
    program.press(K.Key_Escape)  # the form, not the dialog
    assert not dialog.servers.is_asking
    assert dialog.isVisible()
    assert not program.servers.servers


async def test_secrets_are_hidden_in_the_form_until_one_asks(program: Program) -> None:
    await program.with_server()
    dialog = await program.manage()
    QTest.mouseClick(button(dialog, "Edit ..."), LEFT)
    form = dialog.servers.form
    value = next(each for each in form.findChildren(QLineEdit) if each.accessibleName() == "Value of Variable")
    assert value.text() == "sesame-4711"
    assert value.echoMode() is QLineEdit.EchoMode.Password
    QTest.mouseClick(button(form, "Show Values"), LEFT)
    assert value.echoMode() is QLineEdit.EchoMode.Normal
    QTest.mouseClick(button(form, "Save"), LEFT)
    await until(lambda: not dialog.servers.is_asking, "saved")
    kept = program.servers.find("numbers")
    assert kept is not None
    assert isinstance(kept.settings, Stdio)
    assert kept.settings.env == {"TEST_API_KEY": "sesame-4711"}
    assert "sesame" not in " | ".join(each.text() for each in dialog.findChildren(QLabel))


async def test_servers_are_pasted_as_json_and_one_that_cannot_be_used_is_told(program: Program) -> None:
    await program.started()
    dialog = await program.manage()
    QTest.mouseClick(button(dialog, "Paste JSON ..."), LEFT)
    page = dialog.servers.paste
    edit = page.findChildren(QPlainTextEdit)[0]
    assert edit.hasFocus()
    QTest.keyClicks(edit, '{"mcpServers": {')
    await until(lambda: page.problem, "it says that this is no JSON yet")
    assert "line 1" in page.problem
    good = {"command": sys.executable, "args": [str(SERVER)]}
    edit.setPlainText(json.dumps({"mcpServers": {"numbers": good, "odd": {"type": "sse", "url": "http://x"}}}))
    await until(lambda: button(page, "Add").isEnabled(), "one can be added")
    QTest.mouseClick(button(page, "Add"), LEFT)
    await until(lambda: not dialog.servers.is_asking, "added")
    assert [server.name for server in program.servers.servers] == ["numbers"]
    await until(lambda: dialog.servers.detail.run.text() == "Stop", "it is started")


async def test_a_server_that_ends_at_once_says_why_and_shows_its_log(program: Program) -> None:
    await program.with_server(command=(sys.executable, "-c", "import sys; sys.exit('no such thing')"))
    dialog = await program.manage()
    notice = dialog.servers.detail.findChildren(Notice)[0]
    await until(lambda: notice.text, "why")
    assert dialog.servers.detail.log.isVisible()
    assert dialog.servers.detail.log.text
    assert dialog.servers.list.items[0].dot is Dot.FAILED
    QTest.mouseClick(button(dialog, "Copy"), LEFT)
    assert QGuiApplication.clipboard().text() == dialog.servers.detail.log.text


async def test_a_server_is_stopped_started_removed_and_brought_back(program: Program) -> None:
    await program.with_server()
    dialog = await program.manage()
    run = dialog.servers.detail.run
    assert run.text() == "Stop"
    QTest.mouseClick(run, LEFT)
    await until(lambda: run.text() == "Start", "stopped")
    QTest.mouseClick(run, LEFT)
    await until(lambda: isinstance(program.servers.servers[0].state, Running), "started")
    QTest.mouseClick(button(dialog, "Remove"), LEFT)
    await until(lambda: not program.servers.servers, "removed")
    await until(lambda: dialog.servers.notice.text, "it can be taken back")
    assert "No servers yet" in [each.text() for each in dialog.findChildren(QLabel) if each.isVisible()]
    QTest.mouseClick(button(dialog, "Undo"), LEFT)
    await until(lambda: [each.name for each in program.servers.servers] == ["numbers"], "back")
    assert not dialog.servers.notice.text


async def test_a_prompt_with_its_arguments_goes_into_the_message(program: Program) -> None:
    await program.with_server()
    QTest.keyClicks(program.composer.field, "Please: ")
    program.flow.insert_prompt()
    await until(lambda: program.flow.servers.insert_dialog is not None, "the dialog")  # type: ignore[union-attr]
    dialog = program.insert
    await until(lambda: dialog.choice is not None and dialog.isActiveWindow(), "what there is")
    insert = button(dialog, "Insert")
    assert not insert.isEnabled()
    program.press(K.Key_Return)  # on the list: goes to what is missing
    assert dialog.edit("name").hasFocus()
    QTest.keyClicks(dialog.edit("name"), "Ada")
    program.press(K.Key_Return)
    await until(lambda: program.composer.text == "Please: Greet Ada warmly.", "it is in the message")
    await until(lambda: program.flow.servers.insert_dialog is None, "closed")  # type: ignore[union-attr]


async def test_a_resource_goes_along_as_a_file(program: Program, tmp_path: Path) -> None:
    program.store = await Store.open(tmp_path / "chats")
    program.composer.set_store(program.store)
    await program.with_server()
    program.flow.attach_resource()
    await until(lambda: program.flow.servers.insert_dialog is not None, "the dialog")  # type: ignore[union-attr]
    dialog = program.insert
    await until(lambda: dialog.choice is not None and dialog.isActiveWindow(), "what there is")
    assert dialog.choice is not None
    assert dialog.choice.item.title == "Notes of Today"
    QTest.mouseClick(button(dialog, "Attach"), LEFT)
    await until(lambda: program.composer.parts, "attached")
    (part,) = program.composer.parts
    assert isinstance(part, Attachment)
    assert part.name == "Notes of Today"
    assert await program.store.files.read(part.sha256) == b"milk, bread"


async def test_a_server_that_cannot_give_a_prompt_is_told_in_the_dialog(program: Program) -> None:
    await program.with_server()
    program.flow.insert_prompt()
    await until(lambda: program.flow.servers.insert_dialog is not None, "the dialog")  # type: ignore[union-attr]
    dialog = program.insert
    await until(lambda: dialog.choice is not None and dialog.isActiveWindow(), "what there is")
    QTest.keyClicks(dialog.edit("name"), "Ada")
    await program.servers.enable("numbers", False)
    QTest.mouseClick(button(dialog, "Insert"), LEFT)
    await until(lambda: dialog.notice.text, "why not")
    assert "switched off" in dialog.notice.text
    assert dialog.edit("name").text() == "Ada"
    dialog.reject()


async def test_what_is_allowed_is_listed_and_taken_back(program: Program) -> None:
    await program.started()
    listed = next(each for each in (await program.toolbox.offered("")).all if each.name == "fetch_page")
    await program.toolbox.allow("", listed, {"url": "https://example.org"}, Remember.ALWAYS)
    await program.toolbox.allow("a-chat", listed, {"url": "https://example.org"}, Remember.CHAT)
    program.flow.show_for("a-chat")
    dialog = await program.manage()
    dialog.show_page("allowed")
    await until(lambda: len(dialog.allowed.buttons) == 2, "both are listed")
    everywhere, here = dialog.allowed.buttons
    assert everywhere.accessibleName() == "Revoke: Fetch a Web Page, everything it is asked for · in every chat"
    assert here.accessibleName().endswith("in the chat that is shown")
    QTest.mouseClick(everywhere, LEFT)
    await until(lambda: len(dialog.allowed.buttons) == 1, "taken back")
    assert not await program.toolbox.allowed("", listed, {"url": "https://example.org"})
    assert await program.toolbox.allowed("a-chat", listed, {"url": "https://example.org"})
    dialog.allowed.buttons[0].setFocus()
    program.press(K.Key_Space)
    await until(lambda: not dialog.allowed.buttons, "taken back")
    assert not await program.toolbox.allowed("a-chat", listed, {"url": "https://example.org"})
    assert dialog.allowed.text.startswith("Nothing runs without asking.")


async def test_all_tools_of_a_server_are_switched_together(program: Program) -> None:
    await program.with_server()
    await until(lambda: len(program.flow.popup.switches) > 5, "its tools are listed")
    program.flow.open()
    QTest.mouseClick(button(program.flow.popup, "All On"), LEFT)
    count = len(program.flow.popup.switches) - 2
    await until(lambda: program.composer.tools.text() == f"Tools · {count}", "all are on")
    QTest.mouseClick(button(program.flow.popup, "All Off"), LEFT)
    await until(lambda: program.composer.tools.text() == "Tools", "all are off")
