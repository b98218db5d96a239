"""What is known of one model, and what a person says of it: title, tags and notes."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

from PySide6.QtCore import QEvent, QObject, Qt, QTimer, Signal
from PySide6.QtGui import QHideEvent, QResizeEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QFormLayout,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QSpacerItem,
    QVBoxLayout,
    QWidget,
)

from nodetool_xl_desktop.core import units
from nodetool_xl_desktop.core.text import one_line
from nodetool_xl_desktop.core.translation import number, tr, trn
from nodetool_xl_desktop.fit.options import LoadSettings
from nodetool_xl_desktop.library.settings import Kept
from nodetool_xl_desktop.preview.badges import Badge
from nodetool_xl_desktop.ui.models.columns import capabilities_of, day
from nodetool_xl_desktop.ui.models.entries import Entry, path_text
from nodetool_xl_desktop.ui.notice import Notice
from nodetool_xl_desktop.ui.parts import GivingLabel, field, label
from nodetool_xl_desktop.ui.theme import SPACE_L, SPACE_M, SPACE_S, SPACE_XS

#: What was typed is kept after so many milliseconds without a key, and when the keys leave.
_REST_MS = 700
#: From this width on what is known stands beside what a person says, in device-independent pixels.
BESIDE_FROM = 600
NAMES = {
    "context_length": tr("Context Length"),
    "threads": tr("Threads"),
    "batch": tr("Batch Size"),
    "gpu_layers": tr("GPU Offload"),
    "parallel": tr("Parallel"),
    "cache_ram_mib": tr("Prompt Cache (MiB)"),
    "flash_attention": tr("Flash Attention"),
    "kv_type_k": tr("KV Cache K Type"),
    "kv_type_v": tr("KV Cache V Type"),
    "ubatch": tr("Physical Batch Size"),
    "swa_full": tr("Full Sliding Window"),
    "kv_unified": tr("Unified KV Cache"),
    "mmap": tr("Map the File"),
    "mlock": tr("Keep in Memory"),
    "cpu_moe": tr("Experts on CPU (layers)"),
    "tensor_split": tr("Split over Devices"),
}


class AboutPane(QScrollArea):
    """Shows one model. What is being typed is never replaced, whatever a scan finds meanwhile."""

    #: A person says something of a model: its file, and a field of `About` with its value.
    said = Signal(object, str, object)
    #: Show how this model is loaded, in the fit panel.
    settings_requested = Signal(object)
    #: Forget what is kept of how it is loaded.
    forget_requested = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self._entry: Entry | None = None
        self.setWidgetResizable(True)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # what gets the keys in it is shown
        self.setAccessibleName(tr("About this model"))
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.title = _line_edit(tr("Title"), tr("Name of the file"))
        self.tags = _line_edit(tr("Tags"), tr("With commas between them"))
        self.notes = QPlainTextEdit()
        self.notes.setProperty("kind", "note")
        self.notes.setFrameShape(QFrame.Shape.NoFrame)
        self.notes.setPlaceholderText(tr("For yourself"))
        self.notes.setAccessibleName(tr("Notes"))
        self.notes.setTabChangesFocus(True)
        self.notes.setFixedHeight(72)
        self._trouble = Notice()
        self._facts = _form()
        self._settings = _form()
        self._kept_head = label(tr("Loaded With"), "author")
        self._open = QPushButton(tr("Open in Fit Panel"))
        self._forget = QPushButton(tr("Forget"))
        self._files = _form()
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(_REST_MS)
        self._lay_out()
        self._rest.timeout.connect(self.keep)
        for edit in (self.title, self.tags):
            edit.textEdited.connect(lambda _text: self._rest.start())
            edit.editingFinished.connect(self.keep)
        self.notes.textChanged.connect(self._rest.start)
        self.notes.installEventFilter(self)
        self._open.clicked.connect(lambda: self._entry and self.settings_requested.emit(self._entry.path))
        self._forget.clicked.connect(lambda: self._entry and self.forget_requested.emit(self._entry.path))

    def _lay_out(self) -> None:
        said = QVBoxLayout()
        said.setSpacing(SPACE_S)
        said.addWidget(self._trouble)
        words = _form()
        words.setVerticalSpacing(SPACE_S)
        for name, edit in ((tr("Title"), self.title), (tr("Tags"), self.tags), (tr("Notes"), self.notes)):
            framed = field(edit)
            framed.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
            words.addRow(_name(name), framed)
        said.addLayout(words)
        said.addSpacing(SPACE_XS)
        said.addWidget(self._kept_head)
        said.addLayout(self._settings)
        buttons = QHBoxLayout()
        buttons.setSpacing(SPACE_S)
        for button in (self._open, self._forget):
            button.setProperty("small", "true")
            buttons.addWidget(button)
        buttons.addStretch()
        said.addLayout(buttons)
        self._left_rest = QSpacerItem(0, 0, QSizePolicy.Policy.Minimum, QSizePolicy.Policy.Minimum)
        said.addItem(self._left_rest)
        self._left = said
        known = QVBoxLayout()
        known.setSpacing(SPACE_M)
        known.addLayout(self._facts)
        known.addLayout(self._files)
        known.addStretch()
        body = QWidget()
        body.setObjectName("detailsAbout")
        self._columns = QBoxLayout(QBoxLayout.Direction.TopToBottom, body)
        self._columns.setContentsMargins(SPACE_L, SPACE_S, SPACE_L, SPACE_L)
        self._columns.setSpacing(SPACE_L)
        self._columns.addLayout(said)
        self._columns.addLayout(known)
        self.setWidget(body)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        is_wide = self.viewport().width() >= BESIDE_FROM
        direction = QBoxLayout.Direction.LeftToRight if is_wide else QBoxLayout.Direction.TopToBottom
        if self._columns.direction() is not direction:
            self._columns.setDirection(direction)
            for number in range(2):
                self._columns.setStretch(number, 1 if is_wide else number)
            growing = QSizePolicy.Policy.Expanding if is_wide else QSizePolicy.Policy.Minimum
            self._left_rest.changeSize(0, 0, QSizePolicy.Policy.Minimum, growing)
            self._left.invalidate()

    def show_entry(self, entry: Entry, badge: Badge | None) -> None:
        """Show a model as the list has it."""
        if self._entry is not None and self._entry.path != entry.path:
            self.keep()
            self._fill(entry)
            self.verticalScrollBar().setValue(0)
        elif self._entry is None or not self._is_being_written:
            self._fill(entry)
        self._entry = entry
        trouble = entry.file.trouble
        if trouble is not None:
            self._trouble.tell(one_line(trouble.what), f"{one_line(trouble.why)}. {one_line(trouble.hint)}")
        self._trouble.setVisible(trouble is not None)
        _show(self._facts, _facts(entry, badge))
        _show(self._files, _files(entry))

    def show_kept(self, kept: Kept) -> None:
        """Show what is kept of how it is loaded."""
        said = [(NAMES[name], value, "chosen") for name, value in _said(kept.wanted)]
        chosen = {name for name, _, _ in said}
        said += [(NAMES[name], value, "tuned") for name, value in _said(kept.found) if NAMES[name] not in chosen]
        _show(
            self._settings, [(name, f"{value} ({by})") for name, value, by in said] or [(tr("Settings"), tr("Default"))]
        )
        self._forget.setVisible(bool(said))

    def keep(self) -> None:
        """Say what was typed and not said yet."""
        self._rest.stop()
        if self._entry is None:
            return
        file = self._entry.file
        title, notes = self.title.text().strip(), self.notes.toPlainText()
        tags = tuple(dict.fromkeys(tag for each in self.tags.text().split(",") if (tag := " ".join(each.split()))))
        typed: dict[str, Any] = {"title": title, "tags": tags, "notes": notes}
        said = {name: value for name, value in typed.items() if value != getattr(file.about, name)}
        # Before it is said: whoever hears it may show another model, which asks for this once more.
        self._entry = replace(self._entry, file=replace(file, about=replace(file.about, **said)))
        for name, value in said.items():
            self.said.emit(file, name, value)

    @property
    def _is_being_written(self) -> bool:
        return self._rest.isActive() or any(each.hasFocus() for each in (self.title, self.tags, self.notes))

    def _fill(self, entry: Entry) -> None:
        about = entry.file.about
        self.title.setPlaceholderText(entry.title)
        for edit, text in ((self.title, about.title), (self.tags, ", ".join(about.tags))):
            if edit.text() != text:
                edit.setText(text)
        if self.notes.toPlainText() != about.notes:
            self.notes.blockSignals(True)
            self.notes.setPlainText(about.notes)
            self.notes.blockSignals(False)

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self.keep()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self.notes and event.type() is QEvent.Type.FocusOut:
            self.keep()
        return super().eventFilter(watched, event)


def _facts(entry: Entry, badge: Badge | None) -> list[tuple[str, str]]:
    file, facts = entry.file, entry.file.facts
    said = [(tr("Fit"), badge.says if badge is not None else "")]
    if facts is not None:
        context = units.tokens(facts.context_length) if facts.context_length else ""
        said += [
            (tr("Architecture"), one_line(facts.architecture)),
            (tr("Parameters"), number(f"{facts.size_label} ({facts.n_params:,})") if facts.n_params else ""),
            (tr("Quantization"), one_line(file.quantization)),
            (tr("Context"), context),
            (tr("Capabilities"), capabilities_of(file)),
            (tr("Licence"), one_line(facts.licence)),
            (tr("Named in file"), one_line(facts.name)),
        ]
    said += [
        (
            tr("Size"),
            trn("{size} ({count} byte)", "{size} ({count:,} bytes)", file.size, size=units.file_size(file.size)),
        ),
        (tr("Place"), tr(file.place.value)),
        (tr("Last used"), day(file.about.last_used)),
    ]
    return [(name, value) for name, value in said if value]


def _files(entry: Entry) -> list[tuple[str, str]]:
    file = entry.file
    said = [
        (tr("File") if number == 0 else "", path_text(path)) for number, path in enumerate(file.files or (file.path,))
    ]
    said += [(tr("Projector") if number == 0 else "", path_text(path)) for number, path in enumerate(file.projectors)]
    says = tr(
        "{program} lays it over this model. It is not loaded here: the model answers as without it.",
        program=tr(file.place.value),
    )
    said += [(tr("Adapter") if number == 0 else "", path_text(path)) for number, path in enumerate(file.adapters)]
    said += [("", says)] if file.adapters else []
    said += [(tr("The same as") if number == 0 else "", path_text(path)) for number, path in enumerate(file.same_as)]
    return said


def _said(settings: LoadSettings) -> list[tuple[str, str]]:
    values = [(each.name, getattr(settings, each.name)) for each in fields(settings)]
    words = {True: "on", False: "off"}
    return [
        (
            name,
            words[value] if isinstance(value, bool) else number(f"{value:,}") if isinstance(value, int) else str(value),
        )
        for name, value in values
        if value is not None
    ]


def _form() -> QFormLayout:
    made = QFormLayout()
    made.setContentsMargins(0, 0, 0, 0)
    made.setHorizontalSpacing(SPACE_M)
    made.setVerticalSpacing(SPACE_XS)
    made.setLabelAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
    made.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
    return made


def _show(form: QFormLayout, said: list[tuple[str, str]]) -> None:
    """Show names with values; the labels that are there are used again, so that a selection in them stays."""
    while form.rowCount() > len(said):
        form.removeRow(form.rowCount() - 1)
    for row, (name, value) in enumerate(said):
        if row == form.rowCount():
            form.addRow(_name(), _value())
        for role, text in ((QFormLayout.ItemRole.LabelRole, name), (QFormLayout.ItemRole.FieldRole, _breakable(value))):
            item = form.itemAt(row, role)
            widget = item.widget() if item is not None else None
            if isinstance(widget, QLabel) and widget.text() != text:
                widget.setText(text)


def _breakable(text: str) -> str:
    """A path may be broken at its separators: a label breaks at spaces alone, and would cut it off."""
    return text.replace("/", "/\u200b").replace("_", "_\u200b").replace("-", "-\u200b") if len(text) > 24 else text


def _name(text: str = "") -> QLabel:
    made = GivingLabel("note", text)
    made.setFixedWidth(92)
    return made


def _value() -> QLabel:
    return label("", wrap=True, selects=True)


def _line_edit(name: str, placeholder: str) -> QLineEdit:
    made = QLineEdit()
    made.setProperty("kind", "value")
    made.setAccessibleName(name)
    made.setPlaceholderText(placeholder)
    return made
