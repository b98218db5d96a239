"""Where a message is written: Enter sends, Shift+Enter breaks the line, Send turns into Stop while an answer comes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtGui import QFocusEvent, QImage, QResizeEvent, QTextCursor
from PySide6.QtWidgets import QFileDialog, QFrame, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from nodetool_xl_desktop.chat import attaching
from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.translation import tr, trn
from nodetool_xl_desktop.store.parts import Attachment, Part, Text, text_of
from nodetool_xl_desktop.store.store import Store
from nodetool_xl_desktop.ui.composer.attachment_entry import Attached
from nodetool_xl_desktop.ui.composer.attachment_tray import AttachmentTray, Count
from nodetool_xl_desktop.ui.composer.composer_told import Told
from nodetool_xl_desktop.ui.composer.message_edit import MessageEdit
from nodetool_xl_desktop.ui.inputs import in_order
from nodetool_xl_desktop.ui.parts import caption, restyle
from nodetool_xl_desktop.ui.tasks import Tasks
from nodetool_xl_desktop.ui.theme import SPACE_M, SPACE_S, Theme
from nodetool_xl_desktop.ui.tools.tools_button import ToolsButton

#: Narrower than this, in device-independent pixels, Attach and Tools are icons, and the hint has a line of its own.
NARROW = 560


class Composer(QFrame):
    """The field, what goes along with it, and the button that sends or stops.

    Args:
        theme: the theme in force.
        tasks: where attachments are read.
    """

    #: Send these parts (a tuple of `store.parts.Part`). The field keeps them until `clear`.
    send_requested = Signal(object)
    stop_requested = Signal()
    #: The person changed the draft (a tuple of parts; attachments without their text). Not by `set_draft` or `clear`.
    draft_changed = Signal(object)
    #: An attachment was read after its draft had been left by `set_draft`: the place, and the part to add there.
    attached_late = Signal(str, object)
    #: There is little room in the row below the field, or enough again.
    narrow_changed = Signal(bool)

    def __init__(self, theme: Theme, tasks: Tasks) -> None:
        super().__init__()
        self.setObjectName("composer")
        self._theme = theme
        self._answering = False
        self._quiet = False
        self._text = ""
        self._others: tuple[Part, ...] = ()
        self._pasted: tuple[Attached, str] | None = None
        self._paste_is_last = False
        self._waits = False
        self._shown: tuple[bool, ...] = ()
        self._was_narrow = False
        self._tray = AttachmentTray(theme, tasks, self)
        self._told = Told(self)
        self._edit = MessageEdit()
        self._send_tip = tr("Send (Enter)")
        self._attach = QPushButton()
        self._button = QPushButton()
        #: How many tools are on; hidden until `ToolsFlow` has counted them.
        self.tools = ToolsButton(theme)
        #: The row below the field; `add_gauge` puts something before Send.
        self.foot = QHBoxLayout()
        self._lay_out()
        self._connect()
        self._refresh()

    def _lay_out(self) -> None:
        self._edit.setPlaceholderText(tr("Ask anything. Drop a file or a model here."))
        self._attach.setAccessibleName(tr("Attach files"))
        self._attach.setToolTip(tr("Attach text, code or pictures"))
        self._button.setMinimumWidth(92)
        self.foot.setSpacing(SPACE_S)
        self.foot.addWidget(self._attach)
        self.foot.addWidget(self.tools)
        self.foot.addLayout(self._told.beside, 1)
        self.foot.addWidget(self._button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(SPACE_M + 1, SPACE_M, SPACE_M, SPACE_M)
        layout.setSpacing(SPACE_S)
        layout.addWidget(self._told.notice)
        layout.addWidget(self._tray.area)
        layout.addWidget(self._edit)
        layout.addLayout(self._told.above)
        layout.addLayout(self.foot)
        in_order(self._told.notice.remedy, self._edit, self._attach, self.tools, self._told.link, self._button)

    def _connect(self) -> None:
        edit, tray, told = self._edit, self._tray, self._told
        edit.submitted.connect(self._submit)
        edit.textChanged.connect(self._typed)
        edit.focus_changed.connect(lambda focused: restyle(self, "focused", "true" if focused else "false"))
        edit.files_pasted.connect(self.attach)
        edit.picture_pasted.connect(self._paste_picture)
        edit.long_pasted.connect(self._paste)
        edit.undo_first(lambda: self._paste_is_last and self._paste_as_text())
        tray.changed.connect(self._attachments_changed)
        tray.removed.connect(self._removed)
        tray.refused.connect(self._refused)
        tray.told.connect(told.say)
        tray.settled.connect(self._settled)
        tray.late.connect(self.attached_late)
        tray.put_requested.connect(self._put)
        tray.area.left.connect(self.focus)
        told.answered.connect(self.focus)
        self._attach.clicked.connect(self.choose_files)
        self._button.clicked.connect(self._pressed)
        self._theme.changed.connect(self._draw)

    # What others ask of it

    @property
    def text(self) -> str:
        """What is written."""
        return self._text

    @property
    def field(self) -> MessageEdit:
        """Where it is written."""
        return self._edit

    @property
    def parts(self) -> tuple[Part, ...]:
        """What would be sent now: what goes along, then the text; empty where there is nothing."""
        text = (Text(self._text),) if self._text.strip() else ()
        return (*self._tray.parts, *self._others, *text)

    @property
    def can_send(self) -> bool:
        """Whether there is something to send, and no answer on its way."""
        return not self._answering and self._has_something

    @property
    def _has_something(self) -> bool:
        return bool(self._text.strip() or self._tray.entries or self._others)

    def set_text(self, text: str) -> None:
        """Put a text in, as a person would."""
        self._edit.setPlainText(text)
        self._edit.moveCursor(QTextCursor.MoveOperation.End)

    def set_draft(self, parts: Sequence[Part], place: str = "") -> None:
        """Show what was being written elsewhere, such as in the chat that is opened now.

        Args:
            parts: the draft.
            place: whose it is; `attached_late` says it again.
        """
        self._others = tuple(part for part in parts if not isinstance(part, Text | Attachment))
        self._begin_anew(text_of(parts))
        self._tray.show([part for part in parts if isinstance(part, Attachment)], place)
        self._follow_attachments()

    def move_draft(self, place: str) -> None:
        """The same draft belongs to this place from now on: a new chat is on the disk. `attached_late` says it."""
        self._tray.move(place)

    def clear(self) -> None:
        """`parts` were sent; what is still being read stays."""
        self._tray.clear()
        self._others = ()
        self._begin_anew("")
        self._follow_attachments()

    def set_history(self, texts: Sequence[str]) -> None:
        """What was sent in this chat, oldest first: Up brings it back."""
        self._edit.set_history(texts)

    def set_store(self, store: Store) -> None:
        """Where attachments are kept; until then they wait."""
        self._tray.set_store(store)

    def set_counter(self, count: Count | None) -> None:
        """How many tokens a text makes, as the loaded model counts; None estimates it."""
        self._tray.set_counter(count)

    def set_vision(self, can_see: bool) -> None:
        """Whether the model can see pictures."""
        if can_see and not self._tray.can_see:  # what was refused for that can be attached now
            self._told.dismiss()
        self._tray.set_vision(can_see)

    def set_answering(self, answering: bool) -> None:
        """An answer comes (the button stops it) or has come."""
        if answering != self._answering:
            self._answering = answering
            if not self._told.has_link:
                self._told.unsay()
        self._refresh()

    def set_small(self, small: bool) -> None:
        """Leave room for what stands above: the field grows no longer with the text."""
        self._edit.set_small(small)

    def set_hint(self, text: str) -> None:
        """A short note below the field."""
        self._told.set_hint(text)

    def add_gauge(self, widget: QWidget) -> None:
        """Put a widget before the button."""
        self.foot.insertWidget(self.foot.count() - 1, widget)
        in_order(self._told.link, widget, self._button)

    def attach(self, paths: Sequence[Path]) -> None:
        """Have files go along: text, code, pictures; what cannot is told."""
        self._told.dismiss()
        self._told.unsay()
        self._tray.attach(paths)

    def attach_data(self, name: str, data: bytes) -> None:
        """Have something go along that was read elsewhere, such as a resource of a server."""
        self._told.dismiss()
        self._told.unsay()
        self._tray.attach_data(name, data)

    def put(self, text: str) -> None:
        """Put a text in where the cursor is, and go on writing behind it."""
        self._edit.put(text)
        self.focus()

    def quote(self, text: str) -> None:
        """Put a text in as a quotation of Markdown, where the cursor is, and go on writing below it."""
        self._edit.put_quotation(text)
        self.focus()

    def focus(self) -> None:
        """The next key goes into the field."""
        self._edit.setFocus()

    def choose_files(self) -> None:
        """Ask for files to attach."""
        dialog = QFileDialog(self.window(), tr("Attach files"))
        dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
        dialog.filesSelected.connect(lambda names: self.attach([Path(name) for name in names]))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    # Sending

    def _pressed(self) -> None:
        if self._answering:
            self.stop_requested.emit()
        else:
            self._submit()

    def _submit(self) -> None:
        if not self._has_something:
            return
        if self._answering:
            self._told.say(tr("An answer is being written. Send when it is complete, or stop it (Esc)."))
        elif name := self._tray.unseen:
            self._told.dismiss()
            self._refused(attaching.cannot_see(name))
        elif reading := self._tray.reading:
            self._waits = True
            self._told.say(trn("Sent as soon as it is read ...", "Sent as soon as they are read ...", reading))
        else:
            self._told.dismiss()
            self.send_requested.emit(self.parts)

    def _settled(self) -> None:
        self._refresh()
        if self._waits:
            self._waits = False
            self._told.unsay()
            self._submit()

    # What the person does

    def _typed(self) -> None:
        self._text = self._edit.text
        self._paste_is_last = False
        self._refresh()
        if not self._quiet:
            if not self._told.has_link:
                self._told.unsay()
            self._waits = False
            self._emit_draft()

    def _paste(self, text: str) -> None:
        self._told.dismiss()
        self._pasted = self._tray.paste(text), text
        self._paste_is_last = True
        self._told.say(tr("Long text goes along as a file."), tr("Paste as text"), self._paste_as_text)

    def _paste_picture(self, image: QImage) -> None:
        self._told.dismiss()
        self._tray.paste_picture(image)

    def _paste_as_text(self) -> bool:
        """What was pasted stands in the field after all; returns whether there was something."""
        if self._pasted is None or self._pasted[0] not in self._tray.entries:
            return False
        entry, text = self._pasted
        self._pasted = None
        self._tray.remove(entry)
        self._put(text)
        return True

    def _put(self, text: str) -> None:
        self._told.unsay()
        self._edit.put(text)
        self.focus()

    def _removed(self, entry: Attached, at: int) -> None:
        self._waits = False
        self._told.dismiss()
        self._told.unsay()
        if entry.can_come_back:
            name = caption(entry.name, 32).replace("&&", "&")
            self._told.say(tr("Removed {name}.", name=name), tr("Undo"), lambda: self._tray.put_back(entry, at))

    def _refused(self, error: UserFacingError) -> None:
        if self._waits:  # it is not sent with less than was meant
            self._waits = False
            self._told.unsay()
        self._told.refuse(error)

    def _attachments_changed(self) -> None:
        self._follow_attachments()
        self._emit_draft()

    def _follow_attachments(self) -> None:
        self._tray.area.follow(self._told.notice.remedy)
        self._refresh()

    def _emit_draft(self) -> None:
        text = (Text(self._text),) if self._text else ()
        self.draft_changed.emit((*self._tray.draft, *self._others, *text))

    def _begin_anew(self, text: str) -> None:
        self._quiet = True
        self._edit.setPlainText(text)
        self._edit.moveCursor(QTextCursor.MoveOperation.End)
        self._quiet = False
        self._pasted = None
        self._waits = False
        self._told.dismiss()
        self._told.unsay()

    # Drawing

    def focusInEvent(self, event: QFocusEvent) -> None:
        """The focus is the field's. No focus proxy: Qt's Tab would then go past the attachments."""
        self._edit.setFocus(event.reason())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._refresh()

    def send_with(self, *, control: bool) -> None:
        """Have Ctrl+Enter send, and Enter begin a new line; or have Enter send."""
        self._edit.send_with(control=control)
        self._send_tip = tr("Send (Ctrl+Enter)") if control else tr("Send (Enter)")
        self._draw()

    def _refresh(self) -> None:
        shown = (self.width() < NARROW, self._answering, self._answering or self.can_send)
        if shown != self._shown:  # icons take their time, and this is called at each key
            self._shown = shown
            self._draw()

    def _draw(self) -> None:
        narrow, answering, enabled = self._shown
        restyle(self._button, "kind", "" if answering else "primary")
        self._button.setText(tr("Stop") if answering else tr("Send"))
        self._button.setToolTip(tr("Stop the answer (Esc)") if answering else self._send_tip)
        self._button.setIcon(
            self._theme.icon("stop", "text") if answering else self._theme.icon("paper-plane-right", "on_accent")
        )
        self._button.setMinimumWidth(max(92, self._button.sizeHint().width()))
        self._button.setEnabled(enabled)
        self._attach.setIcon(self._theme.icon("paperclip"))
        self._attach.setText("" if narrow else tr("Attach"))
        restyle(self._attach, "narrow", "true" if narrow else "false")
        self.tools.set_narrow(narrow)
        if narrow != self._was_narrow:
            self._was_narrow = narrow
            self.narrow_changed.emit(narrow)
        self._told.place(narrow)
