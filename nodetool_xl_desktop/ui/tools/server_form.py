"""The settings of one MCP server as a form: a program here, or an address elsewhere."""

from __future__ import annotations

from collections.abc import Collection

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QPlainTextEdit, QPushButton, QVBoxLayout, QWidget

from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.tools.mcp import Http, Settings, Stdio, name_problem
from nodetool_xl_desktop.tools.mcp.settings import problem_of
from nodetool_xl_desktop.ui.content_scroll import ContentScroll
from nodetool_xl_desktop.ui.inputs import in_order
from nodetool_xl_desktop.ui.parts import field, label, problem_label
from nodetool_xl_desktop.ui.presets.segments import Segments
from nodetool_xl_desktop.ui.theme import SPACE_M, SPACE_S, SPACE_XS, Theme
from nodetool_xl_desktop.ui.tools.pair_rows import PairRows, line_field

PROGRAM, ADDRESS = "program", "address"
ARGUMENTS_HEIGHT = 76


class ServerForm(QWidget):
    """Asks for a name and settings; what is wrong is said below, and what was typed stays.

    Args:
        theme: the theme in force.
    """

    #: This name and these settings (a `Stdio` or an `Http`).
    given = Signal(str, object)
    #: None after all.
    left = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._others: tuple[str, ...] = ()
        self._kind = PROGRAM
        self._title = label("", "title")
        self._name = line_field(tr("Name of the server"), "files")
        self._kinds = Segments(tr("What the server is"), {PROGRAM: tr("A Program Here"), ADDRESS: tr("An Address")})
        self._command = line_field(tr("Command"), "npx")
        self._args = QPlainTextEdit()
        self._folder = line_field(tr("Working folder"), tr("Where it is started; may be empty"))
        self._environment = PairRows(theme, tr("Environment"), tr("Variable"), tr("Add a variable"))
        self._url = line_field(tr("Address"), "https://example.org/mcp")
        self._headers = PairRows(theme, tr("HTTP Headers"), tr("HTTP header"), tr("Add an HTTP header"))
        self._problem = problem_label()
        self._done = QPushButton(tr("Add"))
        self._cancel = QPushButton(tr("Cancel"))
        self._lay_out()
        self._kinds.chosen.connect(self._show_kind)
        self._done.clicked.connect(self._give)
        self._cancel.clicked.connect(self.left)
        program, address = self._environment.buttons, self._headers.buttons
        in_order(self._name, *self._kinds.inputs, self._command, self._args, *program, self._folder)
        in_order(self._folder, self._url, *address, self._cancel, self._done)

    def ask(self, name: str = "", settings: Settings | None = None, others: Collection[str] = ()) -> None:
        """Begin with these, and give the first field the keys.

        Args:
            name: of the server that is changed; empty for a new one.
            settings: its settings; None for a new one, or where they cannot be read.
            others: names that are taken.
        """
        self._others = tuple(each for each in others if each != name)
        self._title.setText(tr("Change a Server") if name else tr("Add a Server"))
        self._done.setText(tr("Save") if name else tr("Add"))
        self._name.setText(name)
        program = settings if isinstance(settings, Stdio) else Stdio("")
        address = settings if isinstance(settings, Http) else Http("")
        self._command.setText(program.command)
        self._args.setPlainText("\n".join(program.args))
        self._folder.setText(program.cwd)
        self._environment.show_pairs(program.env)
        self._url.setText(address.url)
        self._headers.show_pairs(address.headers)
        self._show_kind(ADDRESS if isinstance(settings, Http) else PROGRAM)
        self._done.setDefault(True)  # of the dialog, which knew of no form before
        self._name.setFocus()

    def tell(self, problem: str) -> None:
        """Say what is wrong; empty for nothing."""
        self._problem.setText(problem)
        self._problem.setVisible(bool(problem))

    @property
    def problem(self) -> str:
        """What is said to be wrong."""
        return self._problem.text() if not self._problem.isHidden() else ""

    @property
    def settings(self) -> Settings:
        """What was typed."""
        if self._kind == ADDRESS:
            return Http(self._url.text().strip(), self._headers.pairs)
        args = tuple(line for line in self._args.toPlainText().split("\n") if line.strip())
        return Stdio(self._command.text().strip(), args, self._environment.pairs, self._folder.text().strip())

    def _give(self) -> None:
        name, settings = self._name.text().strip(), self.settings
        problem = name_problem(name, self._others)
        if problem:
            self._name.setFocus()
        else:
            problem = problem_of(settings)
        self.tell(problem)
        if not problem:
            self.given.emit(name, settings)

    def _show_kind(self, kind: str) -> None:
        self._kind = kind
        self._kinds.show_choice(kind)
        self._program.setVisible(kind == PROGRAM)
        self._address.setVisible(kind == ADDRESS)
        self.tell("")

    # How it is made

    def _lay_out(self) -> None:
        self._args.setProperty("kind", "code")
        self._args.setAccessibleName(tr("Arguments, one on each line"))
        self._args.setPlaceholderText(tr("-y\n@modelcontextprotocol/server-filesystem\n/home/me/Documents"))
        self._args.setTabChangesFocus(True)
        self._args.setFixedHeight(ARGUMENTS_HEIGHT)
        self._program = _column(
            _titled(tr("Command"), self._command),
            _titled(tr("Arguments, one on each line"), self._args),
            self._environment,
            _titled(tr("Working Folder"), self._folder),
        )
        self._address = _column(_titled(tr("Address"), self._url), self._headers)
        note = label(
            tr("A server runs with your rights, or gets what the model sends it. Add only those that you trust."),
            "note",
            wrap=True,
        )
        body = _column(_titled(tr("Name"), self._name), self._kinds, self._program, self._address, note)
        body.setObjectName("serverForm")
        layout = body.layout()
        assert layout is not None
        layout.setContentsMargins(0, 0, SPACE_M, 0)
        self._done.setProperty("kind", "primary")
        self._cancel.setAutoDefault(False)
        buttons = QHBoxLayout()
        buttons.setSpacing(SPACE_S)
        buttons.addStretch()
        buttons.addWidget(self._cancel)
        buttons.addWidget(self._done)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(SPACE_M)
        outer.addWidget(self._title)
        outer.addWidget(ContentScroll(body))
        outer.addWidget(self._problem)
        outer.addStretch(1)
        outer.addLayout(buttons)


def _titled(title: str, control: QLineEdit | QPlainTextEdit) -> QWidget:
    made = QWidget()
    layout = QVBoxLayout(made)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(SPACE_XS)
    name = label(title, "strong")
    name.setBuddy(control)
    layout.addWidget(name)
    layout.addWidget(field(control))
    return made


def _column(*parts: QWidget) -> QWidget:
    made = QWidget()
    layout = QVBoxLayout(made)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(SPACE_M)
    for part in parts:
        layout.addWidget(part)
    return made
